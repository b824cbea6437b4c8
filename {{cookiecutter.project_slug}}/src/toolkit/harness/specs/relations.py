"""Play a spec again under other circumstances that may not matter: its outcome is the plain one.

Metamorphic testing (Chen, Cheung, Yiu 1998): the plain run is the oracle of the others. What is
compared is what people see and what the session holds after each step. The plain run is made
twice: what differs between the two, such as a time of day, says nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.report import describe_error, show
from toolkit.harness.specs.runner import FIRST_UPDATE_ID, find_texts
from toolkit.harness.specs.running_bot import MakeBot, RunningBot
from toolkit.harness.specs.spec import BotSpec, SpecError, Step, read_fault
from toolkit.harness.specs.taking import disturb, take
from toolkit.harness.storage import PersistentStorage
from toolkit.harness.types import Json
from toolkit.redaction import redact
from toolkit.storage import open_storage
from toolkit.storage.base import OWNER, SharedSessionStorage
from toolkit.storage.memory import MemorySessionStorage

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram

STRANGER = 2_000


@dataclass(frozen=True)
class Relation:
    """A circumstance that may not matter."""

    code: str
    when: str
    fix: str
    restart: bool = False
    twice: bool = False
    others: bool = False
    fault: Json | None = None


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
        fault={"error": "network"},
    ),
)


REPLAY = Relation(
    "CANNOT_RUN",
    "it is played once more",
    "let the factory make independent bots, each on the store that it is given",
)


@dataclass
class Outcome:
    """What came of each step: what people saw, and the session; and the ids of all messages."""

    steps: list[tuple[list[Any], Json | None]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    error: str | None = None


async def broken(
    spec: BotSpec, make_bot: MakeBot, store: str | None = None
) -> AsyncIterator[tuple[Relation, int, str]]:
    """Yield each relation that does not hold, with the number of the step and what is other there.

    The spec has passed before. `store` is the URL of an empty store to play on as well; raises
    SpecError where it is not empty. A factory without a parameter `storage` makes bots that cannot
    be restarted on the store of another one, so that is left out.
    """
    plain, again = await _play(spec, make_bot), await _play(spec, make_bot)
    if error := plain.error or again.error:
        yield REPLAY, min(len(plain.steps), len(again.steps)) + 1, error
        return
    for relation in RELATIONS:
        # A spec that says what fails has no room for more.
        crowded = relation.fault and any(step.faults for step in spec.steps)
        stuck = relation.restart and not _takes_a_store(make_bot)
        if crowded or stuck or relation.code in spec.allow:
            continue
        outcome = await _play(spec, make_bot, relation, plain)
        if found := _first_difference(plain, again, outcome):
            yield relation, *found
    if store is not None and STORE.code not in spec.allow and _takes_a_store(make_bot):
        async with _empty(store) as storage:
            outcome = await _play(spec, make_bot, STORE, storage=storage)
        if found := _first_difference(plain, again, outcome):
            yield STORE, *found


STORE = Relation(
    "CHANGED_BY_STORE",
    "the bot runs on its own store instead of memory",
    "keep JSON-serialisable values only, and change what users share in one record",
)


def _first_difference(plain: Outcome, again: Outcome, other: Outcome) -> tuple[int, str] | None:
    same = dict(zip(plain.ids, other.ids, strict=False))
    for number, (expected, volatile, found) in enumerate(
        zip(plain.steps, again.steps, other.steps, strict=False), 1
    ):
        for name, was, varies, now in zip(
            ("what people see", "the session"), expected, volatile, found, strict=True
        ):
            for path, one, two in _differences(was, varies, now, same):
                return number, f"{name}{path} is {show(two)} instead of {show(one)}"
    if other.error is not None:
        return len(other.steps) + 1, other.error
    return None


def _differences(
    was: Any, varies: Any, now: Any, same: Mapping[int, int], path: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, Mapping) and isinstance(varies, Mapping) and isinstance(now, Mapping):
        for name in {**was, **now}:
            each = f"{path}.{name}"
            yield from _differences(was.get(name), varies.get(name), now.get(name), same, each)
    elif isinstance(was, list) and isinstance(varies, list) and isinstance(now, list):
        if len(was) != len(now) and len(was) == len(varies):
            yield path, was, now
            return
        for index, (one, two, three) in enumerate(zip(was, varies, now, strict=False)):
            yield from _differences(one, two, three, same, f"{path}[{index}]")
    elif was == varies and was != now and not (isinstance(was, int) and same.get(was) == now):
        yield path, was, now


async def _play(
    spec: BotSpec,
    make_bot: MakeBot,
    relation: Relation | None = None,
    plain: Outcome | None = None,
    storage: SharedSessionStorage | None = None,
) -> Outcome:
    outcome = Outcome()
    relation = relation or Relation("", "", "")
    try:
        async with _Stage(spec, make_bot, storage or MemorySessionStorage()) as stage:
            waiting: Step | None = None
            for number, step in enumerate(spec.steps):
                if relation.restart:
                    await stage.restart()
                step = find_texts(step, stage.bot.app.workflow_data, spec.given.language)
                # Whose call would fail, or whose failure would be told, is not certain there.
                certain = not step.others and step.fails is None
                if relation.fault and certain and plain and (seen := plain.steps[number][0]):
                    rule = {**relation.fault, "method": seen[0]["method"]}
                    stage.bot.telegram.faults.add(read_fault(rule))
                retried = relation.fault is not None
                outcome.steps.append(
                    await take(stage.bot, step, outcome.ids, twice=relation.twice, retried=retried)
                )
                if relation.others:
                    said = stage.bot.telegram.send_text(STRANGER, "Something else")
                    await stage.bot.deliver(said)
                    if waiting is not None:
                        await disturb(stage.bot, waiting)
                    waiting = step
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bot may raise anything
        outcome.error = describe_error(error)
    return outcome


class _Stage:
    """The bot of a run, which can be restarted; Telegram and the store outlive it."""

    def __init__(
        self, spec: BotSpec, make_bot: Callable[..., Any], storage: SharedSessionStorage
    ) -> None:
        self._given = spec.given
        self._make_bot = make_bot
        if _takes_a_store(make_bot):
            self._make_bot = partial(make_bot, storage=PersistentStorage(storage))
        self.bot: RunningBot

    async def __aenter__(self) -> _Stage:
        await self._start(None)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.bot.__aexit__()

    async def restart(self) -> None:
        await self.bot.__aexit__()
        await self._start(self.bot.telegram)

    async def _start(self, telegram: FakeTelegram | None) -> None:
        self.bot = await RunningBot(
            self._make_bot,
            first_update_id=FIRST_UPDATE_ID,
            given=self._given,
            telegram=telegram,
        ).__aenter__()


def _takes_a_store(make_bot: MakeBot) -> bool:
    parameters = inspect.signature(make_bot).parameters.values()
    return any(each.name == "storage" or each.kind is each.VAR_KEYWORD for each in parameters)


@asynccontextmanager
async def _empty(url: str) -> AsyncIterator[SharedSessionStorage]:
    """Open a store that is empty, and leave it so."""
    storage = open_storage(url)
    try:
        if found := [key async for key in storage.read_all_keys()]:
            raise SpecError(
                f"{redact(url)}: there are {len(found)} records in it, such as {found[0]!r}; specs "
                "need a store of their own, which they leave empty"
            )
        yield storage
        for key in [key async for key in storage.read_all_keys()] + [OWNER]:
            await storage.delete(key)
    finally:
        await storage.close()
