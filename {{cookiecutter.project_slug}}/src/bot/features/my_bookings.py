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

from aiogram import F, Router, html
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from bot.bookings import BookingBook
from bot.notices import Notices
from bot.screen import Event, owner_of, paragraphs, reachable, show
from bot.shop import Booking
from bot.texts import Texts
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
async def visits_wanted(
    message: Message, bookings: BookingBook, texts: Texts, session_origin: Origin
) -> None:
    """List the visits of the sender."""
    await show_visits(message, bookings, texts, owner_of(session_origin))


@router.callback_query(Visits.filter(), is_not_owner)
async def other_user_tapped(callback: CallbackQuery, texts: Texts) -> None:
    """Refuse: only the owner may cancel."""
    await callback.answer(texts.not_your_visits())


@router.callback_query(Visits.filter(F.cancel))
async def cancel_tapped(
    callback: CallbackQuery,
    callback_data: Visits,
    bookings: BookingBook,
    notices: Notices,
    texts: Texts,
) -> None:
    """Ask whether to cancel; cancel when that was answered, and tell the admins."""
    owner, start = callback_data.owner, callback_data.cancel
    visit = await bookings.find(owner, datetime.fromisoformat(start))
    if visit is None or (callback_data.sure and not await bookings.cancel(visit)):
        await show_visits(callback, bookings, texts, owner, texts.not_booked_any_more())
    elif callback_data.sure:
        customer = await notices.customer(visit)
        try:
            await show_visits(callback, bookings, texts, owner, texts.cancelled(visit=visit))
        finally:  # the visit is cancelled, whatever becomes of the answer
            await notices.tell_admins(
                lambda texts: texts.visit_off(visit=visit, customer=customer), but=owner
            )
    else:
        yes = button(texts.cancel_yes(), Visits(owner=owner, cancel=start, sure=True))
        no = button(texts.cancel_no(), Visits(owner=owner))
        await show(callback, texts.cancel_really(visit=visit), confirm(yes, no))


@router.callback_query(Visits.filter())
async def keep_tapped(
    callback: CallbackQuery, callback_data: Visits, bookings: BookingBook, texts: Texts
) -> None:
    """Go back to the list."""
    await show_visits(callback, bookings, texts, callback_data.owner)


async def show_visits(
    event: Event, bookings: BookingBook, texts: Texts, owner: int, note: str = ""
) -> None:
    """Show the first visits of `owner`, each with a button that cancels it."""
    visits = await bookings.upcoming(owner)
    if not visits:
        await show(event, paragraphs(note, texts.no_visits()))
        return
    lines = [f"• {html.quote(texts.say(visit))}" for visit in visits[:SHOWN]]
    if len(visits) > SHOWN:
        lines.append(texts.and_more(n=len(visits) - SHOWN))
    text = "\n".join([texts.your_visits(), *lines])
    buttons = menu([cancel_button(visit, texts) for visit in visits[:SHOWN]])
    await show(event, paragraphs(note, text), buttons)


def cancel_button(visit: Booking, texts: Texts) -> InlineKeyboardButton:
    """Return the button that cancels this visit."""
    label = texts.cancel_one(day=visit.start.date(), time=f"{visit.start:%H:%M}")
    return button(label, Visits(owner=visit.owner, cancel=visit.start.isoformat()))
