"""TDLib's static functions, with entities as the Bot API shows them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import tdjson

Json = dict[str, Any]

PARSE_MODES = {
    "HTML": {"@type": "textParseModeHTML"},
    "Markdown": {"@type": "textParseModeMarkdown", "version": 1},
    "MarkdownV2": {"@type": "textParseModeMarkdown", "version": 2},
}
_KINDS = {
    "Mention": "mention",
    "Hashtag": "hashtag",
    "Cashtag": "cashtag",
    "BotCommand": "bot_command",
    "Url": "url",
    "EmailAddress": "email",
    "BankCardNumber": "bank_card_number",
    "MediaTimestamp": "media_timestamp",
    "Bold": "bold",
    "Italic": "italic",
    "Underline": "underline",
    "Strikethrough": "strikethrough",
    "Spoiler": "spoiler",
    "Code": "code",
    "Pre": "pre",
    "PreCode": "pre",
    "TextUrl": "text_link",
    "MentionName": "text_mention",
    "CustomEmoji": "custom_emoji",
    "BlockQuote": "blockquote",
    "ExpandableBlockQuote": "expandable_blockquote",
    "DateTime": "date_time",
}
_NAMES = {kind: name for name, kind in _KINDS.items() if name != "PreCode"}
_PREFIX = "textEntityType"


class Refusal(Exception):
    """What TDLib says of a text that it does not take."""


def execute(function: str, **fields: Any) -> Json:
    """Return the answer of a static function."""
    request = {"@type": function, **fields}
    answer = tdjson.td_execute(json.dumps(request).encode())
    assert answer is not None, request
    result: Json = json.loads(answer)
    if result["@type"] == "error":
        raise Refusal(result["message"])
    return result


execute("setLogVerbosityLevel", new_verbosity_level=0)


def parse(text: str, parse_mode: str) -> tuple[str, list[Json]]:
    """Return the text without markup, and its entities."""
    answer = execute("parseTextEntities", text=text, parse_mode=PARSE_MODES[parse_mode])
    return answer["text"], [_bot_api(each) for each in answer["entities"]]


def find(text: str) -> list[Json]:
    """Return the entities that are found without markup."""
    return [_bot_api(each) for each in execute("getTextEntities", text=text)["entities"]]


def fix(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Return a text that has no Markdown in it, and its entities, made consistent."""
    formatted = {"text": text, "entities": [_tdlib(each) for each in entities]}
    answer = execute("parseMarkdown", text=formatted)
    return answer["text"], [_bot_api(each) for each in answer["entities"]]


def parse_and_fix(
    text: str, parse_mode: str, is_plain: Callable[[str], bool]
) -> tuple[str, list[Json]]:
    """Return a parsed text made consistent; refuse one that is not plain then."""
    formatted = execute("parseTextEntities", text=text, parse_mode=PARSE_MODES[parse_mode])
    if not is_plain(formatted["text"]):
        raise Refusal("There is Markdown left")
    answer = execute("parseMarkdown", text=formatted)
    return answer["text"], [_bot_api(each) for each in answer["entities"]]


def _bot_api(found: Json) -> Json:
    kind: Json = found["type"]
    name = kind["@type"].removeprefix(_PREFIX)
    shown = {"type": _KINDS[name], "offset": found["offset"], "length": found["length"]}
    match name:
        case "PreCode":
            shown["language"] = kind["language"]
        case "TextUrl":
            shown["url"] = kind["url"]
        case "MentionName":
            shown["user"] = {"id": kind["user_id"]}
        case "CustomEmoji":
            shown["custom_emoji_id"] = str(kind["custom_emoji_id"])
        case "DateTime":
            date_format = _date_format(kind.get("formatting_type"))
            shown |= {"unix_time": kind["unix_time"], "date_time_format": date_format}
    return shown


def _date_format(kind: Json | None) -> str:
    """Return what the Bot API server shows (telegram-bot-api, Client.cpp, JsonEntity)."""
    if kind is None:
        return ""
    if kind["@type"] == "dateTimeFormattingTypeRelative":
        return "r"
    signs = {"None": ("", ""), "Short": ("d", "t"), "Long": ("D", "T")}
    date, time = (
        kind[field]["@type"].removeprefix("dateTimePartPrecision")
        for field in ("date_precision", "time_precision")
    )
    return ("w" if kind["show_day_of_week"] else "") + signs[date][0] + signs[time][1]


def _tdlib(given: Json) -> Json:
    kind: Json = {"@type": _PREFIX + _NAMES[given["type"]]}
    if given.get("language"):
        kind = {"@type": f"{_PREFIX}PreCode", "language": given["language"]}
    elif "url" in given:
        kind["url"] = given["url"]
    elif "user" in given:
        kind["user_id"] = given["user"]["id"]
    elif "custom_emoji_id" in given:
        kind["custom_emoji_id"] = given["custom_emoji_id"]
    elif "unix_time" in given:
        kind |= {"unix_time": given["unix_time"], "formatting_type": None}
    return {"offset": given["offset"], "length": given["length"], "type": kind}
