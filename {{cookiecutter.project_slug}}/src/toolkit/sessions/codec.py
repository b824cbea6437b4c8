"""Typed sessions in and out of plain JSON records.

A record is `{"session": {...}, "fsm": {...}, "version": n, "updates": [...]}`. pydantic, which
aiogram brings along, reads and writes the session, so a dataclass, a pydantic model and a TypedDict
all work. Fields that the code does not know are kept: while two releases run side by side, the
older one must not erase what the newer one wrote.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import pydantic
from pydantic import TypeAdapter

from toolkit.errors import MigrationRefused, NotSerializable, SessionUndecodable
from toolkit.sessions.round_trip import RoundTrip, difference
from toolkit.storage.base import Value
from toolkit.talks.state import fault_of as fault_of_talk
from toolkit.timers.timers import FIELD as TIMERS
from toolkit.timers.timers import fault_of

S = TypeVar("S")
Migration = Callable[..., dict[str, Any]]
"""From the session's fields to the next ones; with a second parameter it may change the timers."""


class SessionCodec(Generic[S]):
    """Turns records into sessions and back.

    `initial` returns a fresh session. `migrations` maps `1, 2, …, n` to functions from the
    session fields of the version before to those of that version; a record without a version is 0.
    `session_type` is only needed where `initial` is a lambda that returns a TypedDict.
    """

    def __init__(
        self,
        initial: Callable[[], S],
        *,
        migrations: Mapping[int, Migration] | None = None,
        session_type: type[S] | None = None,
    ) -> None:
        self.initial = initial
        self.migrations = dict(sorted((migrations or {}).items()))
        self.version = len(self.migrations)
        if list(self.migrations) != list(range(1, self.version + 1)):
            found = ", ".join(map(str, self.migrations))
            raise ValueError(f"migrations must be numbered 1, 2, 3, … without gaps; got {found}")
        self._see_timers = {n for n, each in self.migrations.items() if _takes_two(each)}
        self.type: Any = session_type or _type_of(initial)
        adapter, self._trip = _adapter(typing.cast(Hashable, self.type))
        # What TypeAdapter's own methods call, without the dozen options they pass on.
        self._validate: Callable[..., Any] = adapter.validator.validate_python
        if self._trip.reading:
            self._validate = functools.partial(self._validate, **self._trip.reading)
        write: Callable[..., Any] = adapter.serializer.to_python
        self._serialize = functools.partial(write, **self._trip.writing)
        self._fields = _field_names(self.type)
        session = initial()
        self.verify("initial()", session, self.dump("initial()", session))

    def load(self, key: str, record: Value | None) -> tuple[S, dict[str, Any]]:
        """Return the session of `record`, and its fields to compare with after a handler.

        Raises `SessionUndecodable` naming the field that does not fit, and `MigrationRefused` when
        the record is newer than the code or a migration raises.
        """
        if record is not None and (fault := _fault(record)):
            raise SessionUndecodable(key, fault, record)
        stored = None if record is None else record.get("session")
        if record is None or stored is None:
            session = self.initial()
            return session, self.dump(key, session)
        fields = self._migrate(key, stored, record.get("version", 0))
        try:
            session = self._validate(fields)
        except pydantic.ValidationError as error:
            raise SessionUndecodable(key, ": ".join(_first(error)), record) from error
        if self._trip.copies and fields.keys() == self._fields:
            return session, fields
        return session, self.dump(key, session, fields)

    def dump(self, key: str, session: S, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON fields of `session`, with the unknown fields of `before` kept.

        Raises `NotSerializable` when a field holds what its type does not allow.
        """
        try:
            fields = self._serialize(session)
        except (AttributeError, ValueError) as error:
            detail = " ".join(str(error).split())
            place = self._misfit(session)
            raise NotSerializable(key, place, f"does not fit its type: {detail}") from error
        if not isinstance(fields, dict):
            raise NotSerializable(key, "session", f"has no fields, it is {type(session).__name__}")
        if before is not None and self._fields is not None and not before.keys() <= fields.keys():
            for name in before.keys() - self._fields:
                fields.setdefault(name, before[name])
        return fields

    def verify(self, key: str, session: S, fields: dict[str, Any]) -> None:
        """Raise `NotSerializable` where `fields`, as dumped, are not read as this session again.

        What is declared as Any comes back as JSON has it.
        """
        try:
            back = self._validate(fields)
        except pydantic.ValidationError as error:
            place, reason = _first(error)
            text = f"could not be read again: {reason}"
            raise NotSerializable(key, f"session.{place}", text) from error
        if isinstance(session, dict):
            if odd := session.keys() ^ back.keys():
                raise NotSerializable(key, f"session.{odd.pop()}", "is not declared, or no text")
        elif type(session) is not type(back):
            words = f"is {type(session).__name__} and would be read as {type(back).__name__}"
            raise NotSerializable(key, "session", words)
        for name, exact in self._trip.compared.items():
            old, new = _part(session, name), _part(back, name)
            # Equal is enough for most, and quick.
            if (exact or old != new) and (found := difference(old, new, f"session.{name}", exact)):
                raise NotSerializable(key, found[0], f"would be read as {found[1]!r:.60}")

    def _misfit(self, session: S) -> str:
        for name in self._fields or ():
            try:
                self._serialize(session, include={name})
            except (AttributeError, ValueError):
                return f"session.{name}"
        return "session"

    def timers_of(self, key: str, record: Value) -> dict[str, Any]:
        """Return the timers of a record as its migrations leave them.

        Raises `MigrationRefused` where they are none any more.
        """
        timers: dict[str, Any] = record.get(TIMERS) or {}
        version = record.get("version", 0)
        if not timers or self._see_timers.isdisjoint(range(version + 1, self.version + 1)):
            return timers
        timers = copy.deepcopy(timers)
        self._migrate(key, record.get("session") or {}, version, timers)
        if fault := fault_of(timers):
            raise MigrationRefused(f"after the migrations of {key}: {fault}")
        return timers

    def _migrate(
        self,
        key: str,
        stored: dict[str, Any],
        version: Any,
        timers: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        if version == self.version:
            return stored
        if version > self.version:
            raise MigrationRefused(
                f"the session of {key} has version {version}, this code knows {self.version}: "
                "a newer release wrote it. Deploy that release again, or add its migrations"
            )
        fields = copy.deepcopy(stored)
        for number in range(version + 1, self.version + 1):
            more = ({} if timers is None else timers,) if number in self._see_timers else ()
            try:
                fields = self.migrations[number](fields, *more)
            except Exception as error:
                raise MigrationRefused(
                    f"migration {number} failed on the session of {key}: {error!r}. "
                    "The stored record is unchanged; mend the migration and deploy again"
                ) from error
            if not isinstance(fields, dict):
                raise MigrationRefused(
                    f"migration {number} returned {type(fields).__name__} for the session of "
                    f"{key}; it must return the session's fields as a dict"
                )
        return fields


def _takes_two(migration: Migration) -> bool:
    try:
        found = inspect.signature(migration).parameters.values()
    except ValueError:  # some of those that are built in
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in places and each.default is each.empty for each in found) > 1


def _part(session: Any, name: str) -> Any:
    if not name:
        return session
    return session.get(name) if isinstance(session, dict) else getattr(session, name)


def _first(error: pydantic.ValidationError) -> tuple[str, str]:
    """Return the place and the words of the first error."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])) or "session", first["msg"]


def _fault(record: Value) -> str | None:
    """Return what of a record is not as `Sessions` writes it, and `None` where all is."""
    if not isinstance(record.get("session") or {}, dict):
        return "session: not a JSON object"
    if type(record.get("version", 0)) is not int:
        return f"version: {record['version']!r} is not a number"
    updates = record.get("updates", [])
    if not isinstance(updates, list) or not {int}.issuperset(map(type, updates)):
        return "updates: not a list of numbers"
    chats = record.get("chats", {})
    if not isinstance(chats, dict) or not {int}.issuperset(map(type, chats.values())):
        return "chats: not an object of numbers"
    fsm = record.get("fsm", {})
    if not isinstance(fsm, dict) or not all(map(_is_fsm_entry, fsm.values())):
        return "fsm: not an object of states and data"
    if "talk" in record and (fault := fault_of_talk(record["talk"])):
        return fault
    return fault_of(record["timers"]) if "timers" in record else None


def _is_fsm_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("state", ""), str)
        and isinstance(entry.get("data", {}), dict)
    )


