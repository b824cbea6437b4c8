"""The entities of a request, checked field by field."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.entities.fix import clean_text
from toolkit.harness.fake_telegram.entities.links import (
    MAX_USER_ID,
    LinkError,
    check_link,
    date_format_of,
    integer,
    user_of,
)
from toolkit.harness.fake_telegram.errors import ApiError, bad_request, cannot_parse
from toolkit.harness.types import Json

# What the server finds by itself, and ignores when a bot gives it.
_FOUND = "mention hashtag cashtag bot_command url email phone_number bank_card_number"
_AUTOMATIC = frozenset(_FOUND.split())
_BARE = "bold italic underline strikethrough spoiler code blockquote expandable_blockquote"
_PLAIN = frozenset(_BARE.split())


def given_entities(entities: list[Any]) -> list[Json]:
    """Return the entities that a bot gives a text; raise ApiError."""
    read = [each for each in map(_read, entities) if each["type"] not in _AUTOMATIC]
    return [checked(each) for each in read]


def checked(found: Json) -> Json:
    """Return an entity with its content as the server keeps it."""
    kind = found["type"]
    if kind == "text_link":
        place = {field: found[field] for field in ("type", "offset", "length")}
        return place | _link(found["url"])
    if kind == "text_mention" and not 0 < found["user"]["id"] <= MAX_USER_ID:
        raise bad_request("user not found")
    if kind == "custom_emoji" and found["custom_emoji_id"] == "0":
        raise bad_request("invalid custom emoji identifier specified")
    if kind == "date_time" and found["unix_time"] <= 0:
        raise bad_request("invalid date specified")
    if "language" in found:
        return {**found, "language": clean_text(found["language"])}
    return found


def _link(url: str) -> Json:
    """Return the fields of a link or, for a link to a user, of a mention; raise ApiError."""
    try:
        url.encode()
    except UnicodeEncodeError:
        raise bad_request("messageEntityTextUrl.url must be encoded in UTF-8") from None
    url = clean_text(url)
    if user_id := user_of(url):
        return {"type": "text_mention", "user": {"id": user_id}}
    try:
        return {"url": check_link(url)}
    except LinkError as error:
        raise bad_request(f"entity URL '{url}' is invalid: {error}") from None


def _read(value: Any) -> Json:
    """Return a MessageEntity with the fields that its kind has."""
    if not isinstance(value, dict):
        raise _wrong("expected an Object")
    place = {field: _integer(value, field, 32) for field in ("offset", "length")}
    kind = _text(value, "type")
    if not kind:
        raise _wrong("Type is not specified")
    return {"type": kind, **place, **_details(kind, value)}


def _details(kind: str, value: Json) -> Json:
    if kind in _PLAIN or kind in _AUTOMATIC:
        return {}
    if kind == "pre":
        language = _text(value, "language", "")
        return {"language": language} if language else {}
    if kind == "text_link":
        return {"url": _text(value, "url")}
    if kind == "text_mention":
        if "user" not in value:
            raise _wrong('Can\'t find field "user"')
        if not isinstance(value["user"], dict):
            raise _wrong('Field "user" must be of type Object')
        return {"user": {"id": _integer(value["user"], "id")}}
    if kind == "custom_emoji":
        return {"custom_emoji_id": str(_integer(value, "custom_emoji_id"))}
    if kind == "date_time":
        moment, signs = _integer(value, "unix_time", 32), _text(value, "date_time_format", "")
        # Of small and capital signs the last one counts.
        last = [c for i, c in enumerate(signs) if c.swapcase() not in signs[i:]]
        known = date_format_of("".join(last))
        if known is None:
            raise _wrong("Invalid date-time format specified")
        return {"unix_time": moment, "date_time_format": known}
    raise _wrong("Unsupported type specified")


def _integer(value: Json, field: str, bits: int = 64) -> int:
    if field not in value:
        raise _wrong(f'Can\'t find field "{field}"')
    found = value[field]
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise _wrong(f'Field "{field}" must be a Number')
    number = integer(str(found), bits)
    if number is None:
        raise _wrong(f'Field "{field}" must be a valid Number')
    return number


def _text(value: Json, field: str, default: str | None = None) -> str:
    if field not in value:
        if default is None:
            raise _wrong(f'Can\'t find field "{field}"')
        return default
    found = value[field]
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise _wrong(f'Field "{field}" must be of type String')
    return str(found)


def _wrong(problem: str) -> ApiError:
    return cannot_parse("MessageEntity", problem)
