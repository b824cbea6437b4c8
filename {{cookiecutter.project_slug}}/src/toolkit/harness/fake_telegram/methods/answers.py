"""Answers to the queries of users."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.markup import inline_only
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Query
from toolkit.harness.fake_telegram.policy import caption, message_text
from toolkit.harness.fake_telegram.request import Request, checked_object
from toolkit.harness.types import Json

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
ANSWER_WITHIN = dict.fromkeys(("inline_query", "shipping_query", "pre_checkout_query"), 10.0)
"""Seconds, where `query_lifetime` is not shorter (Bot API, "PreCheckoutQuery")."""
MAX_RESULTS = 50  # https://core.telegram.org/bots/api#answerinlinequery
_RESULTS = (
    "article audio contact game document gif location mpeg4_gif photo sticker venue video voice"
)
RESULTS = frozenset(_RESULTS.split())


def _open_query(request: Request, kind: str) -> Query:
    """Return the query being answered; refuse when there is none, or it is too old."""
    world = request.world
    kept = world.callbacks if kind == "callback_query" else world.queries
    query = kept.get(str(request.payload.get(f"{kind}_id")))
    lifetime = min(world.query_lifetime, ANSWER_WITHIN.get(kind, world.query_lifetime))
    old = query is None or world.clock() - query.at > lifetime
    if query is None or old or query.kind != kind:
        raise bad_request(TOO_OLD)
    return query


def _answer(request: Request, query: Query, value: Json) -> bool:
    query.answer = value
    request.world.notify("callback", query.chat_id, query)
    return True


@method("answerCallbackQuery")
def answer_callback_query(request: Request) -> bool:
    query = _open_query(request, "callback_query")
    if len(request.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    value = request.given("text", "show_alert", "url", "cache_time")
    if "show_alert" in value:
        value["show_alert"] = request.flag("show_alert")
    return _answer(request, query, value)


@method("answerInlineQuery")
def answer_inline_query(request: Request) -> bool:
    unparsed, wrong = (
        "JSON encoded inline query results",
        "expected an Array of inline query results",
    )
    results: list[Any] = request.json("results", unparsed, wrong, list) or []
    if len(results) > MAX_RESULTS:
        raise bad_request("too many inline query results specified")
    for result in results:
        check_result(request, result)
    if len({result["id"] for result in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")
    value = {k: v for k, v in request.payload.items() if k != "inline_query_id"}
    return _answer(request, _open_query(request, "inline_query"), {**value, "results": results})


def check_result(request: Request, value: Any) -> Json:
    """Check an InlineQueryResult; return the content it would be sent as."""
    what = "inline query result"
    result = checked_object(value, what, "type", "id")
    if not 1 <= len(str(result["id"]).encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    kind = result["type"]
    if kind not in RESULTS:
        raise cannot_parse(what, f'type "{kind}" is unsupported for the {what}')
    if kind == "article":
        checked_object(result, what, "title")
        if "input_message_content" not in result:
            raise cannot_parse(what, "Input message content is not specified")
    inline_only(request.inside(result))
    return result_content(result)


def result_content(result: Json) -> Json:
    """Return the message content of an inline result: its own, or its `input_message_content`."""
    given = result.get("input_message_content")
    if given is None:
        return caption(result) or {"text": str(result.get("title") or result["type"])}
    if "message_text" in given:
        return message_text({**given, "text": given["message_text"]})
    if "latitude" in given:
        place = {name: given[name] for name in ("latitude", "longitude")}
        if "address" not in given:
            return {"location": place}
        venue = {"location": place, "title": given["title"], "address": given["address"]}
        return {"location": place, "venue": venue}
    if "phone_number" in given:
        names = ("phone_number", "first_name", "last_name", "vcard")
        return {"contact": {name: given[name] for name in names if name in given}}
    if "payload" in given:
        return {"text": str(given.get("title", "")), "invoice": given}
    raise bad_request("input message content is not specified")


@method("answerWebAppQuery", "answerGuestQuery")
def answer_web_app_query(request: Request) -> Json:
    """Show the result in the chat the query came from, as an inline message."""
    kind = "web_app_query" if "web_app_query_id" in request.payload else "guest_query"
    result = request.payload.get("result")
    if result is None:
        raise bad_request("result isn't specified")
    content = check_result(request, result)
    query = _open_query(request, kind)
    _answer(request, query, result)
    world = request.world
    chat = world.chats[query.chat_id or query.user_id]
    return {"inline_message_id": world.inline_message(chat, query.user_id, content)}


@method("savePreparedInlineMessage")
def save_prepared_inline_message(request: Request) -> Json:
    request.user_id()
    check_result(request, request.required("result"))
    number = request.world.number("prepared_inline_message")
    return {"id": str(number), "expiration_date": request.world.now() + 86400}


@method("answerShippingQuery")
def answer_shipping_query(request: Request) -> bool:
    value: Json = {"ok": request.flag("ok")}
    if value["ok"]:
        value["shipping_options"] = _shipping_options(request)
    else:
        value["error_message"] = request.required("error_message")
    return _answer(request, _open_query(request, "shipping_query"), value)


def _shipping_options(request: Request) -> list[Json]:
    request.required("shipping_options")
    options = request.array("shipping_options", "expected an Array of shipping options")
    needed = ("id", "title", "prices")
    for option in options:
        if not isinstance(option, dict) or not all(map(option.get, needed)):
            raise cannot_parse("shipping option", "it needs id, title and prices")
    if not options:
        raise bad_request("there must be at least one shipping option")
    return options


@method("answerPreCheckoutQuery")
def answer_pre_checkout_query(request: Request) -> bool:
    value: Json = {"ok": request.flag("ok")}
    if not value["ok"]:
        value["error_message"] = request.required("error_message")
    return _answer(request, _open_query(request, "pre_checkout_query"), value)
