"""Keyboards in the shapes that dialogues need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

CALLBACK_BYTES = 64
"""Longest `callback_data`, in bytes (Bot API, "InlineKeyboardButton")."""


def button(
    label: str, data: str | CallbackData | None = None, *, url: str | None = None
) -> InlineKeyboardButton:
    """Make a button under a message, which sends `data` back or opens `url`.

    `data` has at most 64 bytes: a text, or aiogram's `CallbackData`. Raises `ValueError` for what
    Telegram would refuse with `BUTTON_DATA_INVALID`.
    """
    if not label.strip():
        raise ValueError("a button needs a label")
    if (data is None) == (url is None):
        raise ValueError(f"the button {label!r} needs either data or a url")
    if data is None:
        return InlineKeyboardButton(text=label, url=url)
    packed = data.pack() if isinstance(data, CallbackData) else data
    size = len(packed.encode())
    if not 1 <= size <= CALLBACK_BYTES:
        raise ValueError(
            f"the button {label!r} carries {size} bytes of callback data; 1 to {CALLBACK_BYTES} "
            "are allowed. Send an id and look the rest up"
        )
    return InlineKeyboardButton(text=label, callback_data=packed)


def menu(buttons: Sequence[InlineKeyboardButton], *, columns: int = 1) -> InlineKeyboardMarkup:
    """Put the buttons into rows of `columns`."""
    if columns < 1:
        raise ValueError(f"a keyboard has at least one column, not {columns}")
    rows = [list(buttons[start : start + columns]) for start in range(0, len(buttons), columns)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def confirm(yes: InlineKeyboardButton, no: InlineKeyboardButton) -> InlineKeyboardMarkup:
    """Offer two answers, side by side."""
    return menu([yes, no], columns=2)


def paginate(
    buttons: Sequence[InlineKeyboardButton],
    page: int,
    *,
    turn: Callable[[int], str | CallbackData],
    size: int = 8,
    columns: int = 1,
    extra: Sequence[InlineKeyboardButton] = (),
    previous: str = "‹ Back",
    more: str = "More ›",
) -> InlineKeyboardMarkup:
    """Show one page of `buttons`, and a row to turn it; pages count from 0.

    `turn(n)` is the callback data that asks for page `n`, on the buttons `previous` and `more`;
    `extra` stands in a row of its own below. A page that does not exist any more shows the nearest.
    """
    last = max(0, (len(buttons) - 1) // size)
    page = min(max(page, 0), last)
    rows = menu(buttons[page * size : (page + 1) * size], columns=columns).inline_keyboard
    turns = []
    if page > 0:
        turns.append(button(previous, turn(page - 1)))
    if page < last:
        turns.append(button(more, turn(page + 1)))
    return InlineKeyboardMarkup(
        inline_keyboard=[row for row in (*rows, turns, list(extra)) if row],
    )


def reply_menu(
    answers: Sequence[str | KeyboardButton], *, columns: int = 1, once: bool = True
) -> ReplyKeyboardMarkup:
    """Offer answers instead of the keyboard of letters: a tap sends the label as a message.

    `once` takes the keyboard away after the first tap. A button that asks for more is a
    `KeyboardButton(text="Send my number", request_contact=True)`.
    """
    buttons = [
        KeyboardButton(text=answer) if isinstance(answer, str) else answer for answer in answers
    ]
    if columns < 1 or not buttons or not all(button.text.strip() for button in buttons):
        raise ValueError("a reply keyboard has at least one column and one button, with labels")
    rows = [buttons[start : start + columns] for start in range(0, len(buttons), columns)]
    return ReplyKeyboardMarkup(keyboard=rows, resize_keyboard=True, one_time_keyboard=once)
