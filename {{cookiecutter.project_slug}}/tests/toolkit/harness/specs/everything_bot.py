"""A bot that says what it is sent, of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import (
    CallbackQuery,
    ChatMemberUpdated,
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    KeyboardButton,
    LabeledPrice,
    Message,
    MessageReactionUpdated,
    PollAnswer,
    PreCheckoutQuery,
    ReplyKeyboardMarkup,
    WebAppInfo,
)

from toolkit import SessionStorage, button, create_bot, menu

router = Router()


@dataclass
class Session:
    """What this bot remembers."""

    count: int = 0
    name: str | None = None


@router.message(Command("poll"))
async def ask(message: Message) -> None:
    await message.answer_poll("What?", ["Tea", "Coffee"], is_anonymous=False)


@router.message(Command("quiz"))
async def quiz(message: Message) -> None:
    await message.answer_poll(
        "What?", ["Tea", "Coffee"], is_anonymous=False, type="quiz", correct_option_id=0
    )


@router.message(Command("sell"))
async def sell(message: Message) -> None:
    prices = [LabeledPrice(label="Tea", amount=5)]
    for title in ("Green tea", "Nothing", "Sold out", "Broken"):
        await message.answer_invoice(title, "Hot", title, "XTR", prices)


@router.message(Command("form"))
async def offer_form(message: Message) -> None:
    opens = KeyboardButton(text="Open", web_app=WebAppInfo(url="https://example.com"))
    await message.answer("Here", reply_markup=ReplyKeyboardMarkup(keyboard=[[opens]]))


@router.message(Command("break"))
async def fail(message: Message) -> None:
    raise ValueError("the kettle is broken")


@router.message(Command("take"))
async def take(message: Message, storage: SessionStorage, session: Session) -> None:
    free = not await storage.has("slot")
    await asyncio.sleep(0)
    if free:
        await storage.write("slot", {"by": message.chat.id})
        session.count += 1
    await message.answer("Yours" if free else "Taken")


@router.message(Command("claim"))
async def claim(message: Message, storage: SessionStorage) -> None:
    await asyncio.sleep(0)
    await message.answer("Yours" if await storage.add("slot", {}) else "Taken")


@router.message(Command("who"))
async def tell_who(message: Message, session: Session, bot: Bot) -> None:
    user = message.from_user
    member = await bot.get_chat_member(message.chat.id, bot.id)
    named = f"{user.full_name} {user.language_code} {user.is_premium}" if user else "nobody"
    await message.answer(f"{named}, {session.name}, {message.chat.type}, {member.status}")


@router.message(Command("delete"))
async def delete(message: Message) -> None:
    await message.delete()


@router.message(F.successful_payment)
async def thank(message: Message) -> None:
    await message.answer("Paid")


@router.pre_checkout_query()
async def check_out(query: PreCheckoutQuery) -> None:
    if query.invoice_payload == "Sold out":
        await query.answer(ok=False, error_message="Sold out")
    elif query.invoice_payload == "Broken":
        raise ValueError("the till is broken")
    elif query.invoice_payload != "Nothing":
        await query.answer(ok=True)


@router.message()
async def mirror(message: Message, session: Session) -> None:
    session.count += 1
    await message.answer(" ".join(_seen(message)))


def _seen(message: Message) -> Any:
    yield message.content_type
    for name in ("text", "caption", "media_group_id", "new_chat_members"):
        if value := getattr(message, name):
            yield str(len(value) if isinstance(value, list) else value)
    if message.document:
        yield f"{message.document.file_name} {message.document.mime_type}"
        yield str(message.document.file_size)
    if message.voice:
        yield f"{message.voice.duration}s"
    if message.contact:
        own = message.from_user and message.contact.user_id == message.from_user.id
        yield f"{message.contact.phone_number} {message.contact.first_name} {own}"
    if message.location:
        yield f"{message.location.latitude} {message.location.longitude}"
    if message.web_app_data:
        yield f"{message.web_app_data.button_text} {message.web_app_data.data}"
    if message.forward_origin:
        yield f"from {message.forward_origin.type}"
    if message.reply_to_message:
        yield f"to {message.reply_to_message.text}"
    if message.is_topic_message:
        yield f"in {message.message_thread_id}"


@router.edited_message()
async def note_edit(message: Message) -> None:
    await message.answer(f"edited: {message.text or message.caption}")


@router.message_reaction()
async def note_reaction(change: MessageReactionUpdated, bot: Bot) -> None:
    emoji = [getattr(each, "emoji", "") for each in change.new_reaction]
    await bot.send_message(change.chat.id, f"{change.message_id}: {' '.join(emoji) or 'none'}")


@router.poll_answer()
async def note_vote(answer: PollAnswer, bot: Bot) -> None:
    assert answer.user is not None
    await bot.send_message(answer.user.id, f"voted {answer.option_ids}")


@router.inline_query()
async def search(query: InlineQuery) -> None:
    found = [
        InlineQueryResultArticle(
            id=str(number),
            title=f"{name} {query.query}{query.offset}",
            input_message_content=InputTextMessageContent(message_text=name),
            reply_markup=menu([button("More", "more")]),
        )
        for number, name in enumerate(("Green", "Black"))
    ]
    await query.answer([*found])


@router.chosen_inline_result()
async def note_choice(chosen: ChosenInlineResult, bot: Bot) -> None:
    await bot.send_message(chosen.from_user.id, f"chose {chosen.result_id}")


@router.callback_query()
async def more(query: CallbackQuery, bot: Bot) -> None:
    await query.answer("More")
    await bot.edit_message_text("More of it", inline_message_id=query.inline_message_id)


@router.channel_post()
async def note_post(message: Message) -> None:
    await message.answer(f"posted: {message.text}")


@router.chat_member()
async def note_member(change: ChatMemberUpdated, bot: Bot) -> None:
    await bot.send_message(change.chat.id, f"is {change.new_chat_member.status} now")


def make_bot(
    storage: SessionStorage | None = None, settings: Mapping[str, Any] | None = None
) -> Any:
    return create_bot("42:offline", initial=Session, storage=storage, routers=[router])
