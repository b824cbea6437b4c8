"""Book a visit.

    user  I want to book
    bot   What service?    [Haircut] [Shave] [Haircut and shave]
    user  Haircut
    bot   When?            [Mon 23 Nov] [Tue 24 Nov] … [Change service]
    user  Tomorrow 2pm
    bot   Booked! Haircut on Tue 24 Nov at 14:00.

A tapped button changes the message it belongs to; a typed answer gets a new message.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.bookings import SERVICES, TIME_ZONE, BookingBook, SlotRefused, find_service, format_when
from bot.dates import expect_a_date, read_when
from bot.screen import Event, is_answer, owner_of, reachable, show
from bot.session import Session, Step
from toolkit import Origin, button, in_step, menu

TIME_TO_ANSWER = timedelta(minutes=30)
DAYS_SHOWN = 8

router = Router(name="booking")
router.callback_query.filter(reachable)


class PickService(CallbackData, prefix="service"):
    """The service that a button chooses."""

    name: str


class PickTime(CallbackData, prefix="time", sep="|"):
    """The day, or the moment on it, that a button chooses, as ISO 8601."""

    when: str


async def is_late(event: Event, session: Session, bookings: BookingBook) -> bool:
    """Tell whether the last question was asked too long ago to be answered now."""
    return session.asked_at is not None and bookings.now() - session.asked_at > TIME_TO_ANSWER


async def is_current_menu(callback: CallbackQuery, session: Session) -> bool:
    """Tell whether the tap answers the last question, and comes from the user who was asked."""
    return callback.message is not None and callback.message.message_id == session.menu


@router.message(is_late, is_answer)
@router.callback_query(is_late, is_current_menu)
async def answered_too_late(event: Event, session: Session, bookings: BookingBook) -> None:
    """Start again, whatever the answer was."""
    note = "You were away for over 30 minutes, so let us start again.\n\n"
    await begin(event, session, bookings, note)


@router.message(Command("book"))
@router.callback_query(F.data == "services", is_current_menu)
async def begin(event: Event, session: Session, bookings: BookingBook, note: str = "") -> None:
    """Ask for the service."""
    session.step = Step.choosing_service
    services = menu([button(name, PickService(name=name)) for name in SERVICES])
    await ask(event, session, bookings, f"{note}What service?", services)


@router.message(in_step(Step.idle), F.text.regexp(r"(?i)\bbook\b", mode="search"), is_answer)
@router.message(in_step(Step.choosing_service), is_answer)
async def service_typed(message: Message, session: Session, bookings: BookingBook) -> None:
    """Take the service from the text, or ask for one."""
    service = find_service(message.text or "")
    if service is not None:
        await ask_day(message, session, bookings, service.name)
    else:
        note = "" if session.step is Step.idle else "We do not offer that.\n\n"
        await begin(message, session, bookings, note)


@router.callback_query(PickService.filter(F.name.in_(SERVICES)), is_current_menu)
async def service_tapped(
    callback: CallbackQuery, callback_data: PickService, session: Session, bookings: BookingBook
) -> None:
    """Take the service of the button."""
    await ask_day(callback, session, bookings, callback_data.name)


@router.message(in_step(Step.choosing_time), is_answer)
async def time_typed(
    message: Message, session: Session, bookings: BookingBook, session_origin: Origin
) -> None:
    """Book at the moment in the text, or offer the times of the day in it."""
    # Read from the moment of sending: a message that comes again after midnight means the same day.
    when = await read_when(message.text or "", message.date)
    if when is None:
        note = "I cannot read that as a day and time. Try “Tomorrow 2pm”.\n\n"
        await ask_day(message, session, bookings, session.service, note)
    elif isinstance(when, datetime):
        await book(message, session, bookings, when, owner_of(session_origin))
    else:
        await ask_time(message, session, bookings, when)


@router.callback_query(PickTime.filter(), in_step(Step.choosing_time), is_current_menu)
async def time_tapped(
    callback: CallbackQuery,
    callback_data: PickTime,
    session: Session,
    bookings: BookingBook,
    session_origin: Origin,
) -> None:
    """Book at the moment of the button, or offer the times of its day."""
    if "T" in callback_data.when:
        start = datetime.fromisoformat(callback_data.when).astimezone(TIME_ZONE)
        await book(callback, session, bookings, start, owner_of(session_origin))
    else:
        await ask_time(callback, session, bookings, date.fromisoformat(callback_data.when))


async def ask_day(
    event: Event, session: Session, bookings: BookingBook, service: str, note: str = ""
) -> None:
    """Ask for the day, with the first that have times free."""
    session.step, session.service = Step.choosing_time, service
    free = await bookings.free(SERVICES[service])
    days = [button(format_when(day), PickTime(when=str(day))) for day in list(free)[:DAYS_SHOWN]]
    keyboard = menu(days, columns=2)
    keyboard.inline_keyboard.append([button("Change service", "services")])
    await ask(event, session, bookings, f"{note}When?", keyboard)


async def ask_time(
    event: Event, session: Session, bookings: BookingBook, day: date, note: str = ""
) -> None:
    """Ask for a time on `day`, or for another day when none is free."""
    starts = (await bookings.free(SERVICES[session.service])).get(day)
    if not starts:
        note = note or f"{bookings.why_not(day) or f'Nothing is free on {format_when(day)}.'}\n\n"
        await ask_day(event, session, bookings, session.service, note)
        return
    times = [button(f"{start:%H:%M}", PickTime(when=start.isoformat())) for start in starts]
    keyboard = menu(times, columns=3)
    back = button("Pick another day", PickService(name=session.service))
    keyboard.inline_keyboard.append([back])
    await ask(event, session, bookings, f"{note}When on {format_when(day)}?", keyboard)


async def ask(
    event: Event, session: Session, bookings: BookingBook, text: str, keyboard: InlineKeyboardMarkup
) -> None:
    """Ask a question, and remember which message holds it and since when."""
    session.asked_at = bookings.now()
    expect_a_date(session.asked_at)
    session.menu = await show(event, text, keyboard)


async def book(
    event: Event, session: Session, bookings: BookingBook, start: datetime, owner: int
) -> None:
    """Book the visit, or say why not and ask again."""
    try:
        booking = await bookings.book(owner, SERVICES[session.service], start)
    except SlotRefused as refusal:
        await ask_time(event, session, bookings, start.date(), f"{refusal}\n\n")
    else:
        session.finish()
        await show(event, f"Booked! {booking}.\n/bookings shows and cancels your visits.")
