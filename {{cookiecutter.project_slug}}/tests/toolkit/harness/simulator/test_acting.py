"""What people do besides writing and tapping: it reaches the bot, and a spec can be made of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import (
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    KeyboardButton,
    KeyboardButtonRequestChat,
    KeyboardButtonRequestUsers,
    LabeledPrice,
    Message,
    PollAnswer,
    PreCheckoutQuery,
    ReplyKeyboardMarkup,
    ShippingOption,
    ShippingQuery,
)

from toolkit import BotApp, SessionStorage, create_bot
from toolkit.harness.simulator.saving import draft
from toolkit.harness.simulator.sharing import Sent

from .tea_house import Desk

router = Router()


@router.message(Command("poll"))
async def ask(message: Message) -> None:
    await message.answer_poll("Tea?", ["Green", "Black"], is_anonymous=False)


@router.poll_answer()
async def count(answer: PollAnswer) -> None:
    assert answer.bot
    assert answer.user
    await answer.bot.send_message(answer.user.id, f"Voted {answer.option_ids}")


@router.message(Command("sell"))
async def sell(message: Message) -> None:
    price = [LabeledPrice(label="Tea", amount=5)]
    for title in ("Tea", "Cake", "Silence"):
        await message.answer_invoice(title, "Hot", title, "XTR", price)


@router.message(Command("send"))
async def sell_delivered(message: Message) -> None:
    price = [LabeledPrice(label="Tea", amount=500)]
    options: dict[str, Any] = {"is_flexible": True, "provider_token": "1:TEST"}
    for title in ("Tea", "Cake"):
        await message.answer_invoice(title, "Hot", title, "EUR", price, **options)


@router.shipping_query()
async def deliver(query: ShippingQuery) -> None:
    cake = query.invoice_payload == "Cake"
    options = [ShippingOption(id="post", title="Post", prices=[LabeledPrice(label="P", amount=1)])]
    reason = f"no cake to {query.shipping_address.city}"
    await query.answer(ok=not cake, shipping_options=options, error_message=reason)


@router.pre_checkout_query()
async def check(query: PreCheckoutQuery) -> None:
    if query.invoice_payload != "Silence":
        await query.answer(ok=query.invoice_payload == "Tea", error_message="No cake left")


@router.message(F.successful_payment)
async def thank(message: Message) -> None:
    await message.answer("Thank you")


@router.inline_query()
async def search(query: InlineQuery) -> None:
    if query.query == "silence":
        return
    articles: list[Any] = [
        InlineQueryResultArticle(
            id=number,
            title=title,
            input_message_content=InputTextMessageContent(message_text=f"{title} {number}"),
        )
        for number, title in (("1", "Tea"), ("2", "Tea"), ("3", "Cake"))
    ]
    await query.answer(articles, next_offset="3")


@router.chosen_inline_result()
async def note(chosen: ChosenInlineResult) -> None:
    assert chosen.bot
    await chosen.bot.send_message(chosen.from_user.id, f"Chose {chosen.result_id}")


@router.message(Command("ask"))
async def ask_for(message: Message) -> None:
    users = KeyboardButtonRequestUsers(request_id=1, max_quantity=2, request_name=True)
    chat = KeyboardButtonRequestChat(request_id=2, chat_is_channel=False, request_title=True)
    keys = [
        KeyboardButton(text="Friends", request_users=users),
        KeyboardButton(text="Group", request_chat=chat),
        KeyboardButton(text="Nothing"),
    ]
    markup = ReplyKeyboardMarkup(keyboard=[keys], one_time_keyboard=True)
    await message.answer("Who?", reply_markup=markup)


@router.message()
async def tell(message: Message) -> None:
    shared = message.users_shared or message.chat_shared or message.poll or message.dice
    origin = message.forward_origin
    await message.answer(f"{shared or message.text} {origin.type if origin else ''}".strip())


def make_bot(storage: SessionStorage | None = None) -> BotApp[dict[str, str]]:
    return create_bot("42:offline", initial=dict, storage=storage, routers=(router,))


@pytest.fixture
async def stall(tmp_path: Path) -> AsyncIterator[Desk]:
    """A running simulation of the bot above."""
    desk = Desk(tmp_path / "specs", make_bot)
    assert await desk.simulation.start(), desk.simulation.broken
    yield desk
    await desk.simulation.close()


async def sends(desk: Desk) -> list[Any]:
    """What the spec of all that was done sends; it passes."""
    found = draft(desk.simulation, "acts")
    assert await found.verify(desk.simulation.make_bot) is None
    return [step["send"] for step in found.spec["steps"]]


def kinds(send: Any) -> str:
    return str(next(iter(send.get("update", send))))


async def act(desk: Desk, kind: str, value: Any, **more: Any) -> None:
    await desk.ask("act", user=1, chat=1, kind=kind, value=value, **more)


async def test_votes_and_their_retraction_are_steps_on_the_newest_poll(stall: Desk) -> None:
    await stall.say("/poll")
    await act(stall, "vote", ["Black"], message=2)
    assert stall.answers()[-1] == "Voted [1]"
    await act(stall, "vote", [], message=2)
    await stall.say("/poll")
    await act(stall, "vote", ["Green"], message=2)
    steps = await sends(stall)
    assert steps[1:3] == [{"vote": ["Black"]}, {"vote": []}]
    assert [kinds(step) for step in steps[4:]] == ["poll", "poll_answer"]
    assert "there is no option 'White'" in await stall.refusal(
        "act", user=1, chat=1, kind="vote", value=["White"], message=2
    )


async def test_payments_succeed_are_refused_and_fail(stall: Desk) -> None:
    await stall.say("/sell")
    pay = {"user": 1, "chat": 1}
    assert await stall.ask("pay", **pay, message=2) == ""
    assert stall.answers()[-1] == "Thank you"
    refused = "The bot refused the payment: No cake left"
    assert await stall.ask("pay", **pay, message=3) == refused
    failed = "The payment failed: the card was declined."
    assert await stall.ask("pay", **pay, message=2, fails=True) == failed
    assert "did not answer the pre-checkout query" in await stall.refusal(
        "pay", **pay, message=4, fails=True
    )
    assert "not on screen any more" in await stall.refusal("pay", **pay, message=99)
    steps = await sends(stall)
    assert steps[1:3] == [{"pay": "Tea"}, {"pay": "Cake"}]
    assert [kinds(step) for step in steps[3:]] == ["pre_checkout_query"] * 2


async def test_an_address_is_entered_where_the_price_depends_on_it(stall: Desk) -> None:
    await stall.say("/send")
    assert await stall.ask("pay", user=1, chat=1, message=2) == ""
    assert stall.answers()[-1] == "Thank you"
    refused = "The bot does not deliver to Berlin: no cake to Berlin"
    assert await stall.ask("pay", user=1, chat=1, message=3) == refused
    assert [kinds(step) for step in await sends(stall)] == [
        "text",
        "shipping_query",
        "pay",
        "shipping_query",
    ]


async def test_inline_results_are_asked_for_and_chosen(stall: Desk) -> None:
    found = await stall.ask("ask_inline", user=1, text="te")
    assert [result["id"] for result in found["results"]] == ["1", "2", "3"]
    assert found["next_offset"] == "3"
    for result in ("3", "2"):
        choice = {"user": 1, "chat": 1, "query": found["query"], "result": result}
        await stall.ask("choose", **choice)
        assert stall.answers()[-1] == f"Chose {result}"
    query, cake, second_tea = await sends(stall)
    assert (query, cake) == ({"query": "te"}, {"choose": "Cake"})
    assert kinds(second_tea) == "chosen_inline_result"
    silent = await stall.refusal("ask_inline", user=1, text="silence")
    assert silent == "the bot did not answer the inline query"


async def test_a_request_that_waits_for_a_bot_that_is_restarted_ends(stall: Desk) -> None:
    stall.simulation.recorder._connected.clear()
    waiting = asyncio.ensure_future(stall.refusal("ask_inline", user=1, text="te"))
    await stall.until(lambda: stall.last.update is not None)
    await stall.simulation.start()
    assert await waiting == "the bot was restarted meanwhile"


async def test_the_reply_keyboard_asks_for_users_and_chats_once(stall: Desk) -> None:
    press = {"user": 1, "chat": 1}
    await stall.say("/ask")
    assert "choose 1 to 2 users" in await stall.refusal(
        "answer_button", **press, label="Friends", chosen=[1, 2, 3]
    )
    assert "asks for nothing" in await stall.refusal(
        "answer_button", **press, label="Nothing", chosen=[]
    )
    await stall.ask("answer_button", **press, label="Friends", chosen=[2, 3])
    shared = (stall.last.update or {})["message"]["users_shared"]
    assert shared == {
        "request_id": 1,
        "users": [{"user_id": 2, "first_name": "Ben"}, {"user_id": 3, "first_name": "Cleo"}],
    }
    assert "not on screen" in await stall.refusal(
        "answer_button", **press, label="Group", chosen=[-1]
    )
    await stall.say("/ask")
    group = min(stall.simulation.telegram.chats)
    await stall.ask("answer_button", **press, label="Group", chosen=[group])
    shared = (stall.last.update or {})["message"]["chat_shared"]
    assert shared == {"request_id": 2, "chat_id": group, "title": "Friends"}
    await sends(stall)


async def test_a_poll_a_dice_and_media_are_sent(stall: Desk) -> None:
    place = {"user": 1, "chat": 1}
    await stall.ask("send_poll", **place, question="When?", options=["Now", " ", "Never"])
    await act(stall, "vote", ["Never"], message=1)
    await stall.ask("throw_dice", **place, emoji="🎯")
    about = {"kind": "audio", "title": "Song", "performer": "Ann", "duration": 5}
    await stall.attach(1, Sent("song.mp3", b"ID3", about))
    message = (stall.last.update or {})["message"]
    sent = {name: message["audio"][name] for name in about if name != "kind"}
    assert sent == {"title": "Song", "performer": "Ann", "duration": 5}
    await stall.attach(1, Sent("not a picture", b"?", {"kind": "photo"}))
    assert "document" in (stall.last.update or {})["message"]
    steps = [kinds(step) for step in await sends(stall)]
    assert steps == ["message", "vote", "message", "message", "document"]
    for wrong in ({"question": " ", "options": ["a"]}, {"question": "a", "options": [" "]}):
        assert "needs a question" in await stall.refusal("send_poll", **place, **wrong)
    assert "no dice" in await stall.refusal("throw_dice", **place, emoji="x")


async def test_messages_are_forwarded_reacted_to_and_deleted(stall: Desk) -> None:
    group = min(stall.simulation.telegram.chats)
    await stall.say("hello")
    await stall.ask("forward", user=1, chat=1, message=1, to=group)
    assert stall.answers(group)[-1] == "hello user"
    await act(stall, "reaction", "👍", message=2)
    await stall.ask("delete", user=1, chat=1, message=1)
    assert stall.texts() == ["hello"]
    assert "not on screen" in await stall.refusal("delete", user=1, chat=1, message=1)
    assert (await sends(stall))[1:] == [
        {"forward": "hello", "chatId": group, "fromUserId": 1},
        {"reaction": "👍"},
    ]
    await stall.say("bye")
    warned = draft(stall.simulation, "acts").warnings
    assert "comes after “Ann deleted a message”" in warned[0]
    await stall.ask("go_back", turn=stall.last.number - 1)
    assert stall.texts() == ["hello", "hello"]
