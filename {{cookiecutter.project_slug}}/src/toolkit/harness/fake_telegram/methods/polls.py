"""Polls: sending and stopping them."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import for_business, own_business_message
from toolkit.harness.fake_telegram.delivering import deliver
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int, parsing, whole_number
from toolkit.harness.fake_telegram.markup import check_inline, read_markup, with_markup
from toolkit.harness.fake_telegram.messages import is_editable
from toolkit.harness.fake_telegram.methods.poll_media import check_media_of, check_poll_media
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import (
    Late,
    editable_chat,
    find_chat,
    formatted,
    later,
    message_in,
    text_later,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

MAX_QUESTION, MAX_OPTION, MAX_OPTIONS = 300, 100, 12
MAX_EXPLANATION = 200
MAX_COUNTRIES = 12


@method("sendPoll")
def send_poll(request: Request) -> Json:
    content = _poll(request)
    sent = deliver(request, content, "can_send_polls", "polls")
    poll_id = sent["poll"]["id"]
    request.world.polls[poll_id] = (sent["chat"]["id"], sent["message_id"])
    if request.flag("allow_adding_options"):
        details = request.world.chats[sent["chat"]["id"]].details
        details["open_polls"] = [*details.get("open_polls", []), poll_id]
    return sent


def _poll(request: Request) -> Late:
    payload = request.payload
    too_long = f"poll question length must not exceed {MAX_QUESTION}"
    question = text_later(payload, "question", "question_parse_mode", MAX_QUESTION, too_long)
    options = _options(request)
    formatted(payload, "description", "description_parse_mode")
    kind = request.text("type") or "regular"
    quiz = _quiz(request) if kind == "quiz" else None
    if kind not in ("regular", "quiz"):
        raise bad_request("unsupported poll type specified")
    countries = _countries(request)
    check_poll_media(request, "media")

    def content() -> Json:
        asked = question()
        answers = [
            {"persistent_id": str(number), "voter_count": 0, **option()}
            for number, option in enumerate(_counted(options))
        ]
        answer = quiz(len(answers)) if quiz else {}
        _check_voters(request, countries)
        poll = {**asked, "options": answers, **_settings(request, kind), **answer}
        return {"poll": {"id": str(request.world.number("poll")), **poll}}

    return content


def _settings(request: Request, kind: str) -> Json:
    payload = request.payload
    anonymous = request.flag("is_anonymous") if "is_anonymous" in payload else True
    revoting = kind != "quiz"
    if "allows_revoting" in payload:
        revoting = request.flag("allows_revoting")
    poll: Json = {
        "total_voter_count": 0,
        "is_closed": request.flag("is_closed"),
        "is_anonymous": anonymous,
        "type": kind,
        "allows_multiple_answers": request.flag("allows_multiple_answers"),
        "allows_revoting": revoting,
        "members_only": request.flag("members_only"),
    }
    return poll | _closing(request)


def _closing(request: Request) -> Json:
    """Return when a poll closes by itself: both fields, whichever was given."""
    now = request.world.now()
    period = request.integer("open_period", 0, 0, 2_628_000)
    close = now + period if period else request.integer("close_date")
    if request.flag("is_closed") or (not period and close < now + 5):
        return {}
    return {"open_period": close - now, "close_date": close}


def _options(request: Request) -> list[Late]:
    wrong, unparsed = "expected an Array of String as options", "options JSON object"
    if "options" not in request.payload:
        raise bad_request(f"can't parse {unparsed}")
    return [_option(request, value) for value in request.array("options", wrong, unparsed)]


def _counted(options: list[Late]) -> list[Late]:
    if not options:
        raise bad_request("poll must have at least one answer option")
    if len(options) > MAX_OPTIONS:
        raise bad_request(f"poll can't have more than {MAX_OPTIONS} options")
    return options


def _option(request: Request, value: Any) -> Late:
    if not isinstance(value, (str, dict)):
        raise bad_request("expected an option to be of type String")
    given: Json = {"text": value} if isinstance(value, str) else value
    with parsing():
        fields.required_text(given, "text")
        fields.text(given, "text_parse_mode")
    too_long = f"poll options length must not exceed {MAX_OPTION}"
    text = text_later(given, "text", "text_parse_mode", MAX_OPTION, too_long)
    with parsing("poll option media", "failed to"):
        check_media_of(request, given.get("media"), option=True)
    return text


def _countries(request: Request) -> list[Any]:
    wrong = "expected an Array of String"
    values = request.array("country_codes", wrong, required=False)
    if len(values) > MAX_COUNTRIES:
        raise bad_request("too many items specified")
    if not all(isinstance(value, str) for value in values):
        raise bad_request(wrong)
    return values


def _check_voters(request: Request, countries: list[str]) -> None:
    if not all(re.fullmatch("[A-Z]{2}", code) for code in countries):
        raise bad_request("invalid country code specified")
    channel = find_chat(request).kind == "channel"
    if not channel and (countries or request.flag("members_only")):
        raise bad_request("poll voters can be restricted only in channel chats")
    anonymous = request.flag("is_anonymous") or "is_anonymous" not in request.payload
    if channel and not anonymous:
        raise bad_request("non-anonymous polls can't be sent to channel chats")


def _quiz(request: Request) -> Any:
    explanation = later(lambda: formatted(request.payload, "explanation", "explanation_parse_mode"))
    check_poll_media(request, "explanation_media")
    correct = _correct(request)

    def answer(options: int) -> Json:
        _check_correct(correct, options)
        explained = explanation()
        if len(explained["explanation"]) > MAX_EXPLANATION:
            raise bad_request("explanation is too long")
        quiz: Json = {"correct_option_ids": correct}
        if len(correct) == 1:
            quiz["correct_option_id"] = correct[0]
        if explained["explanation"]:
            quiz |= {"explanation_entities": [], **explained}
        return quiz

    return answer


def _correct(request: Request) -> list[int]:
    if "correct_option_ids" not in request.payload:
        given = request.payload.get("correct_option_id")
        return [] if given is None else [as_int(given)]
    unparsed = "correct option identifiers JSON object"
    wrong = "expected an Array of correct option identifiers"
    ids = []
    for value in request.array("correct_option_ids", wrong, unparsed):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise bad_request("correct option identifier must be of type Number")
        number = whole_number(value)
        if number is None:
            raise bad_request("invalid correct option identifier specified")
        ids.append(number)
    return ids


def _check_correct(correct: list[int], options: int) -> None:
    if not correct:
        raise bad_request("correct quiz option list must be non-empty")
    if correct != sorted(set(correct)):
        raise bad_request("correct quiz option list must be increasing")
    if not all(0 <= each < options for each in correct):
        raise bad_request("wrong quiz correct_option_id")


@method("stopPoll")
def stop_poll(request: Request) -> Json:
    markup = read_markup(request)
    if for_business(request):
        chat, message = own_business_message(request)
    else:
        chat = editable_chat(request)
        message = message_in(chat, request, "message with poll to stop")
    if "poll" not in message:
        raise bad_request("message is not a poll")
    if not is_editable(request, chat, message):
        raise bad_request("poll can't be stopped")
    markup = check_inline(markup, chat)
    closing = ("open_period", "close_date")
    poll = {key: value for key, value in message["poll"].items() if key not in closing}
    poll["is_closed"] = True
    kept = {key: value for key, value in message.items() if key != "reply_markup"}
    request.world.put_message(chat, with_markup({**kept, "poll": poll}, markup))
    request.world.emit("poll", poll)
    return poll
