"""What can be tapped on screen, by label or number: buttons, options of a poll, the keyboard."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.harness.fake_telegram import NoSuchButton
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram

OPENS = {
    "url": "opens {}",
    "login_url": "opens {0[url]}, and logs you in there",
    "web_app": "opens the web app {0[url]}; `/send webAppData DATA` is what it sends",
    "copy_text": "copies “{0[text]}”",
    "switch_inline_query": "lets you choose a chat, and writes @{bot} {} there",
    "switch_inline_query_current_chat": "writes @{bot} {} here; try `/send query {}`",
    "switch_inline_query_chosen_chat": "lets you choose a chat, and writes @{bot} there",
    "callback_game": "opens a game",
}
"""What the buttons do that tell the bot nothing."""


@dataclass(frozen=True)
class Target:
    """Something with a label; `kind` is callback, vote, pay, key or the name of what it opens.

    `key` is a button of the reply keyboard, which is part of no message.
    """

    label: str
    kind: str
    data: Json
    message: Json | None = None
    row: int = 0
    column: int = 0


Rows = list[list[Target]]


def targets_of(message: Json) -> Rows:
    """Return what can be tapped under a message, row by row."""
    rows: Rows = []
    poll = message.get("poll")
    if poll and not poll["is_closed"]:
        rows += [[Target(each["text"], "vote", each, message)] for each in poll["options"]]
    for row, buttons in enumerate(message.get("reply_markup", {}).get("inline_keyboard", ())):
        rows.append(
            [
                Target(each["text"], _kind_of(each), each, message, row, column)
                for column, each in enumerate(buttons)
            ]
        )
    return rows


def _kind_of(button: Json) -> str:
    kinds = [name for name in ("callback_data", "pay", *OPENS) if name in button]
    return {"callback_data": "callback"}.get(kinds[0], kinds[0]) if kinds else "callback"


def keyboard_of(telegram: FakeTelegram, chat_id: int) -> Rows:
    """Return the reply keyboard of a chat, row by row."""
    chat = telegram.chats.get(chat_id)
    rows = (chat.reply_keyboard or {}).get("keyboard", []) if chat else []
    return [[Target(each["text"], "key", each) for each in row] for row in rows]


def numbered(telegram: FakeTelegram, chat_id: int) -> list[Target]:
    """Return what has a number, in the order of the numbers.

    These are the newest message with something to tap, and then the reply keyboard.
    """
    newest = next(filter(None, map(targets_of, reversed(telegram.messages(chat_id)))), [])
    return [*itertools.chain(*newest, *keyboard_of(telegram, chat_id))]


def find(telegram: FakeTelegram, chat_id: int, wanted: str) -> Target:
    """Return the newest that has this label, or this number, or whose label begins like this.

    Raises NoSuchButton with what is there, and where several labels begin like this.
    """
    there, wanted = [*_everything(telegram, chat_id)], plain(wanted)
    for target in there:
        if plain(target.label) == wanted:
            return target
    counted = numbered(telegram, chat_id)
    if wanted.isdecimal() and 0 < int(wanted) <= len(counted):
        return counted[int(wanted) - 1]
    start = wanted.casefold()
    found = {
        each.label: each for each in reversed(there) if each.label.casefold().startswith(start)
    }
    if len(found) == 1:
        return found.popitem()[1]
    labels = [*found] or [*dict.fromkeys(each.label for each in there)]
    if not labels:
        raise NoSuchButton("there is nothing to tap")
    listed = ", ".join(f"“{label}”" for label in labels)
    which = f"several begin with “{wanted}”" if found else f"no button is “{wanted}”; there are"
    raise NoSuchButton(f"{which}: {listed}")


def plain(label: str) -> str:
    """Return a label on one line, with spaces as one types them: it may have been copied."""
    return " ".join(label.split())


def _everything(telegram: FakeTelegram, chat_id: int) -> Iterator[Target]:
    for message in reversed(telegram.messages(chat_id)):
        yield from itertools.chain(*targets_of(message))
    yield from itertools.chain(*keyboard_of(telegram, chat_id))
