"""Polls: sending and stopping them."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.markup import inline_only, with_markup
from toolkit.harness.fake_telegram.methods.editing import is_editable
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sending import deliver
from toolkit.harness.fake_telegram.policy import editable_chat, formatted, message_in
from toolkit.harness.fake_telegram.request import Request, as_int
from toolkit.harness.types import Json

MAX_QUESTION, MAX_OPTION, MAX_OPTIONS = 300, 100, 12
MAX_EXPLANATION = 200


@method("sendPoll")
def send_poll(request: Request) -> Json:
    poll = _poll(request)
    sent = deliver(request, {"poll": poll}, "can_send_polls", "polls")
    request.world.polls[poll["id"]] = (sent["chat"]["id"], sent["message_id"])
    return sent


def _poll(request: Request) -> Json:
    payload = request.payload
    question = formatted(payload, "question", "question_parse_mode")
    if not question["question"]:
        raise bad_request("text must be non-empty")
    if len(question["question"]) > MAX_QUESTION:
        raise bad_request(f"poll question length must not exceed {MAX_QUESTION}")
    values = request.array("options", "expected an Array of String as options")
    options = [_option(value, number) for number, value in enumerate(values)]
    if not options:
        raise bad_request("poll must have at least one answer option")
    if len(options) > MAX_OPTIONS:
        raise bad_request(f"poll can't have more than {MAX_OPTIONS} options")
    kind = request.text("type") or "regular"
    if kind not in ("regular", "quiz"):
        raise bad_request("unsupported poll type specified")
    poll: Json = {
        "id": str(request.world.number("poll")),
        **question,
        "options": options,
        "total_voter_count": 0,
        "is_closed": request.flag("is_closed"),
        "is_anonymous": request.flag("is_anonymous") if "is_anonymous" in payload else True,
        "type": kind,
        "allows_multiple_answers": request.flag("allows_multiple_answers"),
        "allows_revoting": kind == "regular",
        "members_only": request.flag("members_only"),
    }
    poll |= {name: request.integer(name) for name in request.given("open_period", "close_date")}
    return poll | (_quiz(request, len(options)) if kind == "quiz" else {})


def _option(value: Any, number: int) -> Json:
    if not isinstance(value, (str, dict)):
        raise bad_request("expected an option to be of type String")
    given = {"text": value} if isinstance(value, str) else value
    if "text" not in given:
        raise cannot_parse("InputPollOption", 'Can\'t find field "text"')
    content = formatted(given, "text", "text_parse_mode")
    if not content["text"]:
        raise bad_request("text must be non-empty")
    if len(content["text"]) > MAX_OPTION:
        raise bad_request(f"poll options length must not exceed {MAX_OPTION}")
    return {"persistent_id": str(number), "voter_count": 0, **content}


def _quiz(request: Request, options: int) -> Json:
    given = request.payload.get("correct_option_ids")
    correct = given if isinstance(given, list) else [request.payload.get("correct_option_id", -1)]
    ids = [as_int(value) for value in correct]
    if not ids or not all(0 <= option < options for option in ids):
        raise bad_request("wrong correct option ID specified")
    explanation = formatted(request.payload, "explanation", "explanation_parse_mode")
    if len(explanation["explanation"]) > MAX_EXPLANATION:
        raise bad_request("explanation is too long")
    quiz: Json = {"correct_option_ids": ids, "correct_option_id": ids[0]}
    return {**quiz, **explanation} if explanation["explanation"] else quiz


@method("stopPoll")
def stop_poll(request: Request) -> Json:
    markup = inline_only(request)
    chat = editable_chat(request)
    message = message_in(chat, request, "message with poll to stop")
    if "poll" not in message:
        raise bad_request("message is not a poll")
    if not is_editable(request, chat, message):
        raise bad_request("poll can't be stopped")
    if message["poll"]["is_closed"]:
        raise bad_request("poll has already been closed")
    poll: Json = {**message["poll"], "is_closed": True}
    kept = {key: value for key, value in message.items() if key != "reply_markup"}
    request.world.put_message(chat, with_markup({**kept, "poll": poll}, markup))
    request.world.emit("poll", poll)
    return poll
