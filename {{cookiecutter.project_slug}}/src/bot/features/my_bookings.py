"""List visits and cancel them.

    user  /bookings
    bot   Your visits: …                                  [Cancel 24 Nov, 14:00]
    user  taps Cancel 24 Nov, 14:00
    bot   Cancel Haircut on Tue 24 Nov at 14:00?          [Cancel the visit] [Keep it]
    user  taps Cancel the visit
    bot   Cancelled: Haircut on Tue 24 Nov at 14:00. …

It keeps nothing in the session: the buttons name their visit, and so work on old lists too.
"""

from __future__ import annotations

from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from bot.bookings import Booking, BookingBook
from bot.screen import Event, owner_of, reachable, show
from toolkit import Origin, button, confirm, menu

SHOWN = 10

router = Router(name="my_bookings")
router.callback_query.filter(reachable)


class Visits(CallbackData, prefix="visits", sep="|"):
    """The list of `owner`, or the one visit in it that starts at `cancel`."""

    owner: int
    cancel: str = ""
    sure: bool = False


async def is_not_owner(
    callback: CallbackQuery, callback_data: Visits, session_origin: Origin
) -> bool:
    """Tell whether a list in a group was tapped by another user than its owner."""
    return owner_of(session_origin) != callback_data.owner


@router.message(Command("bookings"))
async def visits_wanted(message: Message, bookings: BookingBook, session_origin: Origin) -> None:
    """List the visits of the sender."""
    await show_visits(message, bookings, owner_of(session_origin))


@router.callback_query(Visits.filter(), is_not_owner)
async def other_user_tapped(callback: CallbackQuery) -> None:
    """Refuse: only the owner may cancel."""
    await callback.answer("These visits belong to another user. Send /bookings to see yours.")


@router.callback_query(Visits.filter(F.cancel))
async def cancel_tapped(
    callback: CallbackQuery, callback_data: Visits, bookings: BookingBook
) -> None:
    """Ask whether to cancel, and cancel when that was answered."""
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
    """Go back to the list."""
    await show_visits(callback, bookings, callback_data.owner)


async def show_visits(event: Event, bookings: BookingBook, owner: int, note: str = "") -> None:
    """Show the first visits of `owner`, each with a button that cancels it."""
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
    """Return the button that cancels this visit."""
    start = visit.start
    label = f"Cancel {start.day} {start:%b}, {start:%H:%M}"
    return button(label, Visits(owner=visit.owner, cancel=start.isoformat()))
