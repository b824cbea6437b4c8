"""What a spec starts from, and the texts that it names instead of quoting them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp

FindText = Callable[[str, str, dict[str, str]], str]
"""`find_text(name, language, fields)` returns a regular expression; bots offer it under
`app["find_text"]`. Raises `LookupError` for a name that it does not know."""


@dataclass(frozen=True)
class Given:
    """Settings and fields of a fresh session that differ, the language that users speak, the date.

    Without `now` it is today's; with it, time stands still between the steps. `sessions` and
    `records` are what the store holds, by key; `users` and `chats` are there.
    """

    settings: Json = field(default_factory=dict)
    session: Json = field(default_factory=dict)
    language: str = "en"
    now: datetime | None = None
    sessions: Json = field(default_factory=dict)
    records: Json = field(default_factory=dict)
    users: tuple[Json, ...] = ()
    chats: tuple[Json, ...] = ()

    @property
    def options(self) -> Json:
        """What the factory is called with."""
        return {"settings": self.settings} if self.settings else {}

    def as_json(self) -> Json:
        """Return what differs from nothing in particular, as a spec says it."""
        plain = Given()
        mine = {each.name: getattr(self, each.name) for each in fields_of(self)}
        if self.now is not None:
            mine["now"] = self.now.isoformat(timespec="seconds")
        differing = {name: each for name, each in mine.items() if each != getattr(plain, name)}
        return {k: [*each] if isinstance(each, tuple) else each for k, each in differing.items()}


def begin_sessions_with(app: BotApp[Any], fields: Json) -> None:
    """Let every fresh session of the bot have these fields, as JSON.

    Raises `ValueError` for a field that the session does not have, or a value that does not fit.
    """
    codec = app.sessions.codec
    record = session_record(app, fields, "given.session")
    codec.initial = lambda: codec.load("given.session", deepcopy(record))[0]


def session_record(app: BotApp[Any], fields: Json, where: str) -> Json:
    """Return the record of a session that has these fields, and else those of a fresh one.

    Raises `ValueError` for a field that the session does not have, or a value that does not fit.
    """
    codec = app.sessions.codec
    known = codec.dump(where, codec.initial())
    for name in fields.keys() - known.keys():
        there = ", ".join(known)
        raise ValueError(f"{where}: there is no field {name!r} in the session, only {there}")
    record = {"session": {**known, **fields}, "version": codec.version}
    codec.load(where, record)
    return record


class UnknownText(ValueError):
    """A spec names a text that the bot does not have."""


def with_texts(value: Any, data: Mapping[str, Any], language: str) -> Any:
    """Return `value` with every `{"$text": …}` in it replaced by the `$regex` of that text.

    Raises `UnknownText`.
    """
    if isinstance(value, list):
        return [with_texts(item, data, language) for item in value]
    if not isinstance(value, dict):
        return value
    if "$text" not in value:
        return {name: with_texts(item, data, language) for name, item in value.items()}
    names = value["$text"] if isinstance(value["$text"], list) else [value["$text"]]
    fields = {name: str(item) for name, item in value.items() if name not in ("$text", "language")}
    find = cast(FindText | None, data.get("find_text"))
    if find is None:
        raise UnknownText('this bot names no texts: $text needs app["find_text"]')
    try:
        patterns = [find(name, value.get("language", language), fields) for name in names]
    except LookupError as error:
        raise UnknownText(f"$text: {error}") from None
    whole = r"\s+".join(f"(?:{each})" for each in patterns)
    return {"$regex": f"(?s)^{whole}$"}
