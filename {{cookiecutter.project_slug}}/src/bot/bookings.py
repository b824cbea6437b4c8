"""The shop: its services, its hours and its bookings. Change these, and the whole bot follows.

There is one chair. Visits start on a grid: the first at opening time, the next one `SLOT` later,
and so on, as long as the visit ends by closing time. No service takes longer than a slot, so two
visits overlap only if they start at the same time, and claiming that start claims the visit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from toolkit import SessionStorage

Clock = Callable[[], datetime]

TIME_ZONE = ZoneInfo("Europe/Berlin")
OPENS, CLOSES = time(9), time(18)  # every day
SLOT = timedelta(hours=1)
BOOKABLE_DAYS = 30  # today included

HOURS = f"We are open every day from {OPENS:%H:%M} to {CLOSES:%H:%M}."


@dataclass(frozen=True)
class Service:
    """What can be booked. The name is also its label, so it has at most 24 characters."""

    name: str
    duration: timedelta

    def __post_init__(self) -> None:
        if not timedelta(0) < self.duration <= SLOT:
            raise ValueError(f"{self.name} takes {self.duration}, but a slot is {SLOT}: widen SLOT")


SERVICES = {
    service.name: service
    for service in (
        Service("Haircut", timedelta(minutes=45)),
        Service("Shave", timedelta(minutes=30)),
        Service("Haircut and shave", timedelta(minutes=60)),
    )
}


@dataclass(frozen=True)
class Booking:
    """One visit; `start` is in the shop's time zone."""

    owner: int
    service: str
    start: datetime

    def __str__(self) -> str:
        return f"{self.service} on {format_when(self.start)}"


class SlotRefused(Exception):
    """A visit cannot be booked; the message says why, in words for the user."""


def find_service(text: str) -> Service | None:
    """Find the service that `text` names, in any case and with other words around it."""
    wanted = text.casefold()
    named = [service for service in SERVICES.values() if service.name.casefold() in wanted]
    return max(named, key=lambda service: len(service.name), default=None)


def utc_now() -> datetime:
    """Return the present by the machine's clock."""
    return datetime.now(UTC)


def format_when(when: date | datetime) -> str:
    """Write a day as `Tue 24 Nov`, a moment as `Tue 24 Nov at 14:00`."""
    day = f"{when:%a} {when.day} {when:%b}"
    return f"{day} at {when:%H:%M}" if isinstance(when, datetime) else day


def starts_on(day: date, service: Service) -> Iterator[datetime]:
    """Yield when `service` can start on `day`: the grid, without regard to bookings.

    It is stepped through in UTC, so an hour that a clock change skips or repeats comes out right.
    """
    start = datetime.combine(day, OPENS, TIME_ZONE).astimezone(UTC)
    closing = datetime.combine(day, CLOSES, TIME_ZONE).astimezone(UTC)
    while start + service.duration <= closing:
        yield start.astimezone(TIME_ZONE)
        start += SLOT


class BookingBook:
    """The bookings, kept in `storage` beside the sessions.

    `slot:<start>` with the owner and the service is the only record of a visit. One atomic write
    makes it and one delete ends it, so a crash leaves no half of a booking. It expires with the
    visit. `now` returns the present as an aware datetime.
    """

    def __init__(self, storage: SessionStorage, *, now: Clock = utc_now) -> None:
        self._storage = storage
        self._now = now

    def now(self) -> datetime:
        """Return the present in the shop's time zone."""
        return self._now().astimezone(TIME_ZONE)

    async def free(self, service: Service) -> dict[date, list[datetime]]:
        """Return the starts that can be booked, by day. Days without any are left out."""
        taken = {key async for key in self._storage.read_all_keys("slot:")}
        today = self.now().date()
        days = (today + timedelta(days=ahead) for ahead in range(BOOKABLE_DAYS))
        free = {
            day: [
                start
                for start in starts_on(day, service)
                if start > self._now() and _key(start) not in taken
            ]
            for day in days
        }
        return {day: starts for day, starts in free.items() if starts}

    def why_not(self, day: date) -> str | None:
        """Say why `day` cannot be booked; None if it is neither past nor too far ahead."""
        today = self.now().date()
        last = today + timedelta(days=BOOKABLE_DAYS - 1)
        if day < today:
            return f"{format_when(day)} has passed."
        if day > last:
            return f"Bookings are open until {format_when(last)}."
        return None

    async def book(self, owner: int, service: Service, start: datetime) -> Booking:
        """Claim `start`, in the shop's time zone, for `owner`, or raise SlotRefused.

        What `owner` has already is granted again: users tap twice, and an update is delivered
        again when the process died after the claim and before its session was committed.
        """
        if reason := self._refusal(service, start):
            raise SlotRefused(reason)
        record = {"owner": owner, "service": service.name}
        time_left = start.astimezone(UTC) + service.duration - self._now()
        if await self._storage.add(_key(start), record, expires_in=time_left.total_seconds()):
            return Booking(owner, service.name, start)
        there = await self.find(owner, start)
        if there is None:
            raise SlotRefused(f"Sorry, {format_when(start)} was just taken.")
        if there.service != service.name:
            raise SlotRefused(f"You have booked {there} already.")
        return there

    def _refusal(self, service: Service, start: datetime) -> str | None:
        if reason := self.why_not(start.date()):
            return reason
        if start <= self._now():
            return f"{format_when(start)} has passed."
        if not OPENS <= start.time() < CLOSES:
            return HOURS
        grid = list(starts_on(start.date(), service))
        if start not in grid:
            return f"Visits start at {', '.join(f'{each:%H:%M}' for each in grid)}."
        return None

    async def upcoming(self, owner: int) -> list[Booking]:
        """Return the visits of `owner` that have not begun, soonest first."""
        starts = [_start(key) async for key in self._storage.read_all_keys("slot:")]
        found = [await self.find(owner, start) for start in sorted(starts)]
        return [booking for booking in found if booking is not None]

    async def find(self, owner: int, start: datetime) -> Booking | None:
        """Return the visit of `owner` at `start`, if there is one and it has not begun."""
        record = await self._storage.read(_key(start))
        if record is None or record["owner"] != owner or start <= self._now():
            return None
        return Booking(owner, record["service"], start.astimezone(TIME_ZONE))

    async def cancel(self, booking: Booking) -> None:
        """Free the slot again."""
        await self._storage.delete(_key(booking.start))


def _key(start: datetime) -> str:
    return f"slot:{start.astimezone(UTC).isoformat(timespec='minutes')}"


def _start(key: str) -> datetime:
    return datetime.fromisoformat(key.removeprefix("slot:"))
