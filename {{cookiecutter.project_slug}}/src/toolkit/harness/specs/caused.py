"""Updates that the bot's own calls cause: a topic that it opens, a message that it pins, a refund.

Telegram delivers them as any other. They belong to the step or turn whose calls caused them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import Event

MOST = 20
"""How many updates a step may cause. More are no dialogue: a handler answers itself."""


class Caused:
    """The caused updates that have not been delivered yet, in order."""

    def __init__(self) -> None:
        self._waiting: deque[Json] = deque()

    def note(self, event: Event, app: BotApp[Any]) -> None:
        """Keep an update that a call causes now, if it is of a type that the bot asks for."""
        from toolkit.harness.fake_telegram.telegram import calling
        from toolkit.harness.fake_telegram.update_queue import ON_REQUEST

        if event.kind != "update" or not calling.get():
            return
        kind, wanted = kind_of(event.data), app.wanted_updates()
        # Telegram takes an empty list for all types but those.
        if kind in wanted if wanted else kind not in ON_REQUEST:
            self._waiting.append(event.data)

    def take(self) -> Iterator[Json]:
        """Yield them, and those that come while they are handled.

        Raise RuntimeError where there is no end of them.
        """
        for taken in count():
            if not self._waiting:
                return
            update = self._waiting.popleft()
            if taken == MOST:
                self._waiting.clear()
                content = update[kind_of(update)]
                what = list(content)[-1] if "message_id" in content else kind_of(update)
                raise RuntimeError(
                    f"the bot's own calls caused more than {MOST} updates in one step, now {what}: "
                    "a handler does again and again what it is called for"
                )
            yield update


def kind_of(update: Json) -> str:
    """Return the type of an update, such as `message`."""
    return next(name for name in update if name != "update_id")
