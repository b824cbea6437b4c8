"""What is dropped of a flood, what never is, and what the user and the log are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram.types import CallbackQuery, Message, Update

from toolkit import MemorySessionStorage, Throttle, create_bot, serve_metrics
from toolkit.delivery import throttle as module
from toolkit.delivery.throttle import Floods
from toolkit.harness import RunningBot

from .bots import TOKEN, Away, Session, counting
from .serving import Posting, Serving, free_port
from .test_metrics import look

Polling = Callable[..., Serving]
Webhook = Callable[..., Awaitable[Posting]]


class Watched(MemorySessionStorage):
    """A store that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def _check(self, key: str) -> None:
        self.asked.append(key)
        super()._check(key)


def dropped(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the log that tell of floods."""
    return [each.message for each in caplog.records if each.name == module.logger.name]


async def test_a_flood_is_dropped_before_the_store_is_asked_and_confirmed(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    store = Watched()
    serving = polling(counting(store, throttle=Throttle(3, per=3600)))
    for _ in range(3):
        serving.telegram.send_text(5, "hello")
    await serving.until_answered("3 from 5")
    await serving.until_confirmed()
    store.asked.clear()
    for _ in range(50):
        serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()
    serving.telegram.send_text(6, "hello")
    await serving.until_answered("1 from 6")
    assert not [key for key in store.asked if "5_5" in key]
    assert [text for text in serving.texts if text.endswith("from 5")] == [
        *("1 from 5", "2 from 5", "3 from 5")
    ]
    words = "user 5 has sent more than 3 updates within 3600 s: update 4 and what else comes in"
    assert dropped(caplog) == [f"{words} that time is dropped"]


async def test_behind_a_webhook_what_is_dropped_is_answered_with_200(webhook: Webhook) -> None:
    serving = await webhook(counting(throttle=Throttle(2, per=3600)))
    for _ in range(5):
        assert await serving.post(serving.telegram.send_text(5, "hello")) == 200
    assert serving.texts == ["1 from 5", "2 from 5"]


async def test_what_is_sent_again_by_telegram_is_counted_once(
    webhook: Webhook, no_backoff: None
) -> None:
    store = Away()
    serving = await webhook(counting(store, throttle=Throttle(1, per=3600)))
    update = serving.telegram.send_text(5, "hello")
    store.away = True
    for _ in range(3):
        assert await serving.post(update) == 503
    store.away = False
    assert await serving.post(update) == 200
    assert serving.texts[-1] == "1 from 5"


async def test_one_that_comes_again_while_it_is_in_work_is_not_confirmed_before(
    webhook: Webhook,
) -> None:
    serving = await webhook(counting(throttle=Throttle(1, per=3600)))
    update = serving.telegram.send_text(5, "hang")
    first = asyncio.create_task(serving.post(update))
    await serving.app["begun"].wait()
    # Its time is over, and another one was let through since then.
    serving.app._floods._windows.clear()
    assert not serving.app.drops(Update.model_validate(serving.telegram.send_text(5, "hello")))
    again = asyncio.create_task(serving.post(update))
    await asyncio.sleep(0.05)
    assert not again.done()
    serving.app["go"].set()
    assert (await first, await again) == (200, 200)


async def test_when_the_time_is_over_the_user_is_served_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RunningBot(lambda: counting(throttle=Throttle(2, per=10))) as bot:

        async def say(times: int) -> list[Any]:
            made = [await bot.deliver(bot.telegram.send_text(5, "hello")) for _ in range(times)]
            return [call.payload["text"] for calls in made for call in calls]

        assert await say(4) == ["1 from 5", "2 from 5"]
        await bot.advance("9s")
        assert await say(2) == []
        await bot.advance("1s")
        assert await say(3) == ["3 from 5", "4 from 5"]
        assert len(dropped(caplog)) == 2


async def test_the_user_is_told_once_in_the_time_where_that_is_asked_for() -> None:
    throttle = Throttle(1, per=10, tell="Not so fast <3")
    async with RunningBot(lambda: counting(throttle=throttle)) as bot:

        async def say(times: int) -> list[Any]:
            made = [await bot.deliver(bot.telegram.send_text(5, "hello")) for _ in range(times)]
            return [call.payload["text"] for calls in made for call in calls]

        assert await say(4) == ["1 from 5", "Not so fast <3"]
        await bot.advance("10s")
        assert await say(2) == ["2 from 5", "Not so fast <3"]


async def test_a_tap_is_told_in_a_notice_and_in_the_users_language() -> None:
    def tell(update: Update) -> str:
        user = update.callback_query.from_user if update.callback_query else None
        return f"Langsam! ({user.language_code if user else None})"

    def make_bot() -> Any:
        app = create_bot(TOKEN, initial=Session, throttle=Throttle(2, per=10, tell=tell))

        @app.message()
        async def ask(message: Message) -> None:
            from toolkit import button, menu

            await message.answer("?", reply_markup=menu([button("Yes", "yes")]))

        @app.callback_query()
        async def answer(query: CallbackQuery) -> None:
            await query.answer("well")

        return app

    async with RunningBot(make_bot) as bot:
        bot.telegram.user(5, "Ben", language_code="de")
        await bot.deliver(bot.telegram.send_text(5, "hello"))
        told = []
        for _ in range(3):
            calls = await bot.deliver(bot.telegram.tap(5, label="Yes", chat_id=5))
            told += [(call.method, call.payload.get("text")) for call in calls]
        assert told == [
            *(("answerCallbackQuery", "well"), ("answerCallbackQuery", "Langsam! (de)"))
        ]


async def test_a_user_who_cannot_be_told_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RunningBot(lambda: counting(throttle=Throttle(1, per=10, tell="Slow"))) as bot:
        await bot.deliver(bot.telegram.send_text(5, "help"))
        update = bot.telegram.send_text(5, "help")
        bot.telegram.block(5)
        await bot.deliver(update)
    assert "the user of update 2 was not told: " in dropped(caplog)[-1]


def service(**content: Any) -> Callable[[Any], Any]:
    """An update with a message that nobody has written."""
    return lambda telegram: telegram.send(5, content)


def raw(kind: str, **fields: Any) -> Callable[[Any], Any]:
    """An update as it stands; its ids grow as those of messages."""

    def make(telegram: Any) -> Any:
        message = telegram.send_text(5, "…")
        about = {"from": message["message"]["from"], **fields}
        return {"update_id": message["update_id"], kind: about}

    return make


MEMBER = {
    **{"chat": {"id": 5, "type": "private", "first_name": "Ben"}, "date": 1},
    "old_chat_member": {"status": "member", "user": {"id": 42, "is_bot": True, "first_name": "b"}},
    "new_chat_member": {
        **{"status": "kicked", "until_date": 0},
        "user": {"id": 42, "is_bot": True, "first_name": "b"},
    },
}
DICE = {"emoji": "🎲", "value": 6}
PAID = {
    **{"currency": "XTR", "total_amount": 1, "invoice_payload": "p"},
    **{"telegram_payment_charge_id": "t", "provider_payment_charge_id": "p"},
}
CHECKOUT = {"id": "1", "currency": "XTR", "total_amount": 1, "invoice_payload": "p"}


@pytest.mark.parametrize(
    "make",
    [
        service(successful_payment=PAID),
        service(pinned_message={"message_id": 1, "date": 0, "chat": MEMBER["chat"]}),
        raw("pre_checkout_query", **CHECKOUT),
        raw("my_chat_member", **MEMBER),
    ],
    ids=["payment", "service message", "checkout", "blocked"],
)
def test_what_is_no_flood_is_never_dropped_nor_counted(make: Callable[[Any], Any]) -> None:
    from toolkit.harness import FakeTelegram

    app, telegram = counting(throttle=Throttle(1, per=3600)), FakeTelegram(token=TOKEN)

    def drops(update: Any) -> bool:
        return app.drops(Update.model_validate(update, context={"bot": app.bot}))

    assert [drops(make(telegram)) for _ in range(3)] == [False] * 3
    assert [drops(telegram.send_text(5, "hello")) for _ in range(2)] == [False, True]
    assert not drops(make(telegram))
    assert not drops({"update_id": 10**6, "something_new": {}})


def drops(app: Any, telegram: Any, **options: Any) -> bool:
    """Have a message of user 5 counted, sent some seconds ago."""
    late = options.pop("late", 0.0)
    update = telegram.send(5, {"text": "hello", **options})
    update["message"]["date"] = int(time.time() - late)
    found: bool = app.drops(Update.model_validate(update, context={"bot": app.bot}))
    return found


def test_an_album_counts_as_one() -> None:
    from toolkit.harness import FakeTelegram

    app, telegram = counting(throttle=Throttle(2, per=3600)), FakeTelegram(token=TOKEN)
    album = [drops(app, telegram, media_group_id="7") for _ in range(10)]
    assert album == [False] * 10
    assert [drops(app, telegram) for _ in range(2)] == [False, True]
    assert not drops(app, telegram, media_group_id="7")


def test_what_has_waited_while_the_bot_was_down_counts_for_when_it_was_sent() -> None:
    from toolkit.harness import FakeTelegram

    app, telegram = counting(throttle=Throttle(2, per=60)), FakeTelegram(token=TOKEN)
    # Three messages in five minutes, three in a minute.
    assert [drops(app, telegram, late=late) for late in (900, 800, 700)] == [False] * 3
    assert [drops(app, telegram, late=late) for late in (330, 310, 290)] == [False, False, True]
    # A tap has no date, and comes between two messages.
    tap = {"id": "1", "from": {"id": 6, "is_bot": False, "first_name": "Ann"}, "chat_instance": "1"}
    for number, expected in enumerate((False, False, True), 1000):
        update = {"update_id": number, "callback_query": {**tap, "data": "x"}}
        assert app.drops(Update.model_validate(update)) is expected
    assert not drops(app, telegram)


def test_counting_takes_little_memory_however_many_users_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "KEPT", 100)
    now = 1000.0
    monkeypatch.setattr("toolkit.clock.monotonic", lambda: now)
    floods = Floods(Throttle(1, per=10), counting())

    def come(user: int) -> bool:
        person = {"id": user, "is_bot": False, "first_name": "Ann"}
        query = {"id": "1", "from": person, "chat_instance": "1", "data": "x"}
        return floods.drops(Update.model_validate({"update_id": user, "callback_query": query}))

    for user in range(1, 1000):
        assert not come(user)
        assert len(floods) <= 100
    now += 10
    come(2000)
    assert len(floods) == 1


async def test_updates_that_code_makes_are_not_counted() -> None:
    async with RunningBot(lambda: counting(throttle=Throttle(1, per=10))) as bot:
        for _ in range(3):
            update = Update.model_validate(bot.telegram.send_text(5, "hello"))
            await bot.app.feed_update(bot.app.bot, update, numbered=False)
        assert (await bot.session(bot.telegram.send_text(5, "hello")) or {})["count"] == 3


async def test_what_is_dropped_is_counted_in_the_metrics(polling: Polling) -> None:
    port, app = free_port(), counting(throttle=Throttle(1, per=3600))
    serve_metrics(app, port)
    serving = polling(app)
    await serving.until_polling()
    before = await look(port)
    for _ in range(3):
        serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()
    counted = await look(port, before)
    assert counted("bot_updates_total", kind="message", outcome="throttled") == 2
    assert counted("bot_updates_total", kind="message", outcome="done") == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"limit": 0}, "a whole number from 1; got 0"),
        ({"limit": 2.5}, "a whole number from 1; got 2.5"),
        ({"limit": True}, "a whole number from 1; got True"),
        ({"per": 0}, "seconds, more than 0; got 0"),
        ({"per": float("nan")}, "seconds, more than 0; got nan"),
        ({"per": "10s"}, "seconds, more than 0; got '10s'"),
        ({"tell": " "}, "leave it out to tell them nothing"),
        ({"tell": 5}, "leave it out to tell them nothing"),
    ],
)
def test_what_cannot_work_is_refused_in_words(wrong: dict[str, Any], words: str) -> None:
    options: dict[str, Any] = {"limit": 20, "per": 10.0, **wrong}
    with pytest.raises(ValueError, match=words):
        Throttle(options.pop("limit"), **options)


def test_a_number_alone_is_no_throttle() -> None:
    options: dict[str, Any] = {"throttle": 20}
    with pytest.raises(TypeError, match=r"like Throttle\(20, per=10\); got 20"):
        counting(**options)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("callback_query", {"id": "1", "chat_instance": "1", "data": "x"}),
        ("inline_query", {"id": "1", "query": "x", "offset": ""}),
        ("chosen_inline_result", {"result_id": "1", "query": "x"}),
        (
            "message_reaction",
            {
                **{"message_id": 1, "date": 1, "old_reaction": [], "new_reaction": []},
                **{"chat": MEMBER["chat"]},
            },
        ),
        ("edited_message", {"message_id": 1, "date": 1, "chat": MEMBER["chat"], "text": "x"}),
        ("message", {"message_id": 1, "date": 1, "chat": MEMBER["chat"], "dice": DICE}),
    ],
)
def test_all_that_a_user_can_flood_with_is_counted(kind: str, fields: Any) -> None:
    app = counting(throttle=Throttle(2, per=3600))
    person = {"id": 5, "is_bot": False, "first_name": "Ben"}
    about = {"user" if kind == "message_reaction" else "from": person, **fields}
    updates = [Update.model_validate({"update_id": n, kind: about}) for n in (1, 2, 3)]
    assert [app.drops(update) for update in updates] == [False, False, True]


def test_bots_that_share_a_throttle_count_for_themselves() -> None:
    from toolkit.harness import FakeTelegram

    throttle, telegram = Throttle(1, per=3600), FakeTelegram(token=TOKEN)
    one, other = counting(throttle=throttle), counting(throttle=throttle)
    assert (drops(one, telegram), drops(other, telegram)) == (False, False)
