"""Faults to switch on and off while somebody talks to the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Fault
    from toolkit.harness.simulator.simulation import Simulation

RETRY_AFTER = 3
SLOW = 2.0
"""Seconds that every call to a slow store takes."""


class Switches:
    """What can go wrong: ``flood``, ``network`` and ``slow`` for all, ``blocked`` for a person."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._rules: dict[str, Fault] = {}

    def set(self, name: str, on: bool, user_id: int | None = None) -> None:
        """Switch a fault. Raises LookupError for one that there is not."""
        telegram = self._simulation.telegram
        if name == "slow":
            self._simulation.storage.delay = SLOW if on else 0.0
        elif name == "blocked" and user_id in telegram.users:
            act = telegram.block if on else telegram.unblock
            self._simulation.act(lambda _: (act(user_id), None))
        elif name not in ("flood", "network"):
            raise LookupError(f"there is no fault {name!r} for {user_id}")
        elif not on:
            telegram.faults.remove(self._rules[name])
        elif not self.is_on(name):
            faults = telegram.faults
            self._rules[name] = (
                faults.too_many_requests(RETRY_AFTER, times=None)
                if name == "flood"
                else faults.network_error(times=None)
            )
        self._simulation.announce("people")

    def is_on(self, name: str) -> bool:
        """Whether calls meet the fault ``flood`` or ``network`` now."""
        return self._rules.get(name) in self._simulation.telegram.faults.rules

    def as_json(self) -> Json:
        """The state of every switch; people by id."""
        users = self._simulation.telegram.users
        return {
            "blocked": [user.id for user in users.values() if user.blocked],
            "flood": self.is_on("flood"),
            "network": self.is_on("network"),
            "slow": self._simulation.storage.delay > 0,
        }
