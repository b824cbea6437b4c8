"""Turns what a spec sends into the update that Telegram would deliver for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .spec import Send

if TYPE_CHECKING:
    from toolkit.fake_telegram import Chat, FakeTelegram

    from .running import RunningBot

Json = dict[str, Any]


def update_of(running: RunningBot, send: Send) -> Json:
    """Let a person of the fake Telegram do it; returns the update.

    Raises `toolkit.fake_telegram.NoSuchButton` when no button has the label of a tap.
    """
    telegram = running.telegram
    chat_id = _open_chat(telegram, send)
    match send.kind:
        case "text":
            return telegram.send_text(send.user_id, send.value, chat_id)
        case "tap":
            return telegram.tap(send.user_id, send.message_id, chat_id=chat_id, label=send.value)
        case "callback":
            message_id = _message_with_button(
                running, telegram.chat_for(send.user_id, chat_id), send
            )
            return telegram.tap(send.user_id, message_id, send.value, chat_id)
        case "update":
            raise NotImplementedError
    raise AssertionError(send.kind)


def _open_chat(telegram: FakeTelegram, send: Send) -> int | None:
    return send.chat_id


def _message_with_button(running: RunningBot, chat: Chat, send: Send) -> int:
    """The message whose button is tapped.

    A button that is not on screen is a stale one. Its message came from the bot before this
    dialogue began, so it is put there first; a deleted message stays deleted.
    """
    telegram = running.telegram
    wanted = send.message_id
    shown = chat.messages.get(wanted) if wanted is not None else None
    if wanted is not None:
        if (chat.id, wanted) in running.deleted or (shown and _is_from(shown, telegram.me)):
            return wanted
        if shown is None:
            _put_button(telegram, chat, wanted, send.value)
            return wanted
    for button in telegram.buttons(chat.id):
        if button.data.get("callback_data") == send.value and button.message_id is not None:
            return button.message_id
    message_id = telegram.next_message_id(chat)
    _put_button(telegram, chat, message_id, send.value)
    return message_id


def _is_from(message: Json, user: Json) -> bool:
    return bool(message.get("from", {}).get("id") == user["id"])


def _put_button(telegram: FakeTelegram, chat: Chat, message_id: int, data: str) -> None:
    keyboard = {"inline_keyboard": [[{"text": data, "callback_data": data}]]}
    telegram.put_message(
        chat,
        {
            "message_id": message_id,
            "from": telegram.me,
            "chat": chat.data,
            "date": telegram.now(),
            "text": "An earlier message",
            "reply_markup": keyboard,
        },
    )
