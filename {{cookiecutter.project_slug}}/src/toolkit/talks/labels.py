"""What a talk says by itself, and the buttons it adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from toolkit.keyboards import button, menu, paginate
from toolkit.talks.answers import Option

PREFIX = "talk"
"""Of the callback data of its buttons, and of its timers."""

BACK, CANCEL, PAGE, CHOICE = "<", "x", "p", "="
"""What a button does; behind a page is its number, behind a choice the mark of its value."""


@dataclass(frozen=True)
class Labels:
    """Buttons and sentences of a talk; `None` takes a button away."""

    back: str | None = "Back"
    cancel: str | None = "Cancel"
    previous: str = "‹"
    more: str = "More ›"
    pick: str = "Please tap one of the buttons."
    unreadable: str = "I cannot read that."
    not_offered: str = "That is not on offer any more."
    cancelled: str = "Cancelled."
    timed_out: str = "You were away for too long."
    busy: str = "Something else is open here. Please answer that first."
    over: str = "That is over."


@dataclass(frozen=True)
class Tap:
    """What a button of a talk carries: which talk and which question it is of, and what it does."""

    talk: str
    number: str
    question: str
    does: str

    @classmethod
    def of(cls, data: str | None) -> Tap | None:
        """Read callback data; return None for other buttons."""
        prefix, *parts = (data or "").split(":")
        return cls(*parts) if prefix == PREFIX and len(parts) == 4 else None

    def packed(self, does: str) -> str:
        """Return the callback data of another button of the same question."""
        return ":".join((PREFIX, self.talk, self.number, self.question, does))


def keyboard(
    tap: Tap,
    options: Sequence[Option],
    page: int,
    columns: int,
    rows: int,
    last: Sequence[tuple[str, str]],
    labels: Labels,
) -> InlineKeyboardMarkup | None:
    """Return the buttons of a question; `last` are labels and data of those below."""
    below = [button(label, tap.packed(does)) for label, does in last]
    if not options:
        return menu(below, columns=2) if below else None
    buttons: list[InlineKeyboardButton] = [
        button(option.label, tap.packed(CHOICE + option.mark)) for option in options
    ]
    return paginate(
        buttons,
        page,
        turn=lambda number: tap.packed(f"{PAGE}{number}"),
        size=columns * rows,
        columns=columns,
        extra=below,
        previous=labels.previous,
        more=labels.more,
    )
