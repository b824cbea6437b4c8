"""Book a visit.

    user  I want to book
    bot   What service?    [Haircut] [Shave] [Haircut and shave]
    user  Haircut
    bot   When?            [Mon 23 Nov] [Tue 24 Nov] … [Change service]
    user  Tomorrow 2pm
    bot   Booked! Haircut on Tue 24 Nov at 14:00.

The admins are told, and who books for the first time is asked for a phone number.
A tapped button changes the message it belongs to; a typed answer gets a new message.
"""

from __future__ import annotations

from datetime import date, datetime

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.bookings import BookingBook, SlotRefused
from bot.dates import expect_a_date, mentions, read_when
from bot.features.phone import ask_phone
from bot.features.reminders import set_timers
from bot.notices import Notices
from bot.screen import (
    Event,
    is_answer,
    message_of,
    name_of,
    owner_of,
    paragraphs,
    reachable,
    show,
)
from bot.session import Session, Step
from bot.shop import Service
from bot.texts import Texts
from toolkit import Origin, Timers, button, in_step, menu

DAYS_SHOWN = 8

router = Router(name="booking")
router.callback_query.filter(reachable)


class PickService(CallbackData, prefix="service"):
    """The service that a button chooses."""

    id: str


class PickTime(CallbackData, prefix="time", sep="|"):
    """The day, or the moment on it, that a button chooses, as ISO 8601."""

    when: str


async def is_late(event: Event, session: Session, bookings: BookingBook) -> bool:
    """Tell whether the last question was asked too long ago to be answered now."""
    asked = session.asked_at
    return asked is not None and bookings.now() - asked > bookings.shop.time_to_answer


async def is_current_menu(callback: CallbackQuery, session: Session) -> bool:
    """Tell whether the tap answers the last question, and comes from the user who was asked."""
    return callback.message is not None and callback.message.message_id == session.menu


async def is_gone(event: Event, session: Session, bookings: BookingBook) -> bool:
    """Tell whether the shop has stopped offering the service that was chosen."""
    return session.service != "" and bookings.shop.service(session.service) is None


async def wants_to_book(message: Message, texts: Texts) -> bool:
    """Tell whether a text has one of the words that begin a booking."""
    return mentions(message.text or "", texts.booking_words())


@router.message(is_late, is_answer)
@router.callback_query(is_late, is_current_menu)
async def answered_too_late(
    event: Event, session: Session, bookings: BookingBook, texts: Texts
) -> None:
    """Start again, whatever the answer was."""
    note = texts.away_too_long(n=bookings.shop.minutes_to_answer)
    await begin(event, session, bookings, texts, note)


@router.message(Command("book"))
@router.callback_query(F.data == "services", is_current_menu)
async def begin(
    event: Event, session: Session, bookings: BookingBook, texts: Texts, note: str = ""
) -> None:
    """Ask for the service."""
    session.step, session.service = Step.choosing_service, ""
    offered = bookings.shop.services
    services = menu([button(each.name, PickService(id=each.id)) for each in offered])
    await ask(event, session, bookings, paragraphs(note, texts.what_service()), services)


@router.message(is_gone, is_answer)
@router.callback_query(is_gone, is_current_menu)
async def service_gone(event: Event, session: Session, bookings: BookingBook, texts: Texts) -> None:
    """Ask again for the service: the shop was changed meanwhile."""
    await begin(event, session, bookings, texts, texts.not_offered())


@router.message(in_step(Step.idle), wants_to_book, is_answer)
@router.message(in_step(Step.choosing_service), is_answer)
async def service_typed(
    message: Message, session: Session, bookings: BookingBook, texts: Texts
) -> None:
    """Take the service from the text, or ask for one."""
    service = bookings.shop.find_service(message.text or "")
    if service is not None:
        await ask_day(message, session, bookings, texts, service)
    else:
        note = "" if session.step is Step.idle else texts.not_offered()
        await begin(message, session, bookings, texts, note)


@router.callback_query(PickService.filter(), is_current_menu)
async def service_tapped(
    callback: CallbackQuery,
    callback_data: PickService,
    session: Session,
    bookings: BookingBook,
    texts: Texts,
) -> None:
    """Take the service of the button, if it is still offered."""
    service = bookings.shop.service(callback_data.id)
    if service is not None:
        await ask_day(callback, session, bookings, texts, service)
    else:
        await begin(callback, session, bookings, texts, texts.not_offered())


