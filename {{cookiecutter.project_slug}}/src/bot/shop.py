"""The shop: what it sells, when, and what a visit is. All of it is read from `shop.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from bot.errors import SettingsError
from bot.settings import reasons

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

STRICT = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Opening(NamedTuple):
    """When the shop is open without a break, in minutes from midnight."""

    opens: int
    closes: int


def _opening(text: Any) -> Opening:
    found = re.fullmatch(r"(\d\d):(\d\d)\s*[-–]\s*(\d\d):(\d\d)", str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is no opening. Write one like 09:00-18:00")
    opens, closes = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3))
    if int(found[2]) > 59 or int(found[4]) > 59 or not opens < closes <= 24 * 60:
        raise ValueError(f"{text!r} ends before it begins, or past 24:00: the day is over then")
    return Opening(opens, closes)


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, TypeError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone. Write one like Europe/Berlin") from None


class Service(BaseModel):
    """What can be booked. The name is also the label of its button."""

    model_config = STRICT

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=24)]
    minutes: Annotated[int, Field(gt=0, le=24 * 60)]
    price: Annotated[Decimal, Field(ge=0)] | None = None

    @property
    def duration(self) -> timedelta:
        """How long a visit takes."""
        return timedelta(minutes=self.minutes)

    @property
    def id(self) -> str:
        """What a button carries: a name may be too long for it."""
        return f"{crc32(self.name.encode()):08x}"


class Shop(BaseModel):
    """The fields of `shop.toml`."""

    model_config = STRICT

    time_zone: Annotated[ZoneInfo, BeforeValidator(_zone)]
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
    chairs: Annotated[int, Field(ge=1)]
    starts_every: Annotated[int, Field(ge=5)]
    bookable_days: Annotated[int, Field(ge=1, le=366)]
    minutes_to_answer: Annotated[int, Field(ge=1)]
    language: str = "en"
    closed_on: frozenset[date] = frozenset()
    hours: dict[str, tuple[Annotated[Opening, BeforeValidator(_opening)], ...]]
    services: Annotated[tuple[Service, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Shop:
        if unknown := self.hours.keys() - {*WEEKDAYS}:
            raise ValueError(
                f"hours: {min(unknown)!r} is no weekday. They are {', '.join(WEEKDAYS)}"
            )
        names = [service.name.casefold() for service in self.services]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"services: {min(twice)!r} is there twice; give one another name")
        for day, openings in self.hours.items():
            for before, after in pairwise(openings):
                if after.opens < before.closes:
                    raise ValueError(f"hours.{day}: the openings overlap, or are not in order")
        longest = max(
            (closes - opens for ranges in self.hours.values() for opens, closes in ranges),
            default=0,
        )
        for service in self.services:
            if service.minutes > longest:
                raise ValueError(
                    f"services: {service.name} takes {service.minutes} minutes, and the shop is "
                    f"never open for longer than {longest} without a break"
                )
        return self

    @property
    def time_to_answer(self) -> timedelta:
        """How long a dialogue may rest."""
        return timedelta(minutes=self.minutes_to_answer)

    @property
    def first_hour(self) -> int:
        """The hour of the earliest opening in the week."""
        return min(opens for ranges in self.hours.values() for opens, _ in ranges) // 60

    def openings(self, day: date) -> tuple[Opening, ...]:
        """Return when the shop is open on `day`."""
        return () if day in self.closed_on else self.hours.get(WEEKDAYS[day.weekday()], ())

    def is_open(self, moment: datetime) -> bool:
        """Tell whether the shop is open at a moment in its time zone."""
        minute = moment.hour * 60 + moment.minute
        return any(opens <= minute < closes for opens, closes in self.openings(moment.date()))

    def starts_on(self, day: date, service: Service) -> Iterator[datetime]:
        """Yield when `service` can start on `day`, without regard to bookings.

        It is stepped through in UTC, so an hour that a clock change skips or repeats is right.
        """
        for opens, closes in self.openings(day):
            start, end = self._moment(day, opens), self._moment(day, closes)
            while start + service.duration <= end:
                yield start.astimezone(self.time_zone)
                start += timedelta(minutes=self.starts_every)

    def _moment(self, day: date, minute: int) -> datetime:
        days, minute = divmod(minute, 24 * 60)
        at = time(minute // 60, minute % 60)
        return datetime.combine(day + timedelta(days=days), at, self.time_zone).astimezone(UTC)

    def find_service(self, text: str) -> Service | None:
        """Find the service that `text` names, in any case and with other words around it."""
        wanted = text.casefold()
        named = [service for service in self.services if service.name.casefold() in wanted]
        return max(named, key=lambda service: len(service.name), default=None)

    def service(self, name_or_id: str) -> Service | None:
        """Return the service of this name or id, if the shop still has it."""
        for service in self.services:
            if name_or_id in (service.name, service.id):
                return service
        return None


@dataclass(frozen=True)
class Booking:
    """One visit; `start` is in the shop's time zone."""

    owner: int
    service: str
    start: datetime
    minutes: int
    chair: int = 0
    chat: int = 0  # where it was booked; 0: before that was kept, so in the private chat
    language: str = ""  # that it was booked in

    @property
    def place(self) -> int:
        """The chat where the customer is written to."""
        return self.chat or self.owner

    @cached_property
    def begins(self) -> datetime:
        """The start in UTC. In one zone Python compares clock faces, of which an hour has two."""
        return self.start.astimezone(UTC)

    @cached_property
    def ends(self) -> datetime:
        """When the chair is free again, in UTC."""
        return self.begins + timedelta(minutes=self.minutes)

    def is_at(self, moment: datetime) -> bool:
        """Tell whether it begins then."""
        return self.begins == moment.astimezone(UTC)


def load_shop(path: Path) -> Shop:
    """Read the shop. Raises `SettingsError` with one line for each mistake."""
    try:
        return Shop.model_validate(tomllib.loads(path.read_text("utf-8"), parse_float=Decimal))
    except ValidationError as error:
        lines = [f"{path}: {name}{why}" for name, why in reasons(error)]
    except (OSError, ValueError) as error:
        lines = [f"{path}: {error}"]
    raise SettingsError("\n".join(lines))
