"""Play a spec again under other circumstances that may not matter: its outcome is the plain one.

Metamorphic testing (Chen, Cheung, Yiu 1998): the plain run is the oracle of the others. What is
compared is what people see and what the session holds after each step. The plain run is made
twice: what differs between the two, such as a time of day, says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from toolkit.harness.clock import clock_of
from toolkit.harness.specs.circumstances import LOST, RELATIONS, REPLAY, STORE, Relation, all_of
from toolkit.harness.specs.report import describe_error, show
from toolkit.harness.specs.runner import FIRST_UPDATE_ID, find_texts
from toolkit.harness.specs.running_bot import MakeBot, RunningBot
from toolkit.harness.specs.spec import BotSpec, SpecError, Step, read_fault
from toolkit.harness.specs.taking import STRANGER, Outcome, disturb, take
from toolkit.harness.specs.time_zones import in_another_time_zone
from toolkit.harness.storage import PersistentStorage
from toolkit.redaction import redact
from toolkit.storage import open_storage
from toolkit.storage.base import OWNER, SharedSessionStorage
from toolkit.storage.memory import MemorySessionStorage

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram


async def broken(
    spec: BotSpec, make_bot: MakeBot, store: str | None = None
) -> AsyncIterator[tuple[Relation, int, str]]:
    """Yield each relation that does not hold, with the number of the step and what is other there.

    The spec has passed before. `store` is the URL of an empty store to play on as well; raises
    SpecError where it is not empty. A factory without a parameter `storage` makes bots that cannot
    be restarted on the store of another one, so that is left out; so is all but other users for a
    bot that `create_bot` did not make (`LEFT_OUT`).
    """
    plain, again = await _play(spec, make_bot), await _play(spec, make_bot)
    if error := plain.error or again.error:
        yield REPLAY, min(len(plain.steps), len(again.steps)) + 1, error
        return
    for relations in _groups(spec, make_bot, plain=plain.plain):
        together = await _play_under(spec, make_bot, all_of(relations), plain)
        if not first_difference(plain, again, together):
            continue
        for relation in relations:
            outcome = await _play_under(spec, make_bot, relation, plain)
            if found := first_difference(plain, again, outcome):
                # A clock that has gone on meanwhile differs in another plain run, too.
                found = first_difference(plain, await _play(spec, make_bot), outcome)
            if found:
                yield relation, *found
    if store is not None and STORE.code not in spec.allow and _takes_a_store(make_bot):
        async with _empty(store) as storage:
            if _is_of_another_time(spec, storage):
                return
            outcome = await _play(spec, make_bot, STORE, storage=storage)
        if found := first_difference(plain, again, outcome):
            yield STORE, *found


def _groups(spec: BotSpec, make_bot: MakeBot, *, plain: bool) -> Iterator[list[Relation]]:
    """Yield the relations that a spec has to keep, in groups."""
    # A spec that says what fails has no room for more.
    crowded = any(step.faults for step in spec.steps)
    restarts = _takes_a_store(make_bot)
    for group in sorted({relation.group for relation in RELATIONS}):
        members = [
            each
            for each in RELATIONS
            if each.group == group and each.code not in spec.allow
            if not (each.fault and crowded) and (restarts or not each.restart)
            if each.of_any_bot or not plain
        ]
        if members:
            yield members


def first_difference(plain: Outcome, again: Outcome, other: Outcome) -> tuple[int, str] | None:
    """Return the first step at which `other` is not as two plain runs were, and in words how."""
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


async def _play_under(
    spec: BotSpec, make_bot: MakeBot, relation: Relation, plain: Outcome
) -> Outcome:
    with in_another_time_zone() if relation.elsewhere else nullcontext():
        return await _play(spec, make_bot, relation, plain)


async def _play(
    spec: BotSpec,
    make_bot: MakeBot,
    relation: Relation | None = None,
    plain: Outcome | None = None,
    storage: SharedSessionStorage | None = None,
) -> Outcome:
    from toolkit.harness.specs.plain import is_plain

    outcome = Outcome()
    relation = relation or Relation("", "", "")
    try:
        async with Stage(spec, make_bot, storage or MemorySessionStorage()) as stage:
            outcome.plain = is_plain(stage.bot.app)
            waiting: Step | None = None
            for number, step in enumerate(spec.steps):
                if relation.restart:
                    await stage.restart()
                step = find_texts(step, stage.bot.app.workflow_data, spec.given.language)
                seen = plain.steps[number][0] if plain and _certain(step, relation) else ()
                if relation.fault and seen:
                    rule = {**relation.fault, "method": seen[0]["method"]}
                    stage.bot.telegram.faults.add(read_fault(rule))
                outcome.steps.append(await take(stage.bot, step, outcome, relation))
                if relation.others:
                    said = stage.bot.telegram.send_text(STRANGER, "Something else")
                    await stage.bot.deliver(said)
                    if waiting is not None:
                        await disturb(stage.bot, waiting, outcome)
                    waiting = step
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bot may raise anything
        outcome.error = describe_error(error)
    return outcome


def _certain(step: Step, relation: Relation) -> bool:
    """Tell whether it is certain which call fails first, and that somebody does it again then."""
    # Nobody is there to do it again when a call is lost that nobody asked for.
    alone = step.passing is not None and relation.fault == LOST
    several = step.others or step.send.kind == "album"
    return not alone and not several and step.fails is None


class Stage:
    """The bot of a run, which can be restarted; Telegram and the store outlive it."""

    def __init__(
        self, spec: BotSpec, make_bot: Callable[..., Any], storage: SharedSessionStorage
    ) -> None:
        # The date is that of `self._time`, which goes on where the bot is restarted.
        self._given = replace(spec.given, now=None)
        self._make_bot = make_bot
        if _takes_a_store(make_bot):
            self._make_bot = partial(make_bot, storage=PersistentStorage(storage))
        self.bot: RunningBot
        self._time = clock_of(asyncio.get_running_loop()).used(spec.given.now)

    async def __aenter__(self) -> Stage:
        with ExitStack() as stack:
            stack.enter_context(self._time)
            await self._start(None)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with self._stack:
            await self.bot.__aexit__()

    async def restart(self) -> None:
        """Begin a new process."""
        await self.bot.__aexit__()
        await self._start(self.bot.telegram)

    async def _start(self, telegram: FakeTelegram | None) -> None:
        self.bot = await RunningBot(
            self._make_bot,
            first_update_id=FIRST_UPDATE_ID,
            given=self._given,
            telegram=telegram,
        ).__aenter__()


def _is_of_another_time(spec: BotSpec, storage: SharedSessionStorage) -> bool:
    """Tell whether a spec moves the time in a way that a store does not bear.

    The time of a server cannot be moved on, and a client may need the date that it is.
    """
    if spec.given.now is not None and getattr(storage, "needs_the_date", False):
        return True
    return getattr(storage, "has_own_clock", False) and any(
        step.passing is not None for step in spec.steps
    )


def _takes_a_store(make_bot: MakeBot) -> bool:
    from toolkit.harness.specs.plain import accepts

    return accepts(make_bot, "storage")


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