def _type_of(initial: Callable[[], Any]) -> Any:
    if inspect.isclass(initial):
        return initial
    if isinstance(initial, functools.partial):
        return _type_of(initial.func)
    declared = typing.get_type_hints(initial).get("return") if callable(initial) else None
    if declared is not None:
        return declared
    found = type(initial())
    return dict[str, Any] if found is dict else found


@functools.cache
def _adapter(session_type: Hashable) -> tuple[TypeAdapter[Any], RoundTrip]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(session_type)
        adapter.rebuild(raise_errors=True)
        return adapter, RoundTrip(adapter.core_schema)
    except (pydantic.errors.PydanticUserError, NameError, ValueError) as error:
        reason = str(error).split("\n", 1)[0].rstrip(".")
        name = getattr(session_type, "__name__", session_type)
        raise TypeError(
            f"{name} cannot be used as a session: {reason}. Sessions are a dataclass, a pydantic "
            "model or a TypedDict of numbers, text, booleans, dates, enums, lists and dicts"
        ) from error


def _field_names(session_type: Any) -> frozenset[str] | None:
    """Names under which fields are stored, or `None` where any name is a field."""
    if dataclasses.is_dataclass(session_type):
        return frozenset(field.name for field in dataclasses.fields(session_type))
    if inspect.isclass(session_type) and issubclass(session_type, pydantic.BaseModel):
        if session_type.model_config.get("extra") == "allow":
            return None
        return frozenset(session_type.model_fields)
    if typing.is_typeddict(session_type) or hasattr(session_type, "__total__"):
        return frozenset(session_type.__annotations__)
    return None
