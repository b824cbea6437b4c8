"""What users do that no spec says: names with markup, taps on what is left, two at once.

Each is tried with the steps of a spec, and what comes of it is a mistake whatever the spec says.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.deeds import MOVES
from toolkit.harness.specs.exercised import kind_of
from toolkit.harness.specs.relations import Stage, first_difference
from toolkit.harness.specs.report import describe_error
from toolkit.harness.specs.runner import SpecResult, find_texts, is_expected
from toolkit.harness.specs.running_bot import MakeBot, RunningBot, raised_by
from toolkit.harness.specs.sending import rounds, updates_of
from toolkit.harness.specs.sends import ADVANCE
from toolkit.harness.specs.spec import BotSpec, Send, read_fault
from toolkit.harness.specs.stable_parts import timeless
from toolkit.harness.specs.taking import OTHER_USER, Outcome, seen_in
from toolkit.harness.storage import PersistentStorage
from toolkit.harness.types import Json
from toolkit.storage.memory import MemorySessionStorage

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Call

MARKUP = " <_*[`&"
"""Breaks HTML and both kinds of Markdown where it is not escaped."""
TURNS = 30
"""Turns of the event loop that a slow call takes: enough for another handler to catch up."""
REFUSED = "can't parse entities"
ESCAPED = html.escape(MARKUP)
OF_ALL = ("update", ADVANCE, *MOVES)
"""The kinds of what does not happen in one user's private chat."""
TYPED = ("text", "reply", "edit")
"""The kinds of what users type."""

Pair = tuple[Outcome, Outcome]
Found = tuple[str, int | None, str, str]
"""Code, step, why and fix."""


async def mishaps(result: SpecResult, make_bot: MakeBot) -> AsyncIterator[Found]:
    """Yield what goes wrong, for a spec that has passed."""
    spec = result.spec
    async for found in _played_by_markup(spec, make_bot, texts=()):
        yield found
    if echoed := [*_echoed(result)]:
        async for found in _played_by_markup(spec, make_bot, texts=echoed):
            yield found
    if race := await _lost_race(spec, make_bot):
        fix = "check and change in one `async with sessions.record(key) as record`"
        yield "CHANGED_BY_RACE", *race, fix


async def _played_by_markup(
    spec: BotSpec, make_bot: MakeBot, *, texts: Sequence[str]
) -> AsyncIterator[Found]:
    """Play a spec with users whose names hold markup, or texts, then tap what is left."""
    async with Stage(spec, make_bot, MemorySessionStorage()) as stage:
        bot, chats = stage.bot, dict[int | None, Send]()
        for number, step in enumerate(spec.steps, 1):
            step = find_texts(step, bot.app.workflow_data, spec.given.language)
            for rule in step.faults:
                bot.telegram.faults.add(read_fault(rule))
            if step.passing is not None:
                await bot.advance(timedelta(seconds=step.passing))
                continue
            sends = [_with_markup(bot, send, texts) for send in step.sends]
            problem, spoilt = await _act(bot, sends, step.fails)
            if spoilt:
                fix = "html.escape() what users say, once"
                yield "UNESCAPED", number, _unescaped(spoilt, texts), fix
            if problem:
                return
            chats |= {send.chat_id or send.user_id: send for send in sends}
        if not texts and not any(step.faults for step in spec.steps):
            async for found in _tap_what_is_left(bot, chats):
                yield found


def _unescaped(call: Call, texts: Sequence[str]) -> str:
    whose = f"says {texts[0] + MARKUP!r}" if texts else f"is called {'Ann' + MARKUP!r}"
    if call.error is not None:
        return f"when somebody {whose}, Telegram refuses {call.method}: {call.error}"
    return f"when somebody {whose}, people see {_shown(call)!r}"


def _shown(call: Call) -> str:
    """Return the text that people see of a message."""
    message = call.result if isinstance(call.result, dict) else {}
    return str(message.get("text") or message.get("caption") or "")


