"""The texts in rich messages, https://core.telegram.org/bots/api#richtext."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.buttons import STYLES, read_inline_button
from toolkit.harness.fake_telegram.entities.found import find_entities
from toolkit.harness.fake_telegram.fields import INT64, Problem
from toolkit.harness.fake_telegram.rich.plain import plain
from toolkit.harness.types import Json

MAX_DEPTH = 16
_STYLE_NAMES = "bold italic underline strikethrough spoiler code marked subscript superscript"
_STYLES = tuple(_STYLE_NAMES.split())
# What a text of a kind has, beside the text that it is about.
_NAMED = {
    "url": "url",
    "email_address": "email_address",
    "phone_number": "phone_number",
    "bank_card_number": "bank_card_number",
    "mention": "username",
    "hashtag": "hashtag",
    "cashtag": "cashtag",
    "bot_command": "bot_command",
    "anchor_link": "anchor_name",
    "reference": "name",
    "reference_link": "reference_name",
}
_SIGNED = ("mention", "hashtag", "cashtag", "bot_command")
"""Kinds whose name stands in the text with a sign before it."""
_FOUND = {"email": "email_address", **{kind: kind for kind in _NAMED}}


def read_text(value: Any, *, detects: bool = False, depth: int = 0) -> Any:
    """Return a RichText, with the links and the like that are found in it if it `detects`."""
    if depth > MAX_DEPTH:
        raise Problem("Too deep nesting")
    if isinstance(value, str):
        return _detected(value) if detects else value
    if isinstance(value, list):
        read = [read_text(each, detects=detects, depth=depth + 1) for each in value]
        return [piece for each in read for piece in (each if isinstance(each, list) else [each])]
    fields.an_object(value, "RichText must be a String, an Array or an Object")
    kind = fields.required_text(value, "type")
    if kind in _ALONE:
        return {"type": kind, **_ALONE[kind](value)}
    if kind == "button":
        return {"type": kind, "button": read_button(fields.need(value, "button"), depth + 1)}
    named: Json = {}
    if kind in _NAMED:
        named[_NAMED[kind]] = fields.required_text(value, _NAMED[kind])
    elif kind in _MORE:
        named = _MORE[kind](value)
    elif kind not in _STYLES:
        raise Problem(f'type "{kind}" is unsupported')
    detects = detects and kind in _STYLES and kind != "code"
    text = read_text(fields.need(value, "text"), detects=detects, depth=depth + 1)
    return {"type": kind, "text": text, **named}


def read_button(value: Any, depth: int = 0) -> Json:
    """Return a RichMessageButton with the one thing it does; a Problem for what is none."""
    button = fields.an_object(value, "RichMessageButton must be an Object")
    text = read_text(fields.need(button, "text"), depth=depth)
    if "disabled" not in button:
        return {**read_inline_button({**button, "text": plain(text)}), "text": text}
    fields.nested(button, "disabled")
    style = fields.text(button, "style").lower()
    if style not in STYLES:
        raise Problem("invalid button style specified")
    return {"text": text, "disabled": {}, **({"style": style} if style else {})}


def _date_time(value: Json) -> Json:
    moment = fields.required_integer(value, "unix_time", INT64)
    return {"unix_time": moment, "date_time_format": fields.text(value, "date_time_format")}


def _text_mention(value: Json) -> Json:
    user = fields.required_nested(value, "user")
    user_id = fields.required_integer(user, "id", INT64)
    name = fields.text(user, "first_name") or f"User {user_id}"
    return {"user": {"id": user_id, "is_bot": False, "first_name": name}}


def _emoji(value: Json) -> Json:
    emoji = fields.required_integer(value, "custom_emoji_id", INT64)
    alternative = fields.text(value, "alternative_text")
    return {"custom_emoji_id": str(emoji), "alternative_text": alternative}


_ALONE: dict[str, Any] = {
    "custom_emoji": _emoji,
    "mathematical_expression": lambda value: {
        "expression": fields.required_text(value, "expression")
    },
    "anchor": lambda value: {"name": fields.required_text(value, "name")},
}
_MORE: dict[str, Any] = {"date_time": _date_time, "text_mention": _text_mention}


def _detected(text: str) -> Any:
    """Return a text with what is found in it, as in any message."""
    source = text.encode("utf-16-le", "surrogatepass")
    pieces: list[Any] = []
    done = 0
    for found in find_entities(text):
        start, end = 2 * found["offset"], 2 * (found["offset"] + found["length"])
        kind = _FOUND.get(found["type"])
        if kind is None or start < done:
            continue
        part = source[start:end].decode("utf-16-le", "surrogatepass")
        before = source[done:start].decode("utf-16-le", "surrogatepass")
        pieces += [before] if before else []
        pieces.append({"type": kind, "text": part, _NAMED[kind]: part[kind in _SIGNED :]})
        done = end
    if not pieces:
        return text
    rest = source[done:].decode("utf-16-le", "surrogatepass")
    return [*pieces, rest] if rest else pieces if len(pieces) > 1 else pieces[0]
