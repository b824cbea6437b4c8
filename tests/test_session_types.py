"""Whatever type a session's field has, and whatever a handler puts there, it is there at the next
update, or it is refused before anything is written. Nothing is set aside for being unreadable.
"""

from __future__ import annotations

import collections
import decimal
import sys
import uuid
from dataclasses import dataclass, make_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, Flag, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import pydantic
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit.sessions.codec import SessionCodec
from toolkit.storage.record import dump_value, load_value


class Color(Enum):
    red = 1
    blue = "b"


class Step(StrEnum):
    idle = "idle"
    busy = "busy"


class Level(IntEnum):
    low = 1
    high = 2


class Right(Flag):
    read = 1
    write = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclass(frozen=True)
class Book:
    title: str


@dataclass(frozen=True)
class Film:
    title: str
    rank: Annotated[int, pydantic.Field(alias="position")] = 0


class Typed(TypedDict, total=False):
    title: str
    rank: int


class Animal(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(alias_generator=to_camel, extra="forbid")

    given_name: str = ""
    born_on: date | None = None

    @pydantic.computed_field
    def greeting(self) -> str:
        return f"Hi {self.given_name}"


class Dog(Animal):
    breed: str = ""


def is_comparable(moment: datetime) -> bool:
    """Tell whether it equals the same moment in another zone (PEP 495)."""
    return moment.utcoffset() == moment.replace(fold=1 - moment.fold).utcoffset()


SCALARS: dict[Any, SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(),
    float: st.floats(),
    bool: st.booleans(),
    bytes: st.binary(max_size=5),
    complex: st.complex_numbers(),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.none() | st.timezones()).filter(is_comparable),
    time: st.times(timezones=st.none() | st.timezones()),
    timedelta: st.timedeltas(),
    decimal.Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    uuid.UUID: st.uuids(),
    Color: st.sampled_from(Color),
    Step: st.sampled_from(Step),
    Level: st.sampled_from(Level),
    Right: st.sampled_from([Right.read, Right.read | Right.write, Right(0)]),
    Literal["a", 1]: st.sampled_from(["a", 1]),
    Point: st.builds(Point, st.integers(), st.integers()),
    Book: st.builds(Book, st.text()),
    Film: st.builds(Film, st.text(), st.integers()),
    Typed: st.fixed_dictionaries({}, optional={"title": st.text(), "rank": st.integers()}),
    Animal: st.builds(Animal, givenName=st.text(), bornOn=st.none() | st.dates()),
    Dog: st.builds(Dog, givenName=st.text(), breed=st.text()),
    pydantic.SecretStr: st.builds(pydantic.SecretStr, st.text()),
    Annotated[str, pydantic.StringConstraints(to_lower=True, max_length=5)]: st.text(),
    Annotated[int, pydantic.Field(ge=0)]: st.integers(),
    Annotated[date, pydantic.Field(strict=True)]: st.dates(),
}
Field = tuple[Any, SearchStrategy[Any]]


def of_kind(container: Any, kind: Any) -> Any:
    """Return the generic type: a variable is no type to mypy."""
    return container[kind]


def containers(inner: SearchStrategy[Field]) -> SearchStrategy[Field]:
    def of(field: Field) -> SearchStrategy[Field]:
        kind, values = field
        return st.sampled_from(
            [
                (of_kind(list, kind), st.lists(values, max_size=3)),
                (of_kind(tuple, (kind, ...)), st.lists(values, max_size=3).map(tuple)),
                (
                    of_kind(collections.deque, kind),
                    st.lists(values, max_size=3).map(collections.deque),
                ),
                (of_kind(dict, (str, kind)), st.dictionaries(st.text(), values, max_size=3)),
                (kind | None, st.none() | values),
            ]
        )

    def keyed(field: Field) -> SearchStrategy[Field]:
        kind, keys = field
        if not isinstance(kind, type) or kind in (Typed, Animal, Dog):
            return st.nothing()
        return st.sampled_from(
            [
                (of_kind(dict, (kind, int)), st.dictionaries(keys, st.integers(), max_size=3)),
                (of_kind(set, kind), st.sets(keys, max_size=3)),
                (of_kind(frozenset, kind), st.frozensets(keys, max_size=3)),
            ]
        )

    def union(pair: tuple[Field, Field]) -> Field:
        return pair[0][0] | pair[1][0], pair[0][1] | pair[1][1]

    flat = st.sampled_from(list(SCALARS.items()))
    return inner.flatmap(of) | flat.flatmap(keyed) | st.tuples(inner, inner).map(union)


FIELDS = st.recursive(st.sampled_from(list(SCALARS.items())), containers, max_leaves=4)


def goes_round(kind: Any, value: Any) -> tuple[Any, Any] | None:
    """Write a session and read it as a store would; `None` where that was refused by name."""
    session_type = make_dataclass("Session", [("value", kind | None, None), ("count", int, 0)])
    try:
        codec = SessionCodec(session_type)
        session = session_type(value)
        fields = codec.dump("k", session)
        codec.verify("k", session, fields)
        text = dump_value("k", {"session": fields})
    except TypeError as error:
        if "session.value" not in str(error):
            raise
        return None
    return value, codec.load("k", load_value("k", text))[0].value


@settings(max_examples=120, deadline=None)
@given(FIELDS.flatmap(lambda field: st.tuples(st.just(field[0]), field[1])))
def test_what_fits_a_field_comes_back_or_is_refused(case: Any) -> None:
    if pair := goes_round(*case):
        value, back = pair
        assert type(value) is type(back)
        assert value == back


@settings(max_examples=250, deadline=None)
@given(FIELDS, st.one_of(*SCALARS.values()))
def test_what_does_not_fit_a_field_comes_back_or_is_refused(field: Field, value: Any) -> None:
    if pair := goes_round(field[0], value):
        assert pair[0] == pair[1]


CARRIED = [kind for kind in SCALARS if kind is not pydantic.SecretStr]


@pytest.mark.parametrize("kind", CARRIED, ids=str)
def test_every_usual_type_can_be_carried(kind: Any) -> None:
    value = find(SCALARS[kind], bool)

    assert goes_round(kind, value) == (value, value)
