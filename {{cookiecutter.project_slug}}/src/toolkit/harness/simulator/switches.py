"""Faults to switch on and off in the middle of a conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from toolkit.harness.storage import PersistentStorage
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram, Fault

RETRY_AFTER = 3
SLOW = 2.0
"""Seconds that every call to a slow store takes."""


class FaultSwitches:
    """What can go wrong: `flood`, `network` and `slow` for all, `blocked` for one person.

    A person blocks the bot by `act`, which delivers the update; `changed` is called afterwards.
    """

    def __init__(
        self,
        telegram: FakeTelegram,
        storage: PersistentStorage,
        act: Callable[[Callable[[FakeTelegram], Json]], object],
        changed: Callable[[], object],
    ) -> None:
        self._telegram = telegram
        self._storage = storage
        self._act = act
        self._changed = changed
        self._rules: dict[str, Fault] = {}

    def set(self, name: str, on: bool, user_id: int | None = None) -> None:
        """Switch a fault. Raises LookupError for an unknown one."""
        faults = self._telegram.faults
        if name == "slow":
            self._storage.slow_down(SLOW if on else 0.0)
        elif name == "blocked" and user_id in self._telegram.users:
            self._act(lambda world: (world.block if on else world.unblock)(user_id))
        elif name not in ("flood", "network"):
            raise LookupError(f"there is no fault {name!r} for {user_id}")
        elif not on:
            faults.remove(self._rules[name])
        elif not self.is_on(name):
            self._rules[name] = (
                faults.too_many_requests(RETRY_AFTER, times=None)
                if name == "flood"
                else faults.network_error(times=None)
            )
        self._changed()

    def is_on(self, name: str) -> bool:
        """Tell whether calls meet the fault `flood` or `network` now."""
        return self._rules.get(name) in self._telegram.faults.rules

    def as_json(self) -> Json:
        """Return the state of every switch; people by id."""
        users = self._telegram.users.values()
        return {
            "blocked": [user.id for user in users if user.blocked],
            "flood": self.is_on("flood"),
            "network": self.is_on("network"),
            "slow": self._storage.delay > 0,
        }
