"""What the bot's own calls cause reaches it in process, as it does over HTTP."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from aiogram import Bot, F, Router
from aiogram.types import ChatMemberUpdated, Message

from toolkit import create_bot
from toolkit.harness import FakeTelegram, RunningBot
from toolkit.harness.simulator.simulation import Simulation

GROUP = -(10**12) - 5


def bot_of(router: Router) -> Any:
    return lambda **given: create_bot("42:offline", initial=dict, routers=[router], **given)


def texts(calls: Any) -> list[str]:
    return [call.payload["text"] for call in calls if "text" in call.payload]


def pinning() -> Router:
    router = Router()

    @router.message(F.text)
    async def pin(message: Message) -> None:
        await message.pin()
        await message.answer("Pinning.")

    @router.message(F.pinned_message)
    async def pinned(message: Message) -> None:
        assert message.pinned_message is not None
        assert isinstance(message.pinned_message, Message)
        await message.answer(f"Pinned: {message.pinned_message.text}")

    return router


async def test_a_pinned_message_reaches_the_bot_within_the_step() -> None:
    async with RunningBot(bot_of(pinning())) as running:
        running.telegram.group(GROUP, members=[1], bot="administrator")
        calls = await running.deliver(running.telegram.send_text(1, "Rules", GROUP))
        assert texts(calls) == ["Pinning.", "Pinned: Rules"]
        assert await running.deliver(running.telegram.send_photo(1, b"")) == []


async def test_a_topic_and_a_refund_reach_the_bot() -> None:
    router = Router()

    @router.message(F.forum_topic_created | F.refunded_payment)
    async def note(message: Message) -> None:
        await message.answer(message.content_type)

    @router.message(F.successful_payment)
    async def refund(message: Message, bot: Bot) -> None:
        assert message.successful_payment is not None
        charge = message.successful_payment.telegram_payment_charge_id
        await bot.refund_star_payment(message.chat.id, charge)

    @router.message(F.text)
    async def open_topic(message: Message, bot: Bot) -> None:
        await bot.create_forum_topic(message.chat.id, "News")

    async with RunningBot(bot_of(router)) as running:
        telegram = running.telegram
        telegram.group(GROUP, members=[1], forum=True, bot="administrator")
        opened = await running.deliver(telegram.send_text(1, "open", GROUP))
        assert texts(opened) == ["forum_topic_created"]
        tea = {"title": "Tea", "description": "Hot", "payload": "tea", "currency": "XTR"}
        price = {"prices": [{"label": "Tea", "amount": 5}]}
        link = await telegram.call("createInvoiceLink", {**tea, **price})
        query = telegram.pre_checkout(1, link=link)["pre_checkout_query"]["id"]
        await telegram.call("answerPreCheckoutQuery", {"pre_checkout_query_id": query, "ok": True})
        assert texts(await running.deliver(telegram.pay(1, query))) == ["refunded_payment"]


async def test_only_types_that_have_a_handler_are_delivered() -> None:
    taken = []
    router = Router()

    @router.message(F.text)
    async def ban(message: Message, bot: Bot) -> None:
        await bot.ban_chat_member(message.chat.id, 2)

    watching = Router()

    @watching.chat_member()
    async def left(change: ChatMemberUpdated) -> None:
        taken.append(change.new_chat_member.status)

    for routers, expected in (([router], []), ([router, watching], ["kicked"])):
        make: Any = partial(create_bot, "42:a", initial=dict, routers=routers)
        async with RunningBot(make) as running:
            running.telegram.group(GROUP, members=[1, 2], bot="administrator")
            await running.deliver(running.telegram.send_text(1, "ban", GROUP))
        assert taken == expected


async def test_a_bot_that_answers_itself_without_end_is_told_so() -> None:
    router = Router()

    @router.message()
    async def pin(message: Message) -> None:
        await (await message.answer("Again.")).pin()

    async with RunningBot(bot_of(router)) as running:
        running.telegram.group(GROUP, members=[1], bot="administrator")
        with pytest.raises(RuntimeError, match="more than 20 updates in one step, now pinned_mess"):
            await running.deliver(running.telegram.send_text(1, "go", GROUP))
        assert len(running.telegram.calls) == 2 * 21


async def test_what_is_caused_at_the_start_is_not_of_the_first_step() -> None:
    router = pinning()

    @router.startup()
    async def begin(bot: Bot) -> None:
        await (await bot.send_message(GROUP, "Rules")).pin()

    telegram = FakeTelegram(token="42:offline")
    telegram.group(GROUP, members=[1], bot="administrator")
    async with RunningBot(bot_of(router), telegram=telegram) as running:
        assert texts(telegram.calls) == ["Rules", "Pinned: Rules"]
        assert await running.deliver(telegram.send_photo(1, b"")) == []


async def test_in_the_simulator_it_belongs_to_the_same_turn() -> None:
    simulation = Simulation(lambda: bot_of(pinning()))
    assert await simulation.start()
    simulation.telegram.group(GROUP, members=[1], bot="administrator")
    turn = simulation.say(1, GROUP, "Rules")
    await simulation.recorder.settle(turn)
    assert texts(turn.calls) == ["Pinning.", "Pinned: Rules"]
    assert turn.handler is not None
    assert turn.handler.endswith("pin")
    assert simulation.recorder.turns[-1] is turn
    await simulation.close()