@router.message(in_step(Step.choosing_time), is_answer)
async def time_typed(
    message: Message,
    session: Session,
    bookings: BookingBook,
    texts: Texts,
    session_origin: Origin,
    notices: Notices,
    timers: Timers,
) -> None:
    """Book at the moment in the text, or offer the times of the day in it."""
    # Read from the moment of sending: a message that comes again after midnight means the same day.
    when = await read_when(message.text or "", message.date, bookings.shop, texts)
    if when is None:
        service = chosen(session, bookings)
        await ask_day(message, session, bookings, texts, service, texts.unreadable())
    elif isinstance(when, datetime):
        owner = owner_of(session_origin)
        await book(message, session, bookings, notices, timers, texts, when, owner)
    else:
        await ask_time(message, session, bookings, texts, when)


@router.callback_query(PickTime.filter(), in_step(Step.choosing_time), is_current_menu)
async def time_tapped(
    callback: CallbackQuery,
    callback_data: PickTime,
    session: Session,
    bookings: BookingBook,
    texts: Texts,
    session_origin: Origin,
    notices: Notices,
    timers: Timers,
) -> None:
    """Book at the moment of the button, or offer the times of its day."""
    if "T" in callback_data.when:
        start = datetime.fromisoformat(callback_data.when).astimezone(bookings.shop.time_zone)
        owner = owner_of(session_origin)
        await book(callback, session, bookings, notices, timers, texts, start, owner)
    else:
        day = date.fromisoformat(callback_data.when)
        await ask_time(callback, session, bookings, texts, day)


def chosen(session: Session, bookings: BookingBook) -> Service:
    """Return the service that was chosen. `is_gone` guards the handlers of later steps."""
    service = bookings.shop.service(session.service)
    if service is None:
        raise LookupError(f"the shop does not offer {session.service!r}")
    return service


async def ask_day(
    event: Event,
    session: Session,
    bookings: BookingBook,
    texts: Texts,
    service: Service,
    note: str = "",
) -> None:
    """Ask for the day, with the first that have times free."""
    session.step, session.service = Step.choosing_time, service.name
    free = await bookings.free(service)
    days = [button(texts.say(day), PickTime(when=str(day))) for day in list(free)[:DAYS_SHOWN]]
    keyboard = menu(days, columns=2)
    keyboard.inline_keyboard.append([button(texts.change_service(), "services")])
    await ask(event, session, bookings, paragraphs(note, texts.what_day()), keyboard)


async def ask_time(
    event: Event,
    session: Session,
    bookings: BookingBook,
    texts: Texts,
    day: date,
    note: str = "",
) -> None:
    """Ask for a time on `day`, or for another day when none is free."""
    service = chosen(session, bookings)
    starts = (await bookings.free(service)).get(day)
    if not starts:
        why = bookings.why_not(day, closed=(await bookings.on(day)).closed)
        note = note or (why(texts) if why else texts.nothing_free(day=day))
        await ask_day(event, session, bookings, texts, service, note)
        return
    times = [button(f"{start:%H:%M}", PickTime(when=start.isoformat())) for start in starts]
    keyboard = menu(times, columns=3)
    back = button(texts.another_day(), PickService(id=service.id))
    keyboard.inline_keyboard.append([back])
    await ask(event, session, bookings, paragraphs(note, texts.what_time(day=day)), keyboard)


async def ask(
    event: Event, session: Session, bookings: BookingBook, text: str, keyboard: InlineKeyboardMarkup
) -> None:
    """Ask a question, and remember which message holds it and since when."""
    session.asked_at = bookings.now()
    expect_a_date(session.asked_at)
    session.menu = await show(event, text, keyboard)


async def book(
    event: Event,
    session: Session,
    bookings: BookingBook,
    notices: Notices,
    timers: Timers,
    texts: Texts,
    start: datetime,
    owner: int,
) -> None:
    """Book the visit and tell the admins, or say why not and ask again."""
    service, message = chosen(session, bookings), message_of(event)
    try:
        visit = await bookings.book(owner, service, start, message.chat.id, texts.language)
    except SlotRefused as refusal:
        await ask_time(event, session, bookings, texts, start.date(), refusal.say(texts))
        return
    set_timers(timers, visit)
    session.finish()
    session.name = name_of(event, owner)
    lines = [texts.booked(visit=visit)]
    if service.price is not None:
        lines.append(texts.price(amount=texts.amount(service, bookings.shop)))
    await show(event, "\n".join([*lines, texts.how_to_cancel()]))
    await ask_phone(message, session, texts)
    customer = await notices.customer(visit)
    await notices.tell_admins(
        lambda texts: texts.new_visit(visit=visit, customer=customer), but=owner
    )
