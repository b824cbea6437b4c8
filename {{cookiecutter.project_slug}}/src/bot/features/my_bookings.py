"""List one's visits and cancel them.

    person  /bookings
    bot     Your visits: …                                  [Cancel 24 Nov, 14:00]
    person  taps Cancel 24 Nov, 14:00
    bot     Cancel Haircut on Tue 24 Nov at 14:00?          [Cancel the visit] [Keep it]
    person  taps Cancel the visit
    bot     Cancelled: Haircut on Tue 24 Nov at 14:00. …

It keeps nothing in the session: the buttons carry what they are about, and work on any old list.
"""

from __future__ import annotations

from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from bot.bookings import Booking, BookingBook
from bot.screen import Event, person, reachable, show
from toolkit import button, confirm, menu

SHOWN = 10

router = Router(name="my_bookings")
router.callback_query.filter(reachable)


class Visits(CallbackData, prefix="visits", sep="|"):
    """The list of ``owner``; with ``cancel``, the start of a visit, that visit of theirs."""

    owner: int
    cancel: str = ""
    sure: bool = False


async def is_somebody_elses(callback: CallbackQuery, callback_data: Visits) -> bool:
    """Whether a list in a group was tapped by another person than its owner."""
    return callback.from_user.id != callback_data.owner


@router.message(Command("bookings"))
async def visits_wanted(message: Message, bookings: BookingBook) -> None:
    await show_visits(message, bookings, person(message))


@router.callback_query(Visits.filter(), is_somebody_elses)
async def somebody_elses_tapped(callback: CallbackQuery) -> None:
    await callback.answer("These are somebody else's visits. Send /bookings to see yours.")


@router.callback_query(Visits.filter(F.cancel))
async def cancel_tapped(
    callback: CallbackQuery, callback_data: Visits, bookings: BookingBook
) -> None:
    owner, start = callback_data.owner, callback_data.cancel
    visit = await bookings.find(owner, datetime.fromisoformat(start))
    if visit is None:
        await show_visits(callback, bookings, owner, "That visit is not booked any more.\n\n")
    elif callback_data.sure:
        await bookings.cancel(visit)
        await show_visits(callback, bookings, owner, f"Cancelled: {visit}.\n\n")
    else:
        yes = button("Cancel the visit", Visits(owner=owner, cancel=start, sure=True))
        no = button("Keep it", Visits(owner=owner))
        await show(callback, f"Cancel {visit}?", confirm(yes, no))


@router.callback_query(Visits.filter())
async def keep_tapped(
    callback: CallbackQuery, callback_data: Visits, bookings: BookingBook
) -> None:
    await show_visits(callback, bookings, callback_data.owner)


async def show_visits(event: Event, bookings: BookingBook, owner: int, note: str = "") -> None:
    visits = await bookings.upcoming(owner)
    if not visits:
        await show(event, f"{note}You have no visits booked. /book books one.")
        return
    lines = [f"• {visit}" for visit in visits[:SHOWN]]
    if len(visits) > SHOWN:
        lines.append(f"… and {len(visits) - SHOWN} more")
    text = f"{note}Your visits:\n" + "\n".join(lines)
    await show(event, text, menu([cancel_button(visit) for visit in visits[:SHOWN]]))


def cancel_button(visit: Booking) -> InlineKeyboardButton:
    start = visit.start
    label = f"Cancel {start.day} {start:%b}, {start:%H:%M}"
    return button(label, Visits(owner=visit.owner, cancel=start.isoformat()))
