"""The bookings, kept beside the sessions: a record per day, which one at a time may change.

A visit is one entry in the record of its day: one commit makes it and one ends it, so a crash
leaves no half of a booking, and two who want one chair at once do not both get it. Entries say how
long they take, so that they stay what they are when the shop changes. They name their owner by id
alone: what is known of a person is in their sessions.

A visit is told from others by its owner and its start. `book` is where visits are made, `cancel` is
where they end early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.shop import Booking, Service, Shop
from toolkit import Record, Sessions

if TYPE_CHECKING:
    from bot.texts import Texts

_DAY = "day:"

KEPT = timedelta(days=1)
"""How long a visit is in the book after its end."""

Say = Callable[["Texts"], str]
"""What to tell the user, in their language."""


class SlotRefused(Exception):
    """A visit cannot be booked; `say` tells the user why."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self.say = say


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


class Day(NamedTuple):
    """The visits of a day, soonest first; nobody can book one more where it is closed."""

    visits: list[Booking]
    closed: bool = False


class BookingBook:
    """The bookings of `shop`."""

    def __init__(self, sessions: Sessions[Any], shop: Shop) -> None:
        self.shop = shop
        self._sessions = sessions

    def now(self) -> datetime:
        """Return the present in the shop's time zone."""
        return utc_now().astimezone(self.shop.time_zone)

    async def free(self, service: Service) -> dict[date, list[datetime]]:
        """Return the starts that can be booked, by day. Days without any are left out."""
        days = await self._days()
        today, now = self.now().date(), utc_now()
        free: dict[date, list[datetime]] = {}
        for day in (today + timedelta(days=ahead) for ahead in range(self.shop.bookable_days)):
            visits, closed = days.get(day, Day([]))
            if closed:
                continue
            starts = [
                start
                for start in self.shop.starts_on(day, service)
                if start > now and self._free_chair(visits, start, service) is not None
            ]
            if starts:
                free[day] = starts
        return free

    def why_not(self, day: date, *, closed: bool = False) -> Say | None:
        """Say why `day` cannot be booked; None if it is open, neither past nor too far ahead."""
        today = self.now().date()
        last = today + timedelta(days=self.shop.bookable_days - 1)
        if day < today:
            return lambda texts: texts.has_passed(when=day)
        if day > last:
            return lambda texts: texts.bookable_until(day=last)
        if closed or not self.shop.openings(day):
            return lambda texts: texts.closed_on(day=day)
        return None

    async def book(
        self, owner: int, service: Service, start: datetime, chat: int = 0, language: str = ""
    ) -> Booking:
        """Claim a chair at `start`, in the shop's time zone, for `owner`, or raise SlotRefused.

        `chat` is where the owner can be written to, in which `language`.
        What `owner` has already is granted again: users tap twice, and an update is delivered
        again when the process died after the claim and before its session was committed.
        """
        if refusal := self._refusal(service, start):
            raise SlotRefused(refusal)
        async with self._sessions.record(_key(start.date())) as record:
            visits, closed = self._read(record.value)
            if there := _visit(visits, owner, start):
                if there.service == service.name:
                    return there
                raise SlotRefused(lambda texts: texts.booked_already(visit=there))
            if refusal := self.why_not(start.date(), closed=closed):
                raise SlotRefused(refusal)
            chair = self._free_chair(visits, start, service)
            if chair is None:
                raise SlotRefused(lambda texts: texts.just_taken(when=start))
            visit = Booking(owner, service.name, start, service.minutes, chair, chat, language)
            self._write(record, start.date(), Day([*visits, visit]))
        return visit

    def _free_chair(self, visits: list[Booking], start: datetime, service: Service) -> int | None:
        begins = start.astimezone(UTC)
        ends = begins + service.duration
        taken = {visit.chair for visit in visits if visit.begins < ends and begins < visit.ends}
        return next((chair for chair in range(self.shop.chairs) if chair not in taken), None)

    def _refusal(self, service: Service, start: datetime) -> Say | None:
        if reason := self.why_not(start.date()):
            return reason
        if start <= utc_now():
            return lambda texts: texts.has_passed(when=start)
        if not self.shop.is_open(start):
            return lambda texts: texts.hours(self.shop)
        grid = list(self.shop.starts_on(start.date(), service))
        if start not in grid:
            times = ", ".join(f"{each:%H:%M}" for each in grid)
            return lambda texts: texts.visits_start_at(times=times)
        return None

    async def upcoming(self, owner: int) -> list[Booking]:
        """Return the visits of `owner` that have not begun, soonest first."""
        found = [visit for day in (await self._days()).values() for visit in day.visits]
        mine = [visit for visit in found if visit.owner == owner and visit.start > utc_now()]
        return sorted(mine, key=lambda visit: visit.start)

    async def on(self, day: date) -> Day:
        """Return what is booked on a day."""
        return self._read(await self._sessions.storage.read(_key(day)) or {})

    async def find(self, owner: int, start: datetime) -> Booking | None:
        """Return the visit of `owner` at `start`, if there is one and it has not begun."""
        return await self.booked(owner, start) if start > utc_now() else None

    async def booked(self, owner: int, start: datetime) -> Booking | None:
        """Return the visit of `owner` at `start`, for a day after its end too."""
        visits, _ = await self.on(start.astimezone(self.shop.time_zone).date())
        return _visit(visits, owner, start)

    async def cancel(self, booking: Booking) -> bool:
        """Free the chair again, and tell whether the visit was still there."""
        day = booking.start.date()
        async with self._sessions.record(_key(day)) as record:
            visits, closed = self._read(record.value)
            there = _visit(visits, booking.owner, booking.start)
            left = [visit for visit in visits if visit is not there]
            self._write(record, day, Day(left, closed))
        return there is not None

    async def close(self, day: date, closed: bool = True) -> None:
        """Close a day, which keeps its visits, or open it again."""
        async with self._sessions.record(_key(day)) as record:
            self._write(record, day, Day(self._read(record.value).visits, closed))

    async def _days(self) -> dict[date, Day]:
        """Return the days that have visits or are closed."""
        storage = self._sessions.storage
        keys = [key async for key in storage.read_all_keys(_DAY)]
        records = await asyncio.gather(*(storage.read(key) for key in keys))
        days = (date.fromisoformat(key.removeprefix(_DAY)) for key in keys)
        return {day: self._read(record or {}) for day, record in zip(days, records, strict=True)}

    def _read(self, record: dict[str, Any]) -> Day:
        visits = [dict(visit) for visit in record.get("visits", ())]
        for visit in visits:
            visit["start"] = datetime.fromisoformat(visit["start"]).astimezone(self.shop.time_zone)
        found = sorted((Booking(**visit) for visit in visits), key=lambda visit: visit.begins)
        return Day(found, record.get("closed", False))

    def _write(self, record: Record, day: date, changed: Day) -> None:
        entries = [
            {**asdict(visit), "start": visit.begins.isoformat(timespec="minutes")}
            for visit in changed.visits
        ]
        closed = {"closed": True} if changed.closed else {}
        record.value = {"visits": entries, **closed} if entries else {**closed}
        # It is kept for as long as somebody could be asked how it was, or could want to book.
        ends = [visit.ends + KEPT for visit in changed.visits]
        if closed:
            midnight = datetime.combine(day + timedelta(days=1), time(), self.shop.time_zone)
            ends.append(midnight.astimezone(UTC))
        if ends:
            record.expires_in = max((max(ends) - utc_now()).total_seconds(), 1)


def _visit(visits: list[Booking], owner: int, start: datetime) -> Booking | None:
    """Return the one visit that `owner` can have at a time."""
    mine = (visit for visit in visits if visit.owner == owner and visit.is_at(start))
    return next(mine, None)


def _key(day: date) -> str:
    return f"{_DAY}{day}"
