"""Remind of a visit: the evening before, and an hour before. `set_timers` is for all its timers.

    bot   See you soon: Haircut on Tue 24 Nov at 14:00.   [Keep it] [Cancel the visit]

The timers belong to the session in which the visit was booked. A visit that was cancelled
meanwhile, by whomever, is not in the book any more, and nobody is reminded of it.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from aiogram import Router
from aiogram.methods import SendMessage

from bot.bookings import BookingBook, utc_now
from bot.features.feedback import AFTER
from bot.features.my_bookings import Visits
from bot.languages import texts_in
from bot.session import Session
from bot.shop import Booking
from toolkit import Timer, Timers, button, menu, on_timer

EVENING = time(18)
"""When people are reminded the day before, in the shop's time zone."""

AHEAD = timedelta(hours=1)
"""How long before the visit they are reminded again."""

router = Router(name="reminders")


def set_timers(timers: Timers, visit: Booking) -> None:
    """Set what is due before the visit and after it, as far as there is time left."""
    day_before = visit.start.date() - timedelta(days=1)
    evening = datetime.combine(day_before, EVENING, visit.start.tzinfo)
    soon, over = visit.begins - AHEAD, visit.ends + AFTER
    for name, moment in (("evening", evening), ("soon", soon), ("visited", over)):
        if moment > utc_now():
            start = visit.begins.isoformat(timespec="minutes")
            timers.set(f"{name}:{start}", at=moment, data={"owner": visit.owner, "start": start})


@on_timer(router, "evening")
@on_timer(router, "soon")
async def remind(timer: Timer, session: Session, bookings: BookingBook) -> SendMessage | None:
    """Remind of the visit, if it is still booked."""
    owner, start = timer.data["owner"], datetime.fromisoformat(timer.data["start"])
    visit = await bookings.find(owner, start)
    if visit is None:
        return None
    texts = texts_in(session.language or visit.language, bookings.shop.language)
    keep = button(texts.cancel_no(), Visits(owner=owner))
    cancel = button(
        texts.cancel_yes(), Visits(owner=owner, cancel=visit.start.isoformat(), sure=True)
    )
    return timer.answer(texts.see_you(visit=visit), reply_markup=menu([keep, cancel], columns=2))
