"""Sessions of every supported kind go into a record and come back; nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SecretStr, computed_field
from pydantic.alias_generators import to_camel
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


class Named(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    user_name: str = ""
    day: date | None = None
    plan: int = Field(default=0, alias="class")

    @computed_field
    def greeting(self) -> str:
        return f"Hi {self.user_name}"


@dataclass
class Visit:
    place: Annotated[str, Field(alias="where")] = ""
    person: Named = field(default_factory=Named)


def test_a_field_with_another_name_for_the_world_comes_back_as_it_was() -> None:
    codec = SessionCodec(Visit)
    session = Visit()
    session.place = "Rome"
    session.person.user_name, session.person.day = "Ann", date(2026, 1, 2)
    session.person.plan = 3

    fields = codec.dump("k", session)

    person = {"user_name": "Ann", "day": "2026-01-02", "plan": 3}
    assert fields == {"place": "Rome", "person": person}
    assert codec.load("k", {"session": fields}) == (session, fields)


def test_what_a_bare_container_holds_is_compared_by_value() -> None:
    codec = SessionCodec(Bare)
    session, before = codec.load("k", {"session": {"cart": {"tea": [1]}}})

    session.cart["tea"].append(2)

    assert before == {"cart": {"tea": [1]}}


def test_what_a_model_takes_beside_its_fields_can_be_deleted() -> None:
    codec = SessionCodec(Open)
    session, before = codec.load("k", {"session": {"theme": "dark", "tags": ["a"]}})

    assert session.model_extra is not None
    del session.model_extra["theme"]
    session.model_extra["tags"].append("b")

    assert before == {"theme": "dark", "tags": ["a"]}
    assert codec.dump("k", session, before) == {"tags": ["a", "b"]}


@dataclass
class Bare:
    cart: dict = field(default_factory=dict)  # type: ignore[type-arg]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


@dataclass
class Ignored:
    count: int = field(default=0, init=False)


@dataclass
class Secret:
    password: SecretStr | None = None


@dataclass
class Board:
    moves: list[dict[tuple[int, int], str]] = field(default_factory=list)


class Excluded(BaseModel):
    draft: str = Field(default="", exclude=True)


class OneWay(BaseModel):
    price: Annotated[float, PlainSerializer(lambda price: f"{price} EUR")] = 1.0


@pytest.mark.parametrize(
    ("initial", "named"),
    [
        (Ignored, "session loses count"),
        (Secret, "session.password is written as asterisks"),
        (Board, "session.moves has keys of the kind tuple"),
        (Excluded, "session.draft has exclude=True"),
        (OneWay, "session.price could not be read again"),
    ],
)
def test_a_type_that_always_loses_a_field_is_refused_at_start(initial: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        SessionCodec(initial)


class Animal(BaseModel):
    name: str = ""


class Dog(Animal):
    breed: str = ""


class Zoo(BaseModel):
    animals: list[Animal] = []
    best: Animal = Animal()
    name: str = ""
    code: Annotated[str, Field(max_length=3)] = ""
    token: bytes = b""
    since: date | datetime | None = None
    price: Annotated[float | None, PlainSerializer(lambda price: price and f"{price} EUR")] = None


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("animals", [Animal(name="Tom"), Dog(name="Rex", breed="Collie")], r"session.animals\[1\]"),
        ("best", Visit(), "session.best would be read as Animal"),
        ("name", None, "session.name could not be read again"),
        ("code", "long", "session.code could not be read again"),
        ("token", b"\xff", "session.token does not fit its type"),
        ("since", datetime(2026, 1, 2), "session.since would be read as datetime.date"),
        ("price", 1.5, "session.price could not be read again"),
    ],
)
def test_a_value_that_its_type_cannot_carry_is_refused_by_name(
    name: str, value: Any, named: str
) -> None:
    codec = SessionCodec(Zoo)
    session = Zoo()
    setattr(session, name, value)

    with pytest.raises(NotSerializable, match=named):
        codec.verify("k", session, codec.dump("k", session))


@dataclass
class Asked:
    at: datetime | None = None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
@pytest.mark.parametrize("fold", [0, 1])
def test_a_moment_is_carried_also_in_an_hour_that_clocks_repeat(zone: str, fold: int) -> None:
    codec = SessionCodec(Asked)
    for hour in range(24 * 366):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        session = Asked(moment.astimezone(ZoneInfo(zone)).replace(fold=fold))

        codec.verify("k", session, codec.dump("k", session))


@pytest.mark.parametrize("session", [Dog(), Visit(), None])
def test_a_session_of_another_type_is_refused(session: Any) -> None:
    codec = SessionCodec(Animal)

    with pytest.raises(NotSerializable, match="session"):
        codec.verify("k", session, codec.dump("k", session))


@pytest.mark.parametrize("session", [{"step": "idle", "sevice": "a typo"}, {"step": None}])
def test_what_a_typed_dict_does_not_declare_is_refused_by_name(session: Any) -> None:
    codec = SessionCodec(typed)

    with pytest.raises(NotSerializable, match=r"session\.(sevice|step)"):
        codec.verify("k", session, codec.dump("k", session))


class Connection:
    pass


@dataclass
class Bad:
    connection: Connection | None = None


def test_a_session_type_that_cannot_be_stored_is_refused_at_start() -> None:
    with pytest.raises(TypeError, match="cannot be used as a session"):
        SessionCodec(Bad)


def test_initial_may_be_a_type_with_arguments() -> None:
    @dataclass
    class Visit:
        service: str = ""
        seats: int = 1

    codec = SessionCodec(partial(Visit, seats=2))
    assert codec.type is Visit
    assert codec.load("1_2", None)[0] == Visit("", 2)


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
