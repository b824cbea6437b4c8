"""Who is in the audience, and what becomes of a broadcast."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from aiogram.methods import SendPhoto
from aiogram.types import Message, Update

from toolkit import (
    BroadcastRefused,
    MemorySessionStorage,
    SendLimits,
    Sessions,
    create_bot,
    forget_user,
)
from toolkit.app import BotApp
from toolkit.delivery import broadcast as module
from toolkit.harness import FakeTelegram, RunningBot

from .bots import TOKEN, Away, Session

NEWS = "We are <b>closed</b> tomorrow."
GROUP = -7


class Counting(MemorySessionStorage):
    """Counts the calls of its verbs."""

    def __init__(self) -> None:
        super().__init__()
        self.verbs: Counter[str] = Counter()
        for verb in ("read", "write", "add", "delete", "checkout", "checkin"):
            setattr(self, verb, self._counted(verb, getattr(self, verb)))

    def _counted(self, verb: str, call: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.verbs[verb] += 1
            return call(*arguments, **options)

        return counted


def make_bot(storage: Any = None, **options: Any) -> BotApp[Session]:
    options = {"audience": True, **options}
    app = create_bot(TOKEN, initial=Session, storage=storage, **options)
    app.bot.limits = SendLimits(per_second=10_000)
    tasks: list[asyncio.Task[Any]] = []
    app["tasks"] = tasks

    @app.message()
    async def count(message: Message, session: Session, sessions: Sessions[Session]) -> None:
        if message.text == "forget me":
            await forget_user(sessions, message.chat.id)
        if message.text == "work":
            tasks.append(asyncio.create_task(app["work"]()))

    return app


async def work_for(running: RunningBot, work: Any, duration: str, people: int) -> Any:
    """Let the bot do `work(app)` in a task of a handler while time passes; return its result.

    So many people are in its audience, and a group.
    """
    app = running.app
    app["work"] = lambda: work(app)
    await app.session_storage.write(f"{GROUP}_5", {"session": {"count": 1}})
    running.telegram.group(GROUP)
    for user in range(1, people + 1):
        running.telegram.send_text(user, "hello")
        await app.session_storage.write(f"{user}_{user}", {"session": {"count": 1}})
    await running.deliver(running.telegram.send_text(1, "work"))
    await running.advance(duration)
    return await app["tasks"].pop()


async def audience_of(app: Any, count: int) -> FakeTelegram:
    """Give the bot an audience of so many people, on a Telegram that knows them."""
    telegram = FakeTelegram(token=TOKEN)
    telegram.attach(app.bot)
    for user in range(1, count + 1):
        update = telegram.send_text(user, "hello")
        await app.feed_update(app.bot, Update.model_validate(update))
    return telegram


def sent(telegram: FakeTelegram) -> Counter[int]:
    """How many messages each chat has got."""
    calls = (call for call in telegram.calls if call.method.startswith("send") and not call.error)
    return Counter(call.payload["chat_id"] for call in calls)


async def until_sent(telegram: FakeTelegram) -> None:
    """Wait for the first message."""
    while not sent(telegram):  # noqa: ASYNC110 - that raises no event
        await asyncio.sleep(0.01)


async def test_the_first_contact_costs_one_add_and_those_after_it_nothing(talk_to: Any) -> None:
    storage = Counting()
    talk = talk_to(make_bot(storage))
    talk.telegram.user(5, language_code="de")
    await talk.say("hello")
    assert storage.verbs == {"add": 1, "checkout": 1, "checkin": 1}

    await talk.say("again")

    assert storage.verbs == {"add": 1, "checkout": 2, "checkin": 2}
    record = await talk.record("audience:5")
    assert record["language"] == "de"


async def test_without_an_audience_nothing_is_kept_and_a_broadcast_says_so(talk_to: Any) -> None:
    talk = talk_to(make_bot(audience=False))
    await talk.say("hello")

    assert [key async for key in talk.app.session_storage.read_all_keys()] == []
    assert "my_chat_member" not in talk.app.wanted_updates()
    with pytest.raises(ValueError, match="audience=True"):
        await talk.app.broadcast(NEWS, name="news")


async def test_who_blocks_the_bot_is_marked_and_is_back_when_they_write(talk_to: Any) -> None:
    talk = talk_to(make_bot())
    assert "my_chat_member" in talk.app.wanted_updates()
    await talk.say("hello")

    await talk.feed(talk.telegram.block(5))
    assert await talk.app.audience.chats() == {}
    assert (await talk.record("audience:5"))["why"] == "kicked"

    await talk.feed(talk.telegram.unblock(5))
    assert await talk.app.audience.chats() == {5: "en"}

    await talk.feed(talk.telegram.block(5))
    talk.telegram.unblock(5)
    await talk.say("I am back")
    assert await talk.app.audience.chats() == {5: "en"}


async def test_a_group_is_there_from_when_the_bot_is_added_until_it_is_removed(
    talk_to: Any,
) -> None:
    talk = talk_to(make_bot())
    await talk.feed(talk.telegram.add_bot(5, GROUP))
    assert await talk.app.audience.chats() == {GROUP: None}

    await talk.feed(talk.telegram.remove_bot(5, GROUP))
    assert await talk.app.audience.chats() == {}


async def test_any_send_that_is_refused_for_good_marks_the_chat(talk_to: Any) -> None:
    talk = talk_to(make_bot())
    for user in (5, 6):
        await talk.say("hello", user)
    talk.telegram.deactivate(5)
    talk.telegram.faults.bad_request("chat not found", payload={"chat_id": 6})

    for user in (5, 6):
        with pytest.raises(Exception, match=r"deactivated|not found"):
            await talk.app.bot.send_message(user, "hello")

    assert await talk.app.audience.chats() == {}


async def test_a_group_that_becomes_a_supergroup_is_there_once(talk_to: Any) -> None:
    talk = talk_to(make_bot())
    talk.telegram.group(GROUP)
    await talk.say("hello", chat_id=GROUP)
    talk.telegram.updates.take()
    talk.telegram.migrate(GROUP)

    for update in reversed(talk.telegram.updates.take()):
        await talk.feed(update)

    assert await talk.app.audience.chats() == {-(10**12) + GROUP: None}


async def test_a_send_finds_a_group_that_has_moved_and_moves_its_record(talk_to: Any) -> None:
    talk = talk_to(make_bot())
    talk.telegram.group(GROUP)
    await talk.say("hello", chat_id=GROUP)
    talk.telegram.migrate(GROUP)

    report = await talk.app.broadcast(NEWS, name="news")

    assert (report.sent, report.total) == (1, 1)
    assert await talk.app.audience.chats() == {-(10**12) + GROUP: None}


async def test_who_is_forgotten_is_no_longer_there_until_they_write(talk_to: Any) -> None:
    talk = talk_to(make_bot())
    await talk.say("forget me")
    assert await talk.app.audience.chats() == {}

    await talk.say("hello")

    assert await talk.app.audience.chats() == {5: "en"}


async def test_chats_from_before_have_a_session_and_languages_choose(talk_to: Any) -> None:
    talk = talk_to(make_bot())
    for key in ("7_7", "-100_7", "900_7_bconnection", "7_7:notes", "audience:mine"):
        await talk.app.session_storage.write(key, {"session": {"count": 1}})
    talk.telegram.user(5, language_code="de-AT")
    await talk.say("hello", 5)
    await talk.say("hello", 6)

    assert await talk.app.audience.chats() == {7: None, -100: None, 5: "de-AT", 6: "en"}
    assert await talk.app.audience.chats(["DE"]) == {5: "de-AT"}


async def test_a_store_that_is_away_at_first_contact_is_an_outage(talk_to: Any) -> None:
    storage = Away()
    talk = talk_to(make_bot(storage))
    storage.away = True
    with pytest.raises(Exception, match="away"):
        await talk.say("hello")
    storage.away = False

    await talk.say("hello")

    assert await talk.app.audience.chats() == {5: "en"}


async def test_all_get_it_once_and_the_report_tells_what_became_of_each() -> None:
    app = make_bot()
    telegram = await audience_of(app, 40)
    telegram.block(1)
    telegram.deactivate(2)
    telegram.faults.bad_request("not enough rights to send text messages", payload={"chat_id": 3})
    telegram.faults.network_error(payload={"chat_id": 4}, applied=True)
    telegram.faults.restart(payload={"chat_id": 5})
    seen: list[int] = []

    report = await app.broadcast(NEWS, name="news", progress=lambda now: seen.append(now.left))

    assert str(report) == "36 sent, 2 blocked, 1 failed, 1 unknown, 0 left"
    assert report.unknown_chats == [4]
    assert report.reasons == {"Bad Request: not enough rights to send text messages": 1}
    assert (seen[0], seen[-1]) == (40, 0)
    assert set(sent(telegram).values()) == {1}
    assert len(await app.audience.chats()) == 38  # type: ignore[union-attr]

    again = await app.broadcast(NEWS, name="news")
    assert str(again) == str(report)
    assert sent(telegram).total() == 36

    repeated = await app.broadcast(NEWS, name="news", repeat_unknown=True)
    assert str(repeated) == "37 sent, 2 blocked, 1 failed, 0 unknown, 0 left"


@pytest.mark.parametrize("other", [{"what": "Other."}, {"languages": ["de"]}])
async def test_the_same_name_with_other_content_is_refused(other: dict[str, Any]) -> None:
    app = make_bot()
    telegram = await audience_of(app, 3)
    await app.broadcast(NEWS, name="news")

    with pytest.raises(BroadcastRefused, match="other content or for other languages"):
        await app.broadcast(**{"what": NEWS, "name": "news", **other})

    assert sent(telegram).total() == 3


@pytest.mark.parametrize(
    "text", ["", "  ", "<b></b>", "x" * 4097, "a<b>c", "x" * 4090 + "&lt;" * 7]
)
async def test_a_text_that_cannot_be_sent_is_refused_and_its_name_stays_free(text: str) -> None:
    app = make_bot()
    telegram = await audience_of(app, 20)

    with pytest.raises(BroadcastRefused, match=r"characters|for every chat: .*parse"):
        await app.broadcast(text, name="news")

    report = await app.broadcast("<b>" + "&lt;" * 4096 + "</b>", name="news")
    assert report.sent == sent(telegram).total() == 20


async def test_a_stop_ends_what_has_begun_and_the_next_run_does_the_rest() -> None:
    app = make_bot()
    telegram = await audience_of(app, 200)
    telegram.faults.delay(0.02, "sendMessage", times=None)
    running = asyncio.create_task(app.broadcast(NEWS, name="news"))
    await until_sent(telegram)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert 0 < sent(telegram).total() < 200

    report = await app.broadcast(NEWS, name="news")

    assert str(report) == "200 sent, 0 blocked, 0 failed, 0 unknown, 0 left"
    assert set(sent(telegram).values()) == {1}


async def test_a_second_one_at_the_same_time_is_refused() -> None:
    storage = MemorySessionStorage()
    app, other = make_bot(storage), make_bot(storage)
    telegram = await audience_of(app, 30)
    telegram.faults.delay(0.2, "sendMessage", times=None)
    first = asyncio.create_task(app.broadcast(NEWS, name="news", parallel=3))
    await until_sent(telegram)
    other.sessions.checkouts.lease_for = 0.1  # as long as it waits for a process that was killed

    for one in (app, other):
        with pytest.raises(BroadcastRefused, match="on its way already"):
            await one.broadcast(NEWS, name="news")

    assert (await first).sent == sent(telegram).total() == 30


async def test_one_that_was_taken_over_sends_nothing_more() -> None:
    storage = MemorySessionStorage()
    app, other = make_bot(storage), make_bot(storage)
    telegram = await audience_of(app, 60)
    telegram.attach(other.bot)
    telegram.faults.delay(0.05, "sendMessage", times=None)
    first = asyncio.create_task(app.broadcast(NEWS, name="news", parallel=4))
    await until_sent(telegram)
    # As if its process had stood still until its lease ended.
    del storage._leases._held["broadcast:news:run"]

    second = await other.broadcast(NEWS, name="news", parallel=4)

    with pytest.raises(BroadcastRefused, match="taken"):
        await first
    assert second.sent + second.unknown == 60
    assert set(sent(telegram).values()) == {1}
    assert set(sent(telegram)) == set(range(1, 61))


async def test_while_the_store_is_away_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STORE", replace(module.STORE, first=0.01, longest=0.02))
    storage = Away()
    app = make_bot(storage)
    telegram = await audience_of(app, 60)
    telegram.faults.delay(0.02, "sendMessage", times=None)
    running = asyncio.create_task(app.broadcast(NEWS, name="news", parallel=8))
    await until_sent(telegram)
    storage.away = True
    await asyncio.sleep(0.1)
    storage.away = False

    assert (await running).sent == 60
    assert set(sent(telegram).values()) == {1}


async def test_it_sends_what_it_is_given() -> None:
    app = make_bot()
    telegram = await audience_of(app, 2)
    message = telegram.send_text(9, "Good news")["message"]
    context = {"bot": app.bot}
    telegram.calls.clear()

    async def greet(chat: int) -> None:
        await app.bot.send_message(chat, f"Hello {chat}")

    photo = SendPhoto(chat_id=0, photo="https://example.com/a.jpg")
    await app.broadcast(photo, name="photo")
    await app.broadcast(Message.model_validate(message, context=context), name="message")
    await app.broadcast(greet, name="code")

    told = [(c.method, c.payload.get("text")) for c in telegram.calls if c.payload["chat_id"] == 1]
    assert told == [("sendPhoto", None), ("sendMessage", "Good news"), ("sendMessage", "Hello 1")]


async def test_an_error_of_the_code_ends_it_and_nobody_is_lost() -> None:
    app = make_bot()
    telegram = await audience_of(app, 100)
    broken = True

    async def send(chat: int) -> None:
        if chat == 30 and broken:
            raise ZeroDivisionError
        await app.bot.send_message(chat, "hello")
        if chat == 31 and broken:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await app.broadcast(send, name="code")
    broken = False
    report = await app.broadcast(send, name="code")

    assert report.left == 0
    assert report.unknown_chats in ([31], [])
    assert set(sent(telegram).values()) == {1}
    assert len(sent(telegram)) == 100


@pytest.mark.parametrize("name", ["", "a:b", "a b", "x" * 101])
async def test_a_name_that_cannot_be_a_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name has letters"):
        await make_bot().broadcast(NEWS, name=name)


def busiest(times: list[float], seconds: float) -> int:
    """How many fall into the fullest stretch of so many seconds."""
    return max(sum(begin <= at < begin + seconds for at in times) for begin in times)


async def test_the_ceilings_are_those_of_telegram() -> None:
    async def work(app: Any) -> Any:
        async def send(chat: int) -> None:
            for number in range(25 if chat == GROUP else 2 if chat < 9 else 1):
                await app.bot.send_message(chat, str(number))

        return await app.broadcast(send, name="news")

    async with RunningBot(make_bot, now="2026-11-23T10:30:00+01:00") as running:
        running.app.bot.limits = SendLimits()
        report = await work_for(running, work, "3m", 300)
        calls = [call for call in running.telegram.calls if call.method == "sendMessage"]

    assert (report.sent, report.total, len(calls)) == (301, 301, 333)
    assert 25 <= busiest([call.at for call in calls], 1) <= 30
    assert busiest([call.at for call in calls if call.payload["chat_id"] == GROUP], 60) == 20
    for chat in (GROUP, 1, 8):
        assert busiest([c.at for c in calls if c.payload["chat_id"] == chat], 1) == 1


async def test_what_telegram_asks_for_holds_for_all() -> None:
    async with RunningBot(make_bot, now="2026-11-23T10:30:00+01:00") as running:
        running.app.bot.sleep = asyncio.sleep
        running.app.bot.limits = SendLimits()
        running.telegram.faults.too_many_requests(40, payload={"chat_id": 20})
        running.telegram.faults.too_many_requests(300, payload={"chat_id": 60})
        work = partial(BotApp.broadcast, what=NEWS, name="news")
        report = await work_for(running, work, "10m", 100)
        times = [call.at for call in running.telegram.calls if call.method == "sendMessage"]

    assert str(report) == "101 sent, 0 blocked, 0 failed, 0 unknown, 0 left"
    assert set(sent(running.telegram).values()) == {1}
    pauses = [after - before for before, after in pairwise(times)]
    assert [round(pause) for pause in sorted(pauses)[-3:]] == [0, 40, 300]


async def test_other_messages_keep_to_the_ceilings_where_asked() -> None:
    media: Any = [{"type": "photo", "media": f"https://example.com/{n}.jpg"} for n in range(9)]

    async def work(app: Any) -> None:
        await app.bot.send_message(1, "one")
        await app.bot.send_message(1, "two")
        await app.bot.send_media_group(2, media)
        await app.bot.send_message(2, "three")

    async with RunningBot(make_bot, now="2026-11-23T10:30:00+01:00") as running:
        running.app.bot.limits = SendLimits(per_second=3)
        running.app.bot.share_limits = True
        await work_for(running, work, "20s", 2)
        times = [call.at for call in running.telegram.calls if call.method.startswith("send")]

    pauses = [after - before for before, after in pairwise(times)]
    assert [round(pause) for pause in pauses] == [1, 3, 1]