def _with_markup(bot: RunningBot, send: Send, texts: Sequence[str]) -> Send:
    """Have a user called so, or return what somebody types with it, if it is one of the texts."""
    if not texts:
        bot.telegram.user(send.user_id, f"Ann{MARKUP}")
    elif send.kind in TYPED and send.value in texts:
        return replace(send, value=f"{send.value}{MARKUP}")
    return send


async def _act(
    bot: RunningBot, sends: Sequence[Send], fails: Any = None
) -> tuple[str | None, Call | None]:
    """Let users do it; return what went wrong, and a call whose markup did."""
    from toolkit.harness.fake_telegram.model import PersonError

    start, problem = len(bot.telegram.calls), None
    try:
        for batch in rounds(bot.telegram, sends):
            updates = [update for _, update in batch]
            raised = await raised_by(bot.deliver(*updates))
            if raised is not None and not is_expected(fails, raised):
                problem = describe_error(raised)
                break
            taps = [update for send, update in batch if send.kind == "callback"]
            problem = next(filter(None, map(bot.unanswered, taps)), None)
    except (PersonError, ValueError) as error:
        # What has failed as it should does not go on.
        problem = None if fails is not None else str(error)
    calls = bot.telegram.calls[start:]
    spoilt = (each for each in calls if REFUSED in str(each.error) or ESCAPED in _shown(each))
    return problem, next(spoilt, None)


async def _tap_what_is_left(bot: RunningBot, chats: dict[int | None, Send]) -> AsyncIterator[Found]:
    for chat_id, last in chats.items():
        if chat_id is None:
            continue
        # One of each kind on each message.
        kinds = {}
        for button in reversed(bot.telegram.buttons(chat_id)):
            if data := button.data.get("callback_data"):
                kinds[button.message_id, kind_of(data)] = button, data
        for button, data in kinds.values():
            tap = replace(last, kind="callback", value=data, message_id=button.message_id)
            problem, _ = await _act(bot, [tap])
            if problem:
                why = f"after the last step, a tap on {button.label!r} goes wrong: {problem}"
                fix = "answer every tap that a message still offers, also one that comes late"
                yield "TAP_LEFT_FAILS", None, why, fix


def _echoed(result: SpecResult) -> Iterator[str]:
    """Yield what users type and the bot repeats."""
    sends = [send for each in result.played for send in each.step.sends]
    said = [send.value for send in sends if send.kind in TYPED]
    shown = [
        str(call.payload.get(name, ""))
        for each in result.played
        for call in each.calls
        for name in ("text", "caption")
    ]
    for text in dict.fromkeys(said):
        if not text.startswith("/") and any(text in each for each in shown):
            yield text


async def _lost_race(spec: BotSpec, make_bot: MakeBot) -> tuple[int, str] | None:
    """Let two users do the same at once; return where that is unlike one after the other."""
    sends = [step.send for step in spec.steps]
    alone = len({send.user_id for send in sends}) == 1
    private = all(send.kind not in OF_ALL and send.chat_id is None for send in sends)
    if "CHANGED_BY_RACE" in spec.allow or not alone or not private:
        return None
    # Where steps say what fails, or who does what at the same time, there is no room for more.
    if any(step.faults or step.others or step.fails is not None for step in spec.steps):
        return None
    both, found = await _play_two(spec, make_bot), (0, "")
    for order in ((0, 1), (1, 0)):
        one = await _play_two(spec, make_bot, order)
        if one[0].error or _differs(_timeless(one), _timeless(one), _timeless(both)) is None:
            return None
        again = await _play_two(spec, make_bot, order)
        if again[0].error or (differs := _differs(one, again, both)) is None:
            return None
        found = differs
    return found[0], f"when two users do this at once, {found[1]} for one of them"


