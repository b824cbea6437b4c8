"""Ask how a visit was, two hours after its end, and tell the admins.

    bot    How was it?                [1 ★] [2 ★] [3 ★] [4 ★] [5 ★]
    user   taps 2 ★
    bot    What went wrong?           [Skip]
    user   I waited for half an hour.
    bot    Thank you for telling us.

A dialogue that is open goes first: the question is put off by an hour, again and again for as long
as the visit is in the book, which is a day. It is for the customer alone, so not asked in groups.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from aiogram import Router
from aiogram.dispatcher.event.bases import SkipHandler

from bot.bookings import BookingBook
from bot.languages import texts_in
from bot.notices import Notices
from bot.screen import paragraphs
from bot.session import Session, Step
from bot.shop import Booking
from bot.texts import Texts
from toolkit import (
    BotContext,
    Labels,
    Talk,
    Talks,
    TalkTimeout,
    Timer,
    Timers,
    in_step,
    on_talk,
    on_timer,
)

AFTER = timedelta(hours=2)
"""How long after the end of a visit people are asked."""

WAITED = timedelta(days=1)
"""How long an answer is waited for."""

LONGEST = 1500
"""How many characters of the words the admins see, so that it is one message."""

STARS = {f"{n} ★": n for n in range(1, 6)}
CONTENT = 4
"""From how many stars on nothing went wrong."""

router = Router(name="feedback")
router.message.filter(in_step(Step.idle))


@on_timer(router, "visited")
async def visit_over(
    timer: Timer,
    timers: Timers,
    session: Session,
    context: BotContext[Session],
    bookings: BookingBook,
    talks: Talks,
) -> None:
    """Begin the talk, if the visit was not cancelled, and nothing else is being talked about."""
    visit = await bookings.booked(timer.data["owner"], datetime.fromisoformat(timer.data["start"]))
    # A private chat has the id of its user, who has one above zero.
    if visit is None or not timer.origin.chat == visit.owner > 0:
        return
    if session.step is not Step.idle or context.talk is not None:
        timers.set(timer.name, after=timedelta(hours=1), data=timer.data)
        return
    # That question was about this visit, and would take the next answer for a number.
    session.giving_phone = False
    await talks.start(timer.key, "feedback", {**asdict(visit), "start": visit.start.isoformat()})


def something_else(text: str) -> int:
    """Leave what is typed instead of stars to the other features."""
    raise SkipHandler


def labels(texts: Texts) -> Labels:
    """Return what it says by itself."""
    return Labels(back=None, cancel=None, over=texts.old_button())


@on_talk(router, "feedback", labels=labels)
async def feedback(talk: Talk, session: Session, bookings: BookingBook, notices: Notices) -> None:
    """Ask for stars and, where they are few, for words; tell the admins both."""
    visit = Booking(**{**talk.data, "start": datetime.fromisoformat(talk.data["start"])})
    texts = texts_in(session.language or visit.language, bookings.shop.language)
    question, stars, words = texts.how_was_it(), 0, ""
    try:
        stars = await talk.ask(
            "stars", question, choices=STARS, read=something_else, columns=5, within=WAITED
        )
        if stars < CONTENT:
            question, skip = texts.what_went_wrong(), {texts.say_no_more(): ""}
            words = await talk.ask("words", question, choices=skip, read=str, within=WAITED)
        await talk.say(texts.thanks())
    except TalkTimeout:
        if not stars:
            return
    customer = await notices.customer(visit)
    await notices.tell_admins(
        lambda texts: paragraphs(
            texts.rated(stars="★" * stars, visit=visit, customer=customer),
            words and texts.quoted(words=words[:LONGEST]),
        ),
        but=visit.owner,
    )
