"""Answers to what a person pressed, typed or asked for."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.markup import inline_only
from toolkit.harness.fake_telegram.methods.registry import Request, method
from toolkit.harness.fake_telegram.model import Query
from toolkit.harness.fake_telegram.policy import caption, message_text
from toolkit.harness.types import Json

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
MAX_RESULTS = 50  # https://core.telegram.org/bots/api#answerinlinequery
_RESULTS = (
    "article audio contact game document gif location mpeg4_gif photo sticker venue video voice"
)
RESULTS = frozenset(_RESULTS.split())


def open_query(request: Request, kind: str, field: str) -> Query:
    """The query being answered; raises ApiError when there is none or it is too old."""
    world = request.telegram
    asked = world.callbacks if kind == "callback_query" else world.queries
    query = asked.get(str(request.payload.get(field)))
    old = query is None or world.clock() - query.at > world.query_lifetime
    if query is None or old or query.kind != kind:
        raise bad_request(TOO_OLD)
    return query


def answer(request: Request, query: Query, value: Json) -> bool:
    """Keep the answer where the person can see it."""
    query.answer = value
    request.telegram.notify("callback", query.chat_id, query)
    return True


@method("answerCallbackQuery")
def answer_callback_query(request: Request) -> bool:
    query = open_query(request, "callback_query", "callback_query_id")
    text = request.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    names = ("text", "show_alert", "url", "cache_time")
    value = {name: request.payload[name] for name in names if name in request.payload}
    if "show_alert" in value:
        value["show_alert"] = request.flag("show_alert")
    return answer(request, query, value)


@method("answerInlineQuery")
def answer_inline_query(request: Request) -> bool:
    results = request.payload.get("results") or []
    if isinstance(results, str):
        raise bad_request("can't parse JSON encoded inline query results")
    if not isinstance(results, list):
        raise bad_request("expected an Array of inline query results")
    if len(results) > MAX_RESULTS:
        raise bad_request("too many inline query results specified")
    for result in results:
        check_result(result)
    if len({result["id"] for result in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")
    query = open_query(request, "inline_query", "inline_query_id")
    value = {k: v for k, v in request.payload.items() if k != "inline_query_id"}
    return answer(request, query, {**value, "results": results})


def check_result(result: Any) -> Json:
    """One InlineQueryResult, with the content it would be sent as."""
    if not isinstance(result, dict):
        raise _wrong("expected an Object")
    for field in ("type", "id"):
        if field not in result:
            raise _wrong(f'Can\'t find field "{field}"')
    if not 1 <= len(str(result["id"]).encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    kind = result["type"]
    if kind not in RESULTS:
        raise _wrong(f'type "{kind}" is unsupported for the inline query result')
    if kind == "article":
        if "title" not in result:
            raise _wrong('Can\'t find field "title"')
        if "input_message_content" not in result:
            raise _wrong("Input message content is not specified")
    inline_only(result.get("reply_markup"))
    return result_content(result)


def _wrong(message: str) -> Exception:
    return bad_request(f"can't parse inline query result: {message}")


def result_content(result: Json) -> Json:
    """The message content of an inline result: its own, or what `input_message_content` says."""
    given = result.get("input_message_content")
    if given is None:
        content = caption(result)
        return content or {"text": str(result.get("title") or result["type"])}
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
    """The result is shown in the chat the query came from, as an inline message."""
    field = "web_app_query_id" if "web_app_query_id" in request.payload else "guest_query_id"
    result = request.payload.get("result")
    if result is None:
        raise bad_request("result isn't specified")
    content = check_result(result)
    query = open_query(request, field.removesuffix("_id"), field)
    answer(request, query, result)
    chat = request.telegram.chats[query.chat_id or query.user_id]
    sender = request.telegram.user(query.user_id)
    via = {"via_bot": request.telegram.bot_user}
    message = request.telegram.new_message(chat, sender, content, **via)
    inline_id = f"inline-{request.telegram.number('inline_message')}"
    request.telegram.inline_messages[inline_id] = (chat.id, message["message_id"])
    return {"inline_message_id": inline_id}


@method("savePreparedInlineMessage")
def save_prepared_inline_message(request: Request) -> Json:
    request.user_id()
    check_result(request.required("result"))
    number = request.telegram.number("prepared_inline_message")
    return {"id": str(number), "expiration_date": request.telegram.now() + 86400}


@method("answerShippingQuery")
def answer_shipping_query(request: Request) -> bool:
    ok = request.flag("ok")
    value: Json = {"ok": ok}
    if ok:
        value["shipping_options"] = _shipping_options(request)
    else:
        value["error_message"] = request.required("error_message")
    return answer(request, open_query(request, "shipping_query", "shipping_query_id"), value)


def _shipping_options(request: Request) -> list[Json]:
    request.required("shipping_options")
    options = request.array("shipping_options", "expected an Array of shipping options")
    for option in options:
        if not isinstance(option, dict) or not all(
            option.get(k) for k in ("id", "title", "prices")
        ):
            raise bad_request("can't parse shipping option: it needs id, title and prices")
    if not options:
        raise bad_request("there must be at least one shipping option")
    return options


@method("answerPreCheckoutQuery")
def answer_pre_checkout_query(request: Request) -> bool:
    value: Json = {"ok": request.flag("ok")}
    if not value["ok"]:
        value["error_message"] = request.required("error_message")
    query = open_query(request, "pre_checkout_query", "pre_checkout_query_id")
    return answer(request, query, value)
