"""Sessions of every supported kind go into a record and come back; nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from toolkit.errors import MigrationRefused, NotSerializable, SessionUndecodable
from toolkit.sessions.codec import SessionCodec


class Step(StrEnum):
    idle = "idle"
    choosing = "choosing"


@dataclass
class Session:
    step: Step = Step.idle
    count: int = 0
    day: date | None = None
    tags: list[str] = field(default_factory=list)


class Model(BaseModel):
    step: Step = Step.idle
    count: int = 0


class Typed(TypedDict, total=False):
    step: str
    service: str


def typed() -> Typed:
    return {"step": "idle"}


def test_a_dataclass_comes_back_as_it_was() -> None:
    codec = SessionCodec(Session)
    session = Session(Step.choosing, 3, date(2026, 11, 22), ["a"])

    fields = codec.dump("k", session)

    assert fields == {"step": "choosing", "count": 3, "day": "2026-11-22", "tags": ["a"]}
    assert codec.load("k", {"session": fields})[0] == session


def test_a_pydantic_model_comes_back_as_it_was() -> None:
    codec = SessionCodec(Model)

    assert codec.load("k", {"session": codec.dump("k", Model(count=2))})[0] == Model(count=2)


def test_a_field_deleted_from_a_typed_dict_stays_deleted() -> None:
    codec = SessionCodec(typed)
    session, before = codec.load("k", {"session": {"step": "idle", "service": "haircut"}})

    del session["service"]

    assert codec.dump("k", session, before) == {"step": "idle"}


def test_without_a_record_the_session_is_initial() -> None:
    assert SessionCodec(Session).load("k", None)[0] == Session()


def test_an_optional_field_added_later_needs_no_migration() -> None:
    assert SessionCodec(Session).load("k", {"session": {"step": "idle"}})[0] == Session()


def test_fields_that_this_release_does_not_know_are_kept() -> None:
    codec = SessionCodec(Session)
    session, before = codec.load("k", {"session": {"count": 1, "theme": "dark"}})
    session.count = 2

    assert codec.dump("k", session, before)["theme"] == "dark"


def test_fields_are_compared_by_value_even_when_a_nested_list_is_changed_in_place() -> None:
    def initial() -> dict[str, Any]:
        return {}

    codec = SessionCodec(initial)
    session, before = codec.load("k", {"session": {"cart": ["tea"]}})

    session["cart"].append("milk")

    assert before == {"cart": ["tea"]}
    assert codec.dump("k", session, before) == {"cart": ["tea", "milk"]}


@pytest.mark.parametrize("stored", [{"count": "many"}, {"step": "gone"}, {"tags": {"a": 1}}])
def test_a_record_that_does_not_fit_names_the_field(stored: dict[str, Any]) -> None:
    with pytest.raises(SessionUndecodable, match=next(iter(stored))) as caught:
        SessionCodec(Session).load("5_5", {"session": stored})

    assert caught.value.key == "5_5"
    assert caught.value.raw == {"session": stored}


def test_a_value_of_the_wrong_type_is_refused_before_it_is_stored() -> None:
    session = Session()
    session.count = "three"  # type: ignore[assignment]

    with pytest.raises(NotSerializable, match="three"):
        SessionCodec(Session).dump("5_5", session)


class Connection:
    pass


@dataclass
class Bad:
    connection: Connection | None = None


def test_a_session_type_that_cannot_be_stored_is_refused_at_start() -> None:
    with pytest.raises(TypeError, match="cannot be used as a session"):
        SessionCodec(Bad)


@pytest.mark.parametrize("initial", [lambda: None, lambda: 3])
def test_initial_must_return_an_object_with_fields(initial: Any) -> None:
    with pytest.raises(NotSerializable, match="has no fields"):
        SessionCodec(initial)


def test_migrations_run_in_order_on_a_copy() -> None:
    codec = SessionCodec(
        Session,
        migrations={
            2: lambda fields: {**fields, "count": fields["count"] * 10},
            1: lambda fields: {"step": fields["stage"], "count": 1},
        },
    )
    stored = {"stage": "choosing"}

    session, before = codec.load("k", {"session": stored})

    assert session == Session(Step.choosing, 10)
    assert before["count"] == 10
    assert stored == {"stage": "choosing"}


def test_a_record_of_the_present_version_is_not_migrated_again() -> None:
    codec = SessionCodec(Session, migrations={1: lambda fields: {"count": fields["count"] + 1}})

    assert codec.load("k", {"session": {"count": 1}, "version": 1})[0].count == 1


def test_a_record_of_a_newer_version_is_refused() -> None:
    with pytest.raises(MigrationRefused, match="version 2, this code knows 0"):
        SessionCodec(Session).load("k", {"session": {}, "version": 2})


@pytest.mark.parametrize("migration", [lambda fields: fields["gone"], lambda fields: None])
def test_a_migration_that_fails_names_its_number(migration: Any) -> None:
    with pytest.raises(MigrationRefused, match="migration 1"):
        SessionCodec(Session, migrations={1: migration}).load("k", {"session": {}})


@pytest.mark.parametrize("numbers", [[2], [0], [1, 3]])
def test_migrations_without_a_gapless_count_are_refused(numbers: list[int]) -> None:
    with pytest.raises(ValueError, match="without gaps"):
        SessionCodec(Session, migrations=dict.fromkeys(numbers, dict))
