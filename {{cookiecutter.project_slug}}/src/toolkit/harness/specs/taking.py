"""Take one step of a spec under other circumstances, and note what people saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.circumstances import Relation
from toolkit.harness.specs.matching import labels_of
from toolkit.harness.specs.report import show
from toolkit.harness.specs.runner import is_expected
from toolkit.harness.specs.running_bot import RunningBot
from toolkit.harness.specs.sending import rounds
from toolkit.harness.specs.spec import Step, read_fault
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Call

SEEN = ("chat_id", "text", "caption")
OTHER_USER = 1_000
"""What is added to the id of a user to have another one."""
STRANGER = 2_000


@dataclass
class Outcome:
    """What came of each step: what people saw, and the session; and the ids of all messages.

    `update` is the last one of the spec's own users, `others` are the chats of other people.
    """

    steps: list[tuple[list[Any], Json | None]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    error: str | None = None
    update: Json | None = None
    others: set[int] = field(default_factory=lambda: {STRANGER})
    plain: bool = False


async def take(
    bot: RunningBot, step: Step, outcome: Outcome, relation: Relation
) -> tuple[list[Any], Json | None]:
    """Take a step; return what people saw of it, and the session after it.

    Where several users act at the same time, it is left to chance who is told what, and the session
    is nobody's.
    """
    from toolkit.harness.fake_telegram.model import PersonError

    for rule in step.faults:
        bot.telegram.faults.add(read_fault(rule))
    if step.passing is not None:
        return await _let_pass(bot, step, outcome)
    calls: list[Call] = []
    try:
        for batch in rounds(bot.telegram, step.sends):
            updates = [update for _, update in batch]
            outcome.update = updates[-1]
            calls += await _deliver(bot, step, updates, relation)
    except PersonError:
        # What has failed as it should does not go on.
        if step.fails is None:
            raise
    seen = [*seen_in(calls, outcome)]
    if not step.others:
        return seen, await bot.session(outcome.update)
    told = [{name: value for name, value in each.items() if name != "chat_id"} for each in seen]
    return sorted(told, key=show), None


async def _let_pass(bot: RunningBot, step: Step, outcome: Outcome) -> tuple[list[Any], Json | None]:
    start = len(bot.telegram.calls)
    with _failing(step):
        await bot.advance(timedelta(seconds=step.passing or 0))
    calls = bot.telegram.calls[start:]
    calls = [call for call in calls if call.payload.get("chat_id") not in outcome.others]
    session = await bot.session(outcome.update) if outcome.update else None
    return [*seen_in(calls, outcome)], session


async def _deliver(
    bot: RunningBot, step: Step, updates: Sequence[Json], relation: Relation
) -> Sequence[Call]:
    start = len(bot.telegram.calls)
    before = [await bot.session(update) for update in updates]
    try:
        await bot.deliver(*updates)
    except Exception as error:
        if not is_expected(step.fails, error):
            # Of several relations together, another one may be why it failed.
            meant = relation.code or type(error).__module__.startswith("aiogram.")
            if not (relation.fault and meant):
                raise
            # The user is told that it went wrong, and does it again.
            start = len(bot.telegram.calls)
            with _failing(step):
                await bot.deliver(*updates)
    if relation.twice:
        # An update that changed nothing is not known as applied, and may be answered again.
        pairs = zip(updates, before, strict=True)
        if changed := [update for update, was in pairs if was != await bot.session(update)]:
            with _failing(step):
                await bot.deliver(*changed)
    return bot.telegram.calls[start:]


@contextmanager
def _failing(step: Step) -> Iterator[None]:
    """Let a block raise what the step fails with."""
    try:
        yield
    except Exception as error:
        if not is_expected(step.fails, error):
            raise


def seen_in(calls: Sequence[Call], outcome: Outcome) -> Iterator[Json]:
    """Yield what people see of calls: neither those that failed nor ids."""
    for call in calls:
        if call.error is not None or call.method.startswith("get"):
            continue
        if isinstance(call.result, dict) and "message_id" in call.result:
            outcome.ids.append(call.result["message_id"])
        payload = call.payload
        told: Json = {name: payload[name] for name in SEEN if name in payload}
        yield {"method": call.method, **told, "buttons": labels_of(payload)}


async def disturb(bot: RunningBot, step: Step, outcome: Outcome) -> None:
    """Let other users do the same; what becomes of them is their own affair."""
    from toolkit.harness.fake_telegram.model import PersonError

    others = []
    for send in step.sends:
        if send.kind == "update" or step.passing is not None:
            continue
        chat = send.chat_id and (send.chat_id if send.chat_id < 0 else send.chat_id + OTHER_USER)
        others.append(replace(send, user_id=send.user_id + OTHER_USER, chat_id=chat))
        outcome.others |= {others[-1].user_id, max(chat or 0, 0)}
    going = rounds(bot.telegram, others)
    while True:
        try:
            batch = next(going, None)
        except (PersonError, ValueError):
            return
        if batch is None:
            return
        with _failing(step):
            await bot.deliver(*(update for _, update in batch))
