"""Talks as people have them: what is asked, what is remembered, and what is not done twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import KeyboardButton, Message, User

from toolkit import (
    BotContext,
    Labels,
    MemorySessionStorage,
    Refused,
    Sessions,
    Talk,
    TalkCancelled,
    TalkMisused,
    Talks,
    TalkTimeout,
    create_bot,
    on_talk,
)
from toolkit.harness import Person, RunningBot

Function = Callable[..., Any]


@dataclass
class Session:
    """What the bots of these tests remember."""

    cart: list[str] = field(default_factory=list)
    total: int = 0


class Listener(Person):
    """A person whose news are all since they were looked at."""

    def __init__(self, *args: Any) -> None:
        self._earlier: list[str] = []
        super().__init__(*args)

    def _forget(self) -> None:
        self._earlier += super().news
        super()._forget()

    @property
    def news(self) -> list[str]:
        """Texts that appeared or changed since this was asked last."""
        self._forget()
        found, self._earlier = self._earlier, []
        return found


@contextlib.asynccontextmanager
async def talking(function: Function, **options: Any) -> AsyncIterator[tuple[RunningBot, Listener]]:
    """A bot with one talk, begun by /order, and somebody who has begun it."""
    router = Router()
    on_talk(router, "order", Command("order"), **options)(function)

    @router.message(Command("help"))
    async def help_(message: Message) -> None:
        await message.answer("help")

    @router.message()
    async def other(message: Message) -> None:
        await message.answer("not for the talk")

    app = lambda: create_bot("42:talks", initial=Session, routers=[router])  # noqa: E731
    async with RunningBot(app) as running:
        person = Listener(running, 7, "Ann")
        await person.say("/order")
        yield running, person


async def record_of(running: RunningBot) -> dict[str, Any]:
    return await running.app.session_storage.read("7_7") or {}


async def sized(talk: Talk, session: Session) -> None:
    cart = session.cart
    size = await talk.ask("size", "Size?", choices={"Large": 3, "Small": 1})
    session.total += size
    await talk.say(f"Size {size}.")
    number = await talk.ask("number", "How many?", read=int)
    cart.extend(["pizza"] * number)
    await talk.ask("sure", "Sure?", choices=[True, False])
    await talk.say(f"{session.total} {cart}")


async def test_a_dialogue_is_one_function_and_changes_the_session_once() -> None:
    async with talking(sized) as (running, ann):
        assert ann.news == ["Size?"]
        assert ann.buttons == ["Large", "Small", "Cancel"]
        await ann.tap("Large")
        assert ann.news == ["Size 3.", "How many?"]
        assert (await record_of(running))["session"] == {"cart": [], "total": 3}
        await ann.say("many")
        assert ann.news == ["I cannot read that.\n\nHow many?"]
        await ann.say("2")
        assert ann.news == ["Sure?"]
        await ann.say("true")
        assert ann.news == ["3 ['pizza', 'pizza']"]
        record = await record_of(running)
        assert record["session"] == {"cart": ["pizza", "pizza"], "total": 3}
        assert "talk" not in record
        await ann.say("and now?")
        assert ann.news == ["not for the talk"]


async def test_back_asks_again_and_undoes_what_followed() -> None:
    async with talking(sized) as (running, ann):
        await ann.say("large")
        await ann.say("2")
        assert ann.news[-1] == "Sure?"
        await ann.tap("Back")
        assert ann.news == ["How many?"]
        assert (await record_of(running))["session"] == {"cart": [], "total": 3}
        await ann.tap("Back")
        assert ann.news == ["Size?"]
        assert (await record_of(running))["session"] == {"cart": [], "total": 0}
        await ann.tap("Small")
        await ann.say("1")
        await ann.tap("True")
        assert ann.news == ["Size 1.", "How many?", "Sure?", "1 ['pizza']"]


async def test_a_tap_on_an_old_question_answers_it_anew_and_a_double_tap_does_nothing() -> None:
    async with talking(sized, in_place=False) as (running, ann):
        await ann.tap("Large")
        await ann.tap("Large")
        assert ann.news == ["Size?", "Size 3.", "How many?"]
        await ann.say("2")
        await ann.tap("Small")
        assert ann.news == ["Sure?", "Size 1.", "How many?"]
        assert (await record_of(running))["session"] == {"cart": [], "total": 1}


async def test_an_old_cancel_button_cancels_and_an_old_back_button_says_that_it_is_old() -> None:
    for old, heard in (("Cancel", "Cancelled."), ("Back", "That is over.")):
        async with talking(sized, in_place=False) as (running, ann):
            for update in ("large", "2"):
                await ann.say(update)
            message = ann.messages[-3]
            data = message["reply_markup"]["inline_keyboard"][-1]
            chosen = next(each["callback_data"] for each in data if each["text"] == old)
            await running.deliver(running.telegram.tap(7, message["message_id"], chosen))
            assert heard in ann.news


async def test_its_own_command_begins_a_talk_anew_that_ends_at_commands() -> None:
    async with talking(sized, at_command="end") as (running, ann):
        await ann.say("large")
        await ann.say("/order")
        assert ann.news[-1] == "Size?"
        assert (await running.talk() or {})["waiting"] == "size"


async def test_labels_can_be_made_of_what_handlers_get() -> None:
    def labels(session: Session) -> Labels:
        return Labels(back=None, cancel=f"Stop at {session.total}", more="On")

    async with talking(sized, labels=labels) as (_, ann):
        assert ann.buttons == ["Large", "Small", "Stop at 0"]
        await ann.tap("Stop at 0")
        assert ann.news == ["Size?", "Cancelled."]


async def test_a_tap_on_an_old_question_does_nothing_where_the_talk_says_so() -> None:
    async with talking(sized, in_place=False, reopen=False) as (_, ann):
        await ann.tap("Large")
        await ann.tap("Small")
        assert ann.news == ["Size?", "Size 3.", "How many?", "That is over."]


async def test_cancel_ends_it_and_can_be_caught() -> None:
    async with talking(sized) as (running, ann):
        await ann.tap("Cancel")
        assert ann.news == ["Size?", "Cancelled."]
        assert "talk" not in await record_of(running)

    async def caught(talk: Talk) -> None:
        talk.labels = Labels(cancel="Stop")
        try:
            await talk.ask("size", "Size?")
        except TalkCancelled:
            await talk.ask("why", "Why?")
            await talk.say("I see.")

    async with talking(caught) as (running, ann):
        await ann.tap("Stop")
        await ann.say("too slow")
        assert ann.news == ["Size?", "Why?", "I see."]


async def test_what_it_says_by_itself_may_depend_on_the_user() -> None:
    def labels(event_from_user: User) -> Labels:
        return Labels(cancel=f"Stop {event_from_user.first_name}", over="Too late.")

    async with talking(sized, labels=labels) as (running, ann):
        assert ann.buttons[-1] == "Stop Ann"
        tap = running.telegram.tap(7, label="Large")
        await ann.tap("Stop Ann")
        await running.deliver(tap)
        assert ann.news == ["Size?", "Cancelled.", "Too late."]


async def test_a_loop_numbers_its_rounds() -> None:
    async def toppings(talk: Talk) -> None:
        chosen: set[str] = set()
        for number in count():
            offered = {name: name for name in ("ham", "olives")} | {"Done": ""}
            one = await talk.at("topping", number).ask("name", "What else?", choices=offered)
            if not one:
                break
            chosen ^= {one}
        await talk.say(f"With {sorted(chosen)}.")

    async with talking(toppings) as (_, ann):
        for label in ("ham", "olives", "ham", "Done"):
            await ann.tap(label)
        assert ann.news[-1] == "With ['olives']."


async def test_a_name_that_is_there_twice_is_an_error_with_its_line() -> None:
    async def twice(talk: Talk) -> None:
        await talk.ask("size", "Size?")
        await talk.ask("size", "Size?")

    async with talking(twice) as (_, ann):
        with pytest.raises(TalkMisused, match=r"test_talks.py:\d+: 'size' is there twice"):
            await ann.say("large")


async def test_what_is_done_once_is_not_done_again() -> None:
    done: list[str] = []

    async def claim() -> str:
        done.append("claimed")
        return f"table {len(done)}"

    async def claiming(talk: Talk) -> None:
        table = await talk.once("claim", claim)
        await talk.ask("name", "Who?")
        await talk.ask("sure", "Sure?", choices=["Yes"])
        await talk.say(table)

    async with talking(claiming) as (_, ann):
        await ann.say("Ann")
        await ann.tap("Back")
        await ann.say("Ann")
        await ann.tap("Yes")
        assert ann.news[-1] == "table 1"
    assert done == ["claimed"]


async def test_choices_are_not_looked_up_again_for_what_was_answered() -> None:
    looked: list[str] = []

    async def days() -> list[str]:
        looked.append("days")
        return ["Mon", "Tue"]

    async def booking(talk: Talk) -> None:
        day = await talk.ask("day", "When?", choices=days)
        await talk.ask("name", "Who?")
        await talk.say(day)

    async with talking(booking) as (_, ann):
        await ann.tap("Mon")
        looked.clear()
        await ann.say("Ann")
        assert ann.news[-1] == "Mon"
    assert not looked


async def test_values_have_the_types_that_read_says() -> None:
    def read(text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Refused("Like 2026-11-27, please.") from None

    async def dated(talk: Talk) -> None:
        day = await talk.ask("day", "When?", read=read)
        await talk.ask("name", "Who?")
        await talk.say(f"{day:%d %b}")

    async with talking(dated) as (_, ann):
        await ann.say("tomorrow")
        await ann.say("2026-11-30")
        await ann.say("Ann")
        assert ann.news == ["When?", "Like 2026-11-27, please.\n\nWhen?", "Who?", "30 Nov"]


async def test_a_value_whose_type_is_not_said_is_refused_with_the_remedy() -> None:
    async def dated(talk: Talk) -> None:
        await talk.ask("day", "When?", read=lambda text: date.fromisoformat(text))

    async with talking(dated) as (_, ann):
        with pytest.raises(TypeError, match="'day' returns a date, and does not say so"):
            await ann.say("2026-11-30")


async def test_many_choices_are_turned_like_pages() -> None:
    async def long(talk: Talk) -> None:
        found = await talk.ask("n", "Which?", choices=[*range(10)], columns=2, rows=2)
        await talk.say(str(found))

    async with talking(long) as (_, ann):
        await ann.tap("More ›")
        await ann.tap("More ›")
        assert ann.buttons == ["8", "9", "‹", "Cancel"]
        await ann.tap("9")
        assert ann.news[-1] == "9"


async def test_a_message_of_any_kind_is_asked_for_and_others_fall_through() -> None:
    async def phone(talk: Talk) -> None:
        share = KeyboardButton(text="Send my number", request_contact=True)
        found = await talk.ask_message("phone", "Your number?", F.contact, request=share)
        assert found.contact is not None
        await talk.ask("name", "Who?")
        await talk.say(found.contact.phone_number)

    async with talking(phone) as (_, ann):
        assert ann.buttons == ["Send my number", "Cancel"]
        await ann.tap("Cancel")
        assert ann.news == ["Your number?", "Cancelled."]
    async with talking(phone) as (_, ann):
        await ann.say("no")
        assert ann.news == ["Your number?", "I cannot read that.\n\nYour number?"]
        await ann.tap("Send my number")
        await ann.photo()
        assert ann.news == ["Who?", "not for the talk"]
        await ann.say("Ann")
        assert ann.news == ["+10000000000"]


async def test_commands_are_answered_by_others_while_the_talk_waits_or_ends() -> None:
    async with talking(sized) as (running, ann):
        await ann.say("/help")
        await ann.tap("Small")
        assert ann.news == ["Size?", "help", "Size 1.", "How many?"]
    async with talking(sized, at_command="end") as (running, ann):
        await ann.say("/help")
        assert "talk" not in await record_of(running)
        await ann.tap("Small")
        assert ann.news == ["Size?", "help", "That is over."]


async def test_time_runs_out_unprompted_and_can_be_caught() -> None:
    async def slow(talk: Talk) -> None:
        try:
            await talk.ask("size", "Size?", within=timedelta(minutes=5))
        except TalkTimeout:
            await talk.say("Still there?")
            await talk.ask("there", "Tap.", choices=["Yes"], within=60)
            await talk.say("Fine.")

    async with talking(slow) as (running, ann):
        await running.advance("5m")
        assert ann.news == ["Size?", "Still there?", "Tap."]
        await ann.tap("Yes")
        await running.advance("1h")
        assert ann.news == ["Fine."]
    async with talking(slow) as (running, ann):
        await running.advance("5m")
        await running.advance("1m")
        assert ann.news[-1] == "You were away for too long."
        assert "talk" not in await record_of(running)


async def test_an_answer_in_time_stops_the_clock() -> None:
    async def slow(talk: Talk) -> None:
        await talk.ask("size", "Size?", within=60)
        await talk.ask("name", "Who?")

    async with talking(slow) as (running, ann):
        await ann.say("large")
        assert await running.advance("1h") == []


async def paying(talk: Talk) -> None:
    await talk.ask("size", "Size?")
    paid = await talk.event("paid")
    await talk.say(f"Thank you for {paid['amount']}.")


async def test_an_event_brings_a_talk_on_now_or_when_it_comes_to_it() -> None:
    async with talking(paying) as (running, ann):
        talks: Talks = running.app.talks
        await ann.say("large")
        await ann.say("hello?")
        assert ann.news == ["Size?", "not for the talk"]
        assert await talks.signal("7_7", "paid", {"amount": 5})
        await running.advance("1s")
        assert ann.news == ["Thank you for 5."]
        assert not await talks.signal("7_7", "paid", {"amount": 5})
    async with talking(paying) as (running, ann):
        assert await running.app.talks.signal("7_7", "paid", {"amount": 6})
        await running.advance("1s")
        await ann.say("large")
        assert ann.news == ["Size?", "Thank you for 6."]


async def test_a_talk_is_begun_from_elsewhere_with_data() -> None:
    async def feedback(talk: Talk, session: Session) -> None:
        stars = await talk.ask("stars", f"How was {talk.data}?", choices=[1, 2, 3])
        session.total = stars

    async with talking(feedback) as (running, _):
        ben = Person(running, 8, "Ben")
        await ben.say("hello")
        await running.app.talks.start("8_8", "order", "the haircut")
        await running.advance("1s")
        assert ben.sees("How was the haircut?")
        with pytest.raises(ValueError, match="there is no talk 'ordr'; there are: order"):
            await running.app.talks.start("8_8", "ordr")


async def test_a_second_talk_is_refused_or_stacked() -> None:
    for while_open, expected in (
        (
            "refuse",
            ["Size?", Labels().busy, "Size?", "How many?"],
        ),
        ("stack", ["Size?", "Why?", "Size?"]),
        ("replace", ["Size?", "Why?", "not for the talk"]),
    ):
        router = Router()

        @on_talk(router, "why", Command("why"), while_open=while_open)  # type: ignore[arg-type]
        async def why(talk: Talk) -> None:
            await talk.ask("why", "Why?")

        async def order(talk: Talk) -> None:
            await talk.ask("size", "Size?")
            await talk.ask("number", "How many?")

        on_talk(router, "order", Command("order"))(order)

        @router.message()
        async def other(message: Message) -> None:
            await message.answer("not for the talk")

        app = lambda: create_bot("42:t", initial=Session, routers=[router])  # noqa: E731, B023
        async with RunningBot(app) as running:
            ann = Listener(running, 7, "Ann")
            await ann.say("/order")
            await ann.say("/why")
            await ann.say("one")
            if while_open == "replace":
                await ann.say("two")
            assert ann.news == expected


async def test_a_talk_below_another_keeps_its_time_limit_and_its_events() -> None:
    router = Router()

    @on_talk(router, "why", Command("why"), while_open="stack")
    async def why(talk: Talk) -> None:
        await talk.ask("why", "Why?")

    @on_talk(router, "order", Command("order"))
    async def order(talk: Talk) -> None:
        paid = await talk.event("paid")
        await talk.ask("size", f"{paid} EUR. Size?", within=60)

    async with RunningBot(lambda: create_bot("42:t", initial=Session, routers=[router])) as running:
        ann = Listener(running, 7, "Ann")
        await ann.say("/order")
        await ann.say("/why")
        await running.app.talks.signal("7_7", "paid", 5)
        await running.advance("1s")
        await ann.say("one")
        assert ann.news == ["Why?", "5 EUR. Size?"]
        await ann.say("/why")
        await running.advance("1h")
        await ann.say("two")
        assert ann.news == ["Why?", "5 EUR. Size?"]
        await running.advance("1m")
        assert ann.news == ["You were away for too long."]


async def test_back_goes_over_an_event_which_stays() -> None:
    async def paid_first(talk: Talk) -> None:
        await talk.ask("size", "Size?")
        paid = await talk.event("paid")
        await talk.ask("name", f"{paid} EUR. Who?")
        await talk.say("Thank you.")

    async with talking(paid_first) as (running, ann):
        await ann.say("large")
        await running.app.talks.signal("7_7", "paid", 5)
        await running.advance("1s")
        await ann.tap("Back")
        await ann.say("small")
        await ann.say("Ann")
        assert ann.news == ["Size?", "5 EUR. Who?", "Size?", "5 EUR. Who?", "Thank you."]


async def test_a_name_that_another_kind_of_question_gets_is_asked_anew() -> None:
    kind = "text"
    came: list[str] = []

    async def changing(talk: Talk) -> None:
        if kind == "text":
            await talk.ask("photo", "A link to a photo?")
        elif kind == "photo":
            await talk.ask_message("photo", "A photo?", F.photo)
        else:
            came.append(await talk.event("photo"))
        await talk.ask("name", "Who?")

    async with talking(changing) as (running, ann):
        await ann.say("link")
        kind = "photo"
        await ann.say("Ann")
        assert ann.news == ["A link to a photo?", "Who?", "A photo?"]
        kind = "event"
        await running.app.talks.signal("7_7", "photo", "it came")
        await running.advance("1s")
        assert came == ["it came"]
        assert await running.talk() is None


async def test_misuse_is_an_error_that_names_the_line_and_the_remedy() -> None:
    async def swallows(talk: Talk) -> None:
        with contextlib.suppress(BaseException):
            await talk.ask("size", "Size?")

    async def goes_on(talk: Talk) -> None:
        with contextlib.suppress(BaseException):
            await talk.ask("size", "Size?")
        await talk.say("and so on")

    async def gathers(talk: Talk) -> None:
        await asyncio.gather(talk.ask("size", "Size?"), talk.ask("name", "Who?"))

    async def forgets(talk: Talk) -> None:
        talk.ask("size", "Size?")
        await talk.ask("name", "Who?")

    for function, words in (
        (swallows, r"test_talks.py:\d+: the function goes on.*except Exception"),
        (goes_on, r"test_talks.py:\d+: the talk goes on after .*except Exception"),
        (gathers, r"test_talks.py:\d+: 'size' runs in a task of its own.*no gather"),
        (forgets, r"test_talks.py:\d+: not awaited"),
    ):
        with pytest.raises(TalkMisused, match=words):
            async with talking(function):
                pass


async def test_what_fails_leaves_the_talk_where_it_was() -> None:
    broken = True

    async def fails(talk: Talk, session: Session) -> None:
        await talk.ask("size", "Size?")
        session.total += 1
        if broken:
            raise ZeroDivisionError
        await talk.say("Done.")

    async with talking(fails) as (running, ann):
        with pytest.raises(ZeroDivisionError):
            await ann.say("large")
        broken = False
        await ann.say("large")
        assert ann.news[-1] == "Done."
        assert (await record_of(running))["session"]["total"] == 1


async def test_a_talk_whose_function_is_gone_ends_with_a_sentence() -> None:
    router = Router()

    @router.message()
    async def other(message: Message, context: BotContext[Session]) -> None:
        if message.text == "old":
            context.talk = {"name": "gone", "number": "1", "waiting": "size", "takes": "text"}
        else:
            await message.answer("heard")

    async with RunningBot(lambda: create_bot("42:t", initial=Session, routers=[router])) as running:
        ann = Listener(running, 7, "Ann")
        await ann.say("old")
        await ann.say("hello")
        await ann.say("hello")
        assert ann.news == ["That is over.", "heard", "heard"]


@pytest.mark.parametrize(
    ("talk", "fault"),
    [
        ([], "talk: not an object"),
        ({"name": "order"}, "talk.number: not a text"),
        ({"name": "order", "number": "1", "answers": [["size"]]}, "talk.answers: not names"),
        ({"name": "order", "number": "1", "before": []}, "talk.before: not an object"),
    ],
)
async def test_a_record_with_a_talk_that_is_none_is_set_aside_with_the_reason(
    talk: Any, fault: str
) -> None:
    storage = MemorySessionStorage()
    await storage.write("5_5", {"session": {"cart": [], "total": 3}, "talk": talk})
    async with Sessions(storage, Session).checkout("5_5") as context:
        assert context.session == Session()
    record = await storage.read("quarantine:5_5")
    assert record is not None
    assert fault in record["reason"]