def _timeless(value: Any) -> Any:
    """Return the same without dates and times, which differ from run to run."""
    if isinstance(value, Outcome):
        return replace(value, steps=_timeless(value.steps))
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_timeless, value))
    return timeless(value) if isinstance(value, str) else value


def _differs(one: Pair, again: Pair, other: Pair) -> tuple[int, str] | None:
    for was, varies, now in zip(one, again, other, strict=True):
        if found := first_difference(was, varies, now):
            return found
        if len(was.steps) != len(now.steps):
            return min(len(was.steps), len(now.steps)) + 1, "the next step is another one"
    return None


async def _play_two(spec: BotSpec, make_bot: MakeBot, order: tuple[int, int] | None = None) -> Pair:
    """Let two users take each step one after the other, or without `order` at once."""
    outcomes, store = (Outcome(), Outcome()), MemorySessionStorage()
    async with Stage(spec, make_bot, store if order else _SlowWrites(store)) as stage:
        if order is None:
            session: Any = stage.bot.app.bot.session
            session.make_request = _slow(session.make_request)
        for step in spec.steps:
            send = find_texts(step, stage.bot.app.workflow_data, spec.given.language).send
            start, last = len(stage.bot.telegram.calls), dict[int, Json]()
            going = _going(stage.bot, send, outcomes, last)
            batches: Iterator[tuple[Sequence[Json], ...]]
            if order is None:
                batches = zip_longest(*going.values(), fillvalue=())
            else:
                batches = zip(chain(*(going[number] for number in order if number in going)))
            for batch in batches:
                if (error := await raised_by(stage.bot.deliver(*chain(*batch)))) is not None:
                    outcomes[0].error = outcomes[1].error = describe_error(error)
                    break
            if outcomes[0].error:
                break
            for number, update in last.items():
                user = send.user_id + number * OTHER_USER
                calls = [*_calls_to(user, stage.bot, start)]
                seen = [*seen_in(calls, outcomes[number])]
                outcomes[number].steps.append((seen, await stage.bot.session(update)))
    return outcomes


class _SlowWrites(PersistentStorage):
    """A store where a change comes after what others read meanwhile."""

    def _call(self, verb: str, *arguments: Any, **options: Any) -> Awaitable[Any]:
        call = super()._call
        called = call if verb in ("read", "has", "checkout") else _slow(call)
        return called(verb, *arguments, **options)


def _slow(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Let everybody else go on before `call`, as where it takes time."""

    async def called(*arguments: Any, **options: Any) -> Any:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return await call(*arguments, **options)

    return called


def _going(
    bot: RunningBot, send: Send, outcomes: Pair, last: dict[int, Json]
) -> dict[int, Iterator[Sequence[Json]]]:
    """Let each of two users begin, unless they cannot go on; return the updates of each round.

    `last` gets the last update of each.
    """
    going: dict[int, Iterator[Sequence[Json]]] = {}
    for number, outcome in enumerate(outcomes):
        if len(outcome.steps) < max(len(each.steps) for each in outcomes):
            continue
        shifted = replace(send, user_id=send.user_id + number * OTHER_USER)
        rest = _rounds_of(bot, shifted, number, last)
        if (first := next(rest, None)) is not None:
            going[number] = chain((first,), rest)
    return going


def _rounds_of(
    bot: RunningBot, send: Send, number: int, last: dict[int, Json]
) -> Iterator[Sequence[Json]]:
    from toolkit.harness.fake_telegram.model import PersonError

    try:
        for updates in updates_of(bot.telegram, send):
            last[number] = updates[-1]
            yield updates
    except (PersonError, ValueError):
        return


def _calls_to(user: int, bot: RunningBot, start: int) -> Iterator[Call]:
    for call in bot.telegram.calls[start:]:
        query: Any = bot.telegram.callbacks.get(str(call.payload.get("callback_query_id")))
        if user == (query.user_id if query else call.payload.get("chat_id")):
            yield call
