"""Which updates ``getUpdates`` may confirm."""

from __future__ import annotations

from aiogram.types import Update


class Window:
    """The updates between the oldest one in work and the newest one seen.

    ``getUpdates(offset=n)`` confirms everything below ``n`` and answers with up to 100 updates from
    there (Bot API, "getUpdates"). So the offset follows the oldest update that is not settled yet,
    and what is fetched again because of that is recognised here.
    """

    def __init__(self) -> None:
        self.working: dict[int, tuple[Update, float]] = {}
        """Updates in work, each with the time it was begun."""
        self._settled: set[int] = set()
        self._next: int | None = None

    @property
    def offset(self) -> int | None:
        """What to ask ``getUpdates`` for; ``None`` before anything was seen."""
        return min(self.working, default=self._next)

    def knows(self, update_id: int) -> bool:
        """Whether the update was fetched before."""
        return update_id in self.working or update_id in self._settled

    def saw(self, last_id: int) -> None:
        """Begin after ``last_id``, the last update of an answer, once everything is settled."""
        self._next = last_id + 1

    def begin(self, update: Update, now: float) -> None:
        """Hold the offset at ``update``."""
        self.working[update.update_id] = (update, now)

    def settle(self, update_id: int) -> None:
        """Let the offset pass this update."""
        self.working.pop(update_id, None)
        self._settled.add(update_id)

    def confirmed(self, offset: int) -> None:
        """Forget what Telegram will not send again."""
        self._settled = {known for known in self._settled if known >= offset}
