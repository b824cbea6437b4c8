"""Points in time to go back to: the state of a fake server, cheaply kept.

Messages and taps are never changed in place, so a snapshot shares them with the present. Faults,
observers and recorded calls are not part of it. Update ids go on: a bot has seen the old ones.
"""

from __future__ import annotations

import copy
from typing import Any

from toolkit.harness.fake_telegram.telegram import FakeTelegram

OUTSIDE = frozenset(
    ("token", "clock", "calls", "call_count", "faults", "updates", "_observers", "_keep_calls")
)

Snapshot = dict[str, Any]


def take(telegram: FakeTelegram) -> Snapshot:
    """Return the state as it is now, to be given to `restore` any number of times."""
    return _copy({name: value for name, value in vars(telegram).items() if name not in OUTSIDE})


def restore(telegram: FakeTelegram, snapshot: Snapshot) -> None:
    """Make the state of `telegram` what it was; observers are not called."""
    vars(telegram).update(_copy(snapshot))


def _copy(state: Snapshot) -> Snapshot:
    shared = [m for chat in state["chats"].values() for m in chat.messages.values()]
    shared += [query.content for query in state["callbacks"].values()]
    return copy.deepcopy(state, {id(each): each for each in shared})
