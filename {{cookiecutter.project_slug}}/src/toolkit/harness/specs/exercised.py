"""What of a bot its specs exercise: handlers, steps of dialogues, buttons."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from types import CodeType
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.codes import Failure
from toolkit.harness.specs.matching import buttons_of
from toolkit.harness.specs.report import is_own, place_of
from toolkit.harness.specs.running_bot import MakeBot
from toolkit.harness.specs.strength import Played

if TYPE_CHECKING:
    from toolkit.app import BotApp


class Exercised:
    """What the bots of one factory are seen to do, by their own handlers.

    Make bots with `make_bot`, run specs against them, and ask `missing`.
    """

    def __init__(self, make_bot: MakeBot) -> None:
        self._make_bot = make_bot
        # By their code: a factory may define the functions anew for each bot.
        self._handlers: dict[CodeType, set[str]] = {}
        self._run: set[CodeType | None] = set()
        self._known: set[Enum] = set()
        self._entered: set[Enum] = set()
        self._left: set[Enum] = set()
        self.plain = False
        """Whether some of the bots were not made by `create_bot`."""

    def make_bot(self, **options: Any) -> BotApp[Any]:
        """Return a new bot that is watched."""
        from toolkit.harness.specs.plain import when_up

        app = self._make_bot(**options)
        when_up(app, self._look_at)
        return app

    def _look_at(self, app: BotApp[Any]) -> None:
        from toolkit.harness.specs.plain import is_plain

        self.plain |= is_plain(app)
        for router in app.chain_tail:
            for name, observer in router.observers.items():
                for handler in observer.handlers:
                    if (code := code_of(handler)) is not None:
                        self._handlers.setdefault(code, set()).add(name)
        for name, observer in app.observers.items():
            if name not in ("update", "error"):
                observer.middleware(self._watch(app))
        started = _steps(app.sessions.codec.initial())
        self._entered |= started
        self._known |= {member for step in started for member in type(step)}

    def _watch(self, app: BotApp[Any]) -> Callable[..., Any]:
        async def watch(handler: Callable[..., Any], event: Any, data: dict[str, Any]) -> Any:
            self._run.add(code_of(data["handler"]))
            before = _steps(data.get(app.sessions.name))
            try:
                return await handler(event, data)
            finally:
                after = _steps(data.get(app.sessions.name))
                self._left |= before - after
                self._entered |= after - before

        return watch

    def missing(self) -> Iterator[Failure]:
        """Yield a failure for each handler of the bot that never ran, and each step not gone by."""
        for code, kinds in self._handlers.items():
            if code in self._run or not is_own(code.co_filename):
                continue
            kind = " and ".join(sorted(kinds))
            why = f"no spec runs the handler {code.co_qualname}, which takes {kind} updates"
            fix = "write a spec that reaches it; `given` says what its sessions begin with"
            yield Failure("HANDLER_NEVER_RUN", why, fix, place_of(code))
        for step in sorted(self._known, key=str):
            name = f"{type(step).__name__}.{step.name}"
            if step not in self._entered:
                fix = "write a spec that brings a user there"
                yield Failure("STEP_NEVER_ENTERED", f"no spec enters {name}", fix)
            elif step not in self._left:
                fix = "write a spec that goes on from there"
                yield Failure("STEP_NEVER_LEFT", f"no spec leaves {name}", fix)


def untapped(played: Iterable[Played]) -> Iterator[Failure]:
    """Yield a failure for each kind of button that is shown and never tapped.

    Of one kind are those whose callback data begins with the same word.
    """
    shown: dict[str, str] = {}
    tapped = set()
    for step in played:
        for call in step.calls:
            for button in buttons_of(call.payload):
                if data := button.get("callback_data"):
                    shown.setdefault(kind_of(data), button["text"])
        queries = (update.get("callback_query") or {} for update in step.updates)
        tapped |= {kind_of(query.get("data") or "") for query in queries}
    for kind, label in shown.items():
        if kind not in tapped:
            why = f"no spec taps a button like {label!r}, whose callback data begins with {kind!r}"
            fix = f'write a step {{"send": {{"tap": "{label}"}}}}'
            yield Failure("BUTTON_NEVER_TAPPED", why, fix)


def kind_of(data: str) -> str:
    """Return the word that callback data begins with, which buttons of one kind share."""
    found = re.match(r"\w+", data)
    return found[0] if found else data


def code_of(handler: Any) -> CodeType | None:
    """Return the code of a handler's function; None for one that is no function."""
    return getattr(function_of(handler.callback), "__code__", None)


def function_of(callback: Callable[..., Any]) -> Any:
    """Return the function that somebody has registered: for a handler of a talk, the talk."""
    return inspect.unwrap(talk_of(callback) or callback)


def talk_of(callback: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of the talk that a handler belongs to, None for other handlers."""
    from toolkit.talks.registering import TalkHandler

    owner = getattr(callback, "__self__", None)
    return owner.function.callback if isinstance(owner, TalkHandler) else None


def _steps(session: Any) -> set[Enum]:
    """Return the values of a session's fields that are members of an enum."""
    fields = session if isinstance(session, dict) else getattr(session, "__dict__", {})
    return {value for value in fields.values() if isinstance(value, Enum)}
