"""The circumstances under which a spec is played again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.harness.types import Json

LOST: Json = {"error": "network"}


@dataclass(frozen=True)
class Relation:
    """A circumstance that may not matter."""

    code: str
    when: str
    fix: str
    restart: bool = False
    twice: bool = False
    others: bool = False
    elsewhere: bool = False
    of_any_bot: bool = False
    fault: Json | None = None
    group: int = 0
    """Those of a group are tried together first; no member hides what another one shows."""


RELATIONS = (
    Relation(
        "CHANGED_BY_RESTART",
        "the bot is restarted before each step",
        "keep it in the session, or in a record of the store, instead of in the process",
        restart=True,
    ),
    Relation(
        "CHANGED_BY_REDELIVERY",
        "Telegram delivers each update twice",
        "let the handler change the session, which makes the second one known",
        twice=True,
    ),
    Relation(
        "CHANGED_BY_OTHERS",
        "two other users talk to it: one does the same a step later, one says something else",
        "keep what belongs to one user in the session, not in a module or a router",
        others=True,
        of_any_bot=True,
        group=1,
    ),
    Relation(
        "CHANGED_BY_TIMEZONE",
        "the machine is in another time zone",
        "take the time with datetime.now(UTC), and show it in the ZoneInfo of those who read it",
        elsewhere=True,
        of_any_bot=True,
    ),
    Relation(
        "CHANGED_BY_429",
        "Telegram answers the first call of each step with 429",
        "let the call be repeated: do not catch TelegramRetryAfter in the handler",
        fault={"error": 429, "retry_after": 1},
    ),
    Relation(
        "CHANGED_BY_NETWORK",
        "the first call of each step does not reach Telegram",
        "do nothing that cannot be repeated before the first call",
        fault=LOST,
        group=1,
    ),
)


REPLAY = Relation(
    "CANNOT_RUN",
    "it is played once more",
    "let the factory make independent bots, each on the store that it is given",
)


STORE = Relation(
    "CHANGED_BY_STORE",
    "the bot runs on its own store instead of memory",
    "keep JSON-serialisable values only, and change what users share in one record",
)


LEFT_OUT = (
    "This bot was not made by create_bot: it is not played with restarts, second deliveries, calls "
    "that are put off or lost, nor on another store, against which a dispatcher does nothing."
)


def all_of(relations: Sequence[Relation]) -> Relation:
    """Return one circumstance that is all of these."""
    fault = next((each.fault for each in relations if each.fault), None)
    names = ("restart", "twice", "others", "elsewhere")
    flags = {name: any(getattr(each, name) for each in relations) for name in names}
    return Relation("", "", "", fault=fault, **flags)
