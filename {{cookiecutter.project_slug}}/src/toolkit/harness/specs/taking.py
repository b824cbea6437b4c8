"""Take one step of a spec under other circumstances, and note what people saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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


async def take(
    bot: RunningBot, step: Step, ids: list[int], *, twice: bool, retried: bool
) -> tuple[list[Any], Json | None]:
    """Take a step; return what people saw of it, and the session after it.

    The ids of messages are added to `ids`. Updates come `twice`; what fails is `retried`. Where
    several users act at the same time, it is left to chance who is told what, and the session is
    nobody's.
    """
    from toolkit.harness.fake_telegram.model import PersonError

    calls: list[Call] = []
    updates: list[Json] = []
    for rule in step.faults:
        bot.telegram.faults.add(read_fault(rule))
    try:
        for batch in rounds(bot.telegram, step.sends):
            updates = [update for _, update in batch]
            calls += await _deliver(bot, step, updates, twice=twice, retried=retried)
    except PersonError:
        # What has failed as it should does not go on.
        if step.fails is None:
            raise
    seen = [*_seen(calls, ids)]
    if not step.others:
        return seen, await bot.session(updates[-1])
    told = [{name: value for name, value in each.items() if name != "chat_id"} for each in seen]
    return sorted(told, key=show), None


async def _deliver(
    bot: RunningBot, step: Step, updates: Sequence[Json], *, twice: bool, retried: bool
) -> Sequence[Call]:
    start = len(bot.telegram.calls)
    before = [await bot.session(update) for update in updates]
    try:
        await bot.deliver(*updates)
    except Exception as error:
        if not is_expected(step.fails, error):
            if not retried:
                raise
            # The user is told that it went wrong, and does it again.
            start = len(bot.telegram.calls)
            await _give(bot, step, updates)
    if twice:
        # An update that changed nothing is not known as applied, and may be answered again.
        pairs = zip(updates, before, strict=True)
        if changed := [update for update, was in pairs if was != await bot.session(update)]:
            await _give(bot, step, changed)
    return bot.telegram.calls[start:]


async def _give(bot: RunningBot, step: Step, updates: Sequence[Json]) -> None:
    try:
        await bot.deliver(*updates)
    except Exception as error:
        if not is_expected(step.fails, error):
            raise


def _seen(calls: Sequence[Call], ids: list[int]) -> Iterator[Json]:
    """Yield what people see of calls: neither those that failed nor ids."""
    for call in calls:
        if call.error is not None or call.method.startswith("get"):
            continue
        if isinstance(call.result, dict) and "message_id" in call.result:
            ids.append(call.result["message_id"])
        payload = call.payload
        told: Json = {name: payload[name] for name in SEEN if name in payload}
        yield {"method": call.method, **told, "buttons": labels_of(payload)}


async def disturb(bot: RunningBot, step: Step) -> None:
    """Let other users do the same; what becomes of them is their own affair."""
    from toolkit.harness.fake_telegram.model import PersonError

    others = []
    for send in step.sends:
        if send.kind == "update":
            continue
        chat = send.chat_id and (send.chat_id if send.chat_id < 0 else send.chat_id + OTHER_USER)
        others.append(replace(send, user_id=send.user_id + OTHER_USER, chat_id=chat))
    going = rounds(bot.telegram, others)
    while True:
        try:
            batch = next(going, None)
        except (PersonError, ValueError):
            return
        if batch is None:
            return
        await _give(bot, step, [update for _, update in batch])
