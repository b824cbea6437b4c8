"""Answers to the queries of users."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.buttons import (
    check_reply_button,
    check_web_app,
    read_reply_button,
)
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem, as_text, parsing
from toolkit.harness.fake_telegram.json_errors import why_no_json
from toolkit.harness.fake_telegram.methods.inline_results import check_ids, one_result, read_result
from toolkit.harness.fake_telegram.methods.payments import read_prices
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Query
from toolkit.harness.fake_telegram.policy import check_user
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
ANSWER_WITHIN = dict.fromkeys(("inline_query", "shipping_query", "pre_checkout_query"), 10.0)
"""Seconds, where `query_lifetime` is not shorter (Bot API, "PreCheckoutQuery")."""
MAX_RESULTS = 50  # https://core.telegram.org/bots/api#answerinlinequery
MAX_TOAST = 200


def _open_query(request: Request, kind: str) -> Query:
    """Return the query being answered; refuse when there is none, or it is too old."""
    world = request.world
    kept = world.callbacks if kind == "callback_query" else world.queries
    query = kept.get(request.text(f"{kind}_id"))
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
    if len(request.text("text")) > MAX_TOAST:
        raise bad_request("MESSAGE_TOO_LONG")
    _check_url(request, query)
    value = request.given("text", "show_alert", "url", "cache_time")
    if "show_alert" in value:
        value["show_alert"] = request.flag("show_alert")
    return _answer(request, query, value)


def _check_url(request: Request, query: Query) -> None:
    """Let a tap be answered with a link to this bot only, but on the button of a game."""
    url = request.text("url")
    if not url or "game_short_name" in query.content:
        return
    name = re.escape(str(request.world.me["username"]))
    own = rf"(?:https?://)?(?:www\.)?(?:t|telegram)\.me/{name}/?\?start(?:group|app)?=.*|tg:.*"
    if not re.fullmatch(own, url, re.IGNORECASE):
        raise bad_request("URL_INVALID")


@method("answerInlineQuery")
def answer_inline_query(request: Request) -> bool:
    button = _read_button(request)
    results = _read_results(request)
    if button is not None:
        _check_button(button)
    for _, content in results:
        content()
    check_ids([result for result, _ in results])
    value = {k: v for k, v in request.payload.items() if k != "inline_query_id"}
    answered = [result for result, _ in results]
    return _answer(request, _open_query(request, "inline_query"), {**value, "results": answered})


def _read_results(request: Request) -> list[tuple[Json, Any]]:
    values = request.payload.get("results")
    if isinstance(values, str):
        reason = why_no_json(values)
        if reason:
            raise bad_request(f"can't parse JSON encoded inline query results: {reason}")
    if values is None:
        return []
    if not isinstance(values, list):
        raise bad_request("expected an Array of inline query results")
    if len(values) > MAX_RESULTS:
        raise bad_request("too many inline query results specified")
    with parsing("inline query result"):
        return [(value, read_result(request, value)) for value in values]


def _read_button(request: Request) -> Json | None:
    what = "inline query results button"
    value = request.json("button", f"{what} JSON object", kind=object)
    if "button" not in request.payload:
        text = request.text("switch_pm_text")
        start = request.text("switch_pm_parameter")
        return {"text": text, "start_parameter": start} if text else None
    with parsing(what):
        fields.an_object(value, "InlineQueryResultsButton must be an Object")
        read: Json = {"text": fields.required_text(value, "text")}
        if "start_parameter" in value:
            return {**read, "start_parameter": fields.text(value, "start_parameter")}
        if "web_app" in value:
            return {**read, "web_app": fields.required_text(fields.nested(value, "web_app"), "url")}
        raise Problem("InlineQueryResultsButton must have exactly one optional field")


def _check_button(button: Json) -> None:
    if "web_app" in button:
        check_web_app(button["web_app"], "inline query button Web App", "the Web App button")
        return
    start = as_text(button["start_parameter"])
    if not start:
        raise bad_request("can't use empty start_parameter")
    if len(start.encode()) > 64:
        raise bad_request("too long start_parameter specified")
    if not re.fullmatch("[A-Za-z0-9_-]+", start):
        raise bad_request("unallowed characters in start_parameter are used")


@method("answerWebAppQuery", kind="web_app_query")
@method("answerGuestQuery", kind="guest_query")
def answer_web_app_query(request: Request, kind: str) -> Json:
    """Show the result in the chat the query came from, as an inline message."""
    result, content = one_result(request)
    query = _open_query(request, kind)
    _answer(request, query, result)
    world = request.world
    chat = world.chats[query.chat_id or query.user_id]
    guest = {"guest_bot_caller_user": world.user(query.user_id)} if kind == "guest_query" else {}
    return {"inline_message_id": world.inline_message(chat, query.user_id, content, **guest)}


@method("savePreparedInlineMessage")
def save_prepared_inline_message(request: Request) -> Json:
    request.user_id()
    one_result(request)
    allowed = ("allow_user_chats", "allow_bot_chats", "allow_group_chats", "allow_channel_chats")
    if not any(map(request.flag, allowed)):
        raise bad_request("at least one chat type must be allowed")
    number = request.world.number("prepared_inline_message")
    return {"id": str(number), "expiration_date": request.world.now() + 86400}


@method("savePreparedKeyboardButton")
def save_prepared_keyboard_button(request: Request) -> Json:
    user_id, unparsed = request.user_id(), "keyboard button JSON object"
    if "button" not in request.payload:
        raise bad_request(f"can't parse {unparsed}")
    value = request.json("button", unparsed, kind=object)
    with parsing("keyboard button"):
        button = read_reply_button(value)
    check_user(request, user_id)
    check_reply_button(button, private=True)
    return {"id": str(request.world.number("prepared_keyboard_button"))}


@method("answerShippingQuery")
def answer_shipping_query(request: Request) -> bool:
    value: Json = {"ok": request.flag("ok")}
    if value["ok"]:
        value["shipping_options"] = _shipping_options(request)
    else:
        value["error_message"] = request.required("error_message")
    return _answer(request, _open_query(request, "shipping_query"), value)


def _shipping_options(request: Request) -> list[Json]:
    wrong = "expected an Array of shipping options"
    values = request.array("shipping_options", wrong, "shipping options JSON object")
    with parsing("shipping option"):
        options = [_shipping_option(value) for value in values]
    if not options:
        raise bad_request("there must be at least one shipping option")
    return options


def _shipping_option(value: Any) -> Json:
    fields.an_object(value, "ShippingOption must be an Object")
    option: Json = {}
    for name, what in (("id", "identifier"), ("title", "title")):
        option[name] = fields.required_text(value, name)
        if not option[name]:
            raise Problem(f"ShippingOption {what} must be non-empty")
    prices = fields.required_nested(value, "prices", list)
    with parsing("shipping option prices"):
        return {**option, "prices": read_prices(prices)}


@method("answerPreCheckoutQuery")
def answer_pre_checkout_query(request: Request) -> bool:
    value: Json = {"ok": request.flag("ok")}
    if not value["ok"]:
        value["error_message"] = request.required("error_message")
    return _answer(request, _open_query(request, "pre_checkout_query"), value)
