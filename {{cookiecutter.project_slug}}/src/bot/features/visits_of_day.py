"""Show the admins who comes, let them cancel visits and close days.

    admin  /today
    bot    Visits on Mon 23 Nov:
           14:00 Haircut: Ann, +49301234567      [Cancel 14:00, Ann] [Close the day] [Tue 24 Nov ›]

To anybody else these commands are unknown.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from bot.bookings import BookingBook
from bot.notices import Notices
from bot.screen import Event, paragraphs, reachable, show
from bot.texts import Texts
from toolkit import button, confirm

SHOWN = 20
"""Visits on one page."""


class OfDay(CallbackData, prefix="day"):
    """A day and a page of its visits; `do` closes it or opens it again."""

    day: str
    page: int = 0
    do: str = ""


class OfVisit(CallbackData, prefix="visit", sep="|"):
    """The visit of `owner` that starts at `start`, to be cancelled."""

    owner: int
    start: str
    sure: bool = False


async def is_admin(event: Event, admins: frozenset[int]) -> bool:
    """Tell whether it is from the private chat of an admin, where nobody else reads along."""
    message = event if isinstance(event, Message) else event.message
    return message is not None and message.chat.id in admins


router = Router(name="visits_of_day")
router.message.filter(is_admin)
router.callback_query.filter(is_admin, reachable)


@router.message(Command("today"))
async def today_wanted(
    message: Message, bookings: BookingBook, notices: Notices, texts: Texts
) -> None:
    """List the visits of today."""
    await show_day(message, bookings, notices, texts, bookings.now().date())


@router.message(Command("tomorrow"))
async def tomorrow_wanted(
    message: Message, bookings: BookingBook, notices: Notices, texts: Texts
) -> None:
    """List the visits of tomorrow."""
    tomorrow = bookings.now().date() + timedelta(days=1)
    await show_day(message, bookings, notices, texts, tomorrow)


@router.callback_query(OfDay.filter())
async def day_tapped(
    callback: CallbackQuery,
    callback_data: OfDay,
    bookings: BookingBook,
    notices: Notices,
    texts: Texts,
) -> None:
    """Show a day, after closing it or opening it where that was tapped."""
    day = date.fromisoformat(callback_data.day)
    if callback_data.do:
        await bookings.close(day, callback_data.do == "close")
    await show_day(callback, bookings, notices, texts, day, page=callback_data.page)


@router.callback_query(OfVisit.filter(F.sure))
async def cancel_confirmed(
    callback: CallbackQuery,
    callback_data: OfVisit,
    bookings: BookingBook,
    notices: Notices,
    texts: Texts,
) -> None:
    """Cancel the visit and tell the customer; say so when they cannot be told."""
    start = datetime.fromisoformat(callback_data.start).astimezone(bookings.shop.time_zone)
    visit = await bookings.find(callback_data.owner, start)
    if visit is None or not await bookings.cancel(visit):
        note = texts.not_booked_any_more()
        await show_day(callback, bookings, notices, texts, start.date(), note)
        return
    try:
        note = texts.cancelled(visit=visit)
        await show_day(callback, bookings, notices, texts, start.date(), note)
    finally:  # the visit is cancelled, whatever becomes of the answer
        told = await notices.tell_customer(visit, lambda texts: texts.shop_cancels(visit=visit))
    if not told and callback.message:
        customer = await notices.customer(visit)
        await callback.message.answer(texts.customer_not_told(customer=customer))


@router.callback_query(OfVisit.filter())
async def cancel_wanted(
    callback: CallbackQuery,
    callback_data: OfVisit,
    bookings: BookingBook,
    notices: Notices,
    texts: Texts,
) -> None:
    """Ask whether to cancel."""
    start = datetime.fromisoformat(callback_data.start).astimezone(bookings.shop.time_zone)
    visit = await bookings.find(callback_data.owner, start)
    if visit is None:
        note = texts.not_booked_any_more()
        await show_day(callback, bookings, notices, texts, start.date(), note)
        return
    yes = button(texts.cancel_yes(), callback_data.model_copy(update={"sure": True}))
    no = button(texts.cancel_no(), OfDay(day=str(start.date())))
    customer = await notices.customer(visit)
    await show(callback, texts.cancel_for(visit=visit, customer=customer), confirm(yes, no))


async def show_day(
    event: Event,
    bookings: BookingBook,
    notices: Notices,
    texts: Texts,
    day: date,
    note: str = "",
    page: int = 0,
) -> None:
    """List the visits of a day, each that has not begun with a button that cancels it."""
    visits, closed = await bookings.on(day)
    pages = -(-len(visits) // SHOWN)
    page = max(0, min(page, pages - 1))
    lines, rows = [], []
    for visit in visits[page * SHOWN : (page + 1) * SHOWN]:
        customer, time = await notices.customer(visit), f"{visit.start:%H:%M}"
        lines.append(texts.visit_line(time=time, service=visit.service, customer=customer))
        if visit.begins > bookings.now():
            label = texts.cancel_one_of(time=time, name=customer.name)
            rows.append([button(label, OfVisit(owner=visit.owner, start=visit.start.isoformat()))])
    if pages > 1:
        turns = range(pages)
        rows.append([button(f"{each + 1}", OfDay(day=str(day), page=each)) for each in turns])
    head = texts.visits_on(day=day) if visits else texts.no_visits_on(day=day)
    text = paragraphs(note, texts.day_closed() if closed else "", "\n".join([head, *lines]))
    rows += day_buttons(bookings, texts, day, closed=closed)
    await show(event, text, InlineKeyboardMarkup(inline_keyboard=rows))


def day_buttons(
    bookings: BookingBook, texts: Texts, day: date, *, closed: bool
) -> list[list[InlineKeyboardButton]]:
    """Return the buttons that close the day or open it, and that lead to the days around it."""
    rows = []
    if closed:
        rows.append([button(texts.open_day(), OfDay(day=str(day), do="open"))])
    elif bookings.why_not(day) is None:
        rows.append([button(texts.close_day(), OfDay(day=str(day), do="close"))])
    days = [(before := day - timedelta(days=1), f"‹ {texts.say(before)}")]
    days.append((after := day + timedelta(days=1), f"{texts.say(after)} ›"))
    first = bookings.now().date()
    last = first + timedelta(days=bookings.shop.bookable_days - 1)
    around = [button(label, OfDay(day=str(each))) for each, label in days if first <= each <= last]
    return [*rows, around] if around else rows
