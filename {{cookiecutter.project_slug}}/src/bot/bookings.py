"""The bookings, kept beside the sessions: a record per day, which one at a time may change.

A visit is one entry in the record of its day: one commit makes it and one ends it, so a crash
leaves no half of a booking, and two who want one chair at once do not both get it. Entries say how
long they take, so that they stay what they are when the shop changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.shop import Booking, Service, Shop
from toolkit import Record, Sessions

if TYPE_CHECKING:
    from bot.texts import Texts

_DAY = "day:"

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
        booked = await self._booked()
        today, now = self.now().date(), utc_now()
        free: dict[date, list[datetime]] = {}
        for day in (today + timedelta(days=ahead) for ahead in range(self.shop.bookable_days)):
            visits = booked.get(day, [])
            starts = [
                start
                for start in self.shop.starts_on(day, service)
                if start > now and self._free_chair(visits, start, service) is not None
            ]
            if starts:
                free[day] = starts
        return free

    def why_not(self, day: date) -> Say | None:
        """Say why `day` cannot be booked; None if it is open, neither past nor too far ahead."""
        today = self.now().date()
        last = today + timedelta(days=self.shop.bookable_days - 1)
        if day < today:
            return lambda texts: texts.has_passed(when=day)
        if day > last:
            return lambda texts: texts.bookable_until(day=last)
        if not self.shop.openings(day):
            return lambda texts: texts.closed_on(day=day)
        return None

    async def book(self, owner: int, service: Service, start: datetime) -> Booking:
        """Claim a chair at `start`, in the shop's time zone, for `owner`, or raise SlotRefused.

        What `owner` has already is granted again: users tap twice, and an update is delivered
        again when the process died after the claim and before its session was committed.
        """
        if refusal := self._refusal(service, start):
            raise SlotRefused(refusal)
        async with self._sessions.record(_key(start.date())) as record:
            visits = self._read(record.value)
            if there := _visit(visits, owner, start):
                if there.service == service.name:
                    return there
                raise SlotRefused(lambda texts: texts.booked_already(visit=there))
            chair = self._free_chair(visits, start, service)
            if chair is None:
                raise SlotRefused(lambda texts: texts.just_taken(when=start))
            visit = Booking(owner, service.name, start, service.minutes, chair)
            self._write(record, [*visits, visit])
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
        found = [visit for visits in (await self._booked()).values() for visit in visits]
        mine = [visit for visit in found if visit.owner == owner and visit.start > utc_now()]
        return sorted(mine, key=lambda visit: visit.start)

    async def find(self, owner: int, start: datetime) -> Booking | None:
        """Return the visit of `owner` at `start`, if there is one and it has not begun."""
        key = _key(start.astimezone(self.shop.time_zone).date())
        visits = self._read(await self._sessions.storage.read(key) or {})
        return _visit(visits, owner, start) if start > utc_now() else None

    async def cancel(self, booking: Booking) -> None:
        """Free the chair again."""
        async with self._sessions.record(_key(booking.start.date())) as record:
            visits = self._read(record.value)
            there = _visit(visits, booking.owner, booking.start)
            self._write(record, [visit for visit in visits if visit is not there])

    async def _booked(self) -> dict[date, list[Booking]]:
        """Return the visits by day, of all days that have any."""
        storage = self._sessions.storage
        keys = [key async for key in storage.read_all_keys(_DAY)]
        records = await asyncio.gather(*(storage.read(key) for key in keys))
        days = (date.fromisoformat(key.removeprefix(_DAY)) for key in keys)
        return {day: self._read(record or {}) for day, record in zip(days, records, strict=True)}

    def _read(self, record: dict[str, Any]) -> list[Booking]:
        visits = [dict(visit) for visit in record.get("visits", ())]
        for visit in visits:
            visit["start"] = datetime.fromisoformat(visit["start"]).astimezone(self.shop.time_zone)
        return [Booking(**visit) for visit in visits]

    def _write(self, record: Record, visits: list[Booking]) -> None:
        entries = [
            {**asdict(visit), "start": visit.begins.isoformat(timespec="minutes")}
            for visit in visits
        ]
        record.value = {"visits": entries} if entries else {}
        if visits:
            # It is kept for as long as somebody is in a chair.
            left = max(visit.ends for visit in visits) - utc_now()
            record.expires_in = max(left.total_seconds(), 1)


def _visit(visits: list[Booking], owner: int, start: datetime) -> Booking | None:
    """Return the one visit that `owner` can have at a time."""
    mine = (visit for visit in visits if visit.owner == owner and visit.is_at(start))
    return next(mine, None)


def _key(day: date) -> str:
    return f"{_DAY}{day}"
