"""Who an update is from and where its answer goes: what every feature needs to know."""

from __future__ import annotations

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from toolkit import Origin

Event = Message | CallbackQuery


async def show(event: Event, text: str, keyboard: InlineKeyboardMarkup | None = None) -> int:
    """Answer typed text with a new message, and a tap by changing the message that was tapped.

    `text` is HTML. Returns the id of the message that now holds it. Routers whose handlers call
    this on a tap are filtered with `reachable`.
    """
    message = message_of(event)
    if isinstance(event, Message):
        return (await event.answer(text, reply_markup=keyboard)).message_id
    await event.answer()
    await message.edit_text(text, reply_markup=keyboard)
    return message.message_id


def message_of(event: Event) -> Message:
    """Return the message itself, or the one that was tapped."""
    message = event if isinstance(event, Message) else event.message
    if not isinstance(message, Message):
        raise TypeError("the tapped message is out of reach; filter the router with `reachable`")
    return message


def name_of(event: Event, owner: int) -> str:
    """Return what the owner of bookings is called; anonymous admins are called as their group."""
    message = message_of(event)
    for chat in (message.chat, message.sender_chat):
        if chat is not None and chat.id == owner:
            return chat.full_name
    return event.from_user.full_name if event.from_user else ""


def paragraphs(*texts: str) -> str:
    """Put texts one below another, with a line between them; empty ones are left out."""
    return "\n\n".join(filter(None, texts))


async def reachable(callback: CallbackQuery) -> bool:
    """Tell whether the tapped message can be changed; bots cannot reach old and deleted ones."""
    return isinstance(callback.message, Message)


async def is_answer(message: Message, bot: Bot) -> bool:
    """Tell whether a message is an answer: not a command, and in a group a reply to the bot."""
    if (message.text or "").startswith("/"):
        return False
    if message.chat.type == ChatType.PRIVATE:
        return True
    answered = message.reply_to_message
    return bool(answered and answered.from_user and answered.from_user.id == bot.id)


def owner_of(origin: Origin) -> int:
    """Return the id that bookings belong to. Anonymous admins of a group share the group's id."""
    if origin.user is None:
        raise LookupError("only channel posts have no sender, and this bot does not handle them")
    return origin.user
