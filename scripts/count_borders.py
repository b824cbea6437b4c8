"""Count the modules and module borders that an update crosses, and a tap in the simulator.

    .venv/bin/python scripts/count_borders.py [--pairs] [--resumptions] [SRC]

A border is crossed by a call from a function of one project module into another module: `direct`
where the caller is in a project module itself, `nearest` where aiogram or asyncio stand between.
SRC is the source folder of the bot, that of the template unless it is given.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}" / "src"
HARNESS = "toolkit.harness"


def module_of(frame: FrameType | None) -> str:
    """Return the name of the module whose code a frame runs."""
    return str(frame.f_globals.get("__name__", "")) if frame else ""


def is_own(module: str) -> bool:
    """Tell whether a module is the project's."""
    return module.partition(".")[0] in ("bot", "toolkit")


def is_resumed(frame: FrameType) -> bool:
    """Tell whether a frame goes on after an `await` or a `yield`, instead of being called."""
    # The argument of RESUME is 0 where a function begins.
    return frame.f_code.co_code[frame.f_lasti + 1] & 3 != 0


@dataclass(frozen=True)
class Call:
    """A call of a project function: its module, the caller's, and the nearest project caller's.

    `for_bot` says that a function of the bot itself wants it, directly or not.
    """

    module: str
    caller: str
    nearest: str
    for_bot: bool


@dataclass
class Crossings:
    """What was called between `start` and `stop`, in this thread.

    To go on after a mere turn of the loop, `asyncio.sleep(0)`, is no call: the fake Telegram lets
    others go on that way.
    """

    resumptions: bool = False
    calls: list[Call] = field(default_factory=list)
    resumed: list[Call] = field(default_factory=list)

    def start(self) -> None:
        """Begin to count."""
        sys.setprofile(self._note)

    def stop(self) -> None:
        """Count no more."""
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        resumed = event == "call" and is_resumed(frame)
        if resumed and frame.f_code.co_name == "__sleep0":
            self.resumed.clear()
        elif not resumed:
            self.calls += self.resumed
            self.resumed.clear()
        module = module_of(frame)
        if event != "call" or not is_own(module) or (resumed and not self.resumptions):
            return
        above = [name for name in map(module_of, _callers(frame)) if name]
        nearest = next(filter(is_own, above), "")
        for_bot = any(name.partition(".")[0] == "bot" for name in (module, *above))
        calls = self.resumed if resumed else self.calls
        calls.append(Call(module, above[0] if above else "", nearest, for_bot))

    def without(self, package: str) -> Crossings:
        """Return these crossings without calls of modules in a package, and what the bot calls."""
        kept = [c for c in self.calls if not _is_in(c.module, package) and not c.for_bot]
        return Crossings(self.resumptions, kept)

    def of(self, package: str) -> Crossings:
        """Return the crossings into a package and out of it."""
        kept = [c for c in self.calls if _is_in(c.module, package) or _is_in(c.nearest, package)]
        return Crossings(self.resumptions, kept)

    def modules(self, package: str) -> set[str]:
        """Return the modules of a package that were crossed."""
        return {call.module for call in self.calls if _is_in(call.module, package)}

    def borders(self) -> list[tuple[str, str]]:
        """Return the borders that calls crossed directly, as pairs of caller and called."""
        return [
            (c.caller, c.module) for c in self.calls if is_own(c.caller) and c.caller != c.module
        ]

    def borders_to_nearest(self) -> list[tuple[str, str]]:
        """Return the same with the nearest project module up the stack as the caller."""
        return [(c.nearest, c.module) for c in self.calls if c.nearest and c.nearest != c.module]

    def __str__(self) -> str:
        toolkit, bot = self.modules("toolkit"), self.modules("bot")
        direct, nearest = self.borders(), self.borders_to_nearest()
        return (
            f"{len(toolkit)} modules of toolkit and {len(bot)} of bot;"
            f" {len(direct)} borders direct ({len({*direct})} different),"
            f" {len(nearest)} to the nearest caller ({len({*nearest})} different)"
        )


def _callers(frame: FrameType) -> Iterator[FrameType]:
    above = frame.f_back
    while above is not None:
        yield above
        above = above.f_back


def _is_in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


@contextmanager
def polled(app: Any, crossings: Crossings) -> Iterator[Callable[[], None]]:
    """Count from the answer of a getUpdates that brings updates to the commit of a session."""
    send, armed = app.bot.session.make_request, False
    checkin: Any = None

    def arm() -> None:
        nonlocal armed, checkin
        armed = True
        # Not before: until the first call it is a way to find out whose the store is.
        checkin, app.session_storage.checkin = app.session_storage.checkin, commit

    async def make_request(bot: Any, method: Any, *args: Any, **options: Any) -> Any:
        nonlocal armed
        result = await send(bot, method, *args, **options)
        if armed and result and method.__api_method__ == "getUpdates":
            armed = False
            crossings.start()
        return result

    async def commit(*args: Any, **options: Any) -> Any:
        try:
            return await checkin(*args, **options)
        finally:
            crossings.stop()

    app.bot.session.make_request = make_request
    yield arm


async def poll(crossings: Crossings) -> Crossings:
    """Have the example bot, on SQLite, answer `/book` of a user whom it knows.

    What its handler calls is not counted: that is no part of the way to the commit.
    """
    from bot.app import make_bot
    from toolkit import open_storage
    from toolkit.harness.fake_telegram import FakeTelegram

    with tempfile.TemporaryDirectory() as folder:
        app = make_bot(storage=open_storage(f"sqlite:///{folder}/bot.db"))
        telegram = FakeTelegram(token=app.bot.token)
        telegram.attach(app.bot)
        await app.session_storage.has("1_1")  # what is asked once is no part of the way
        with polled(app, crossings) as arm:
            await talk(app, telegram, ["/start", "/book"], arm)
    return crossings.without(HARNESS)


async def talk(app: Any, telegram: Any, texts: list[str], last: Callable[[], None]) -> None:
    """Say these to a bot that polls, one after another, and the last once more after `last()`."""
    stop = asyncio.Event()
    polling = asyncio.create_task(app.start_polling(stop=stop, handle_signals=False))
    for text in [*texts, ""]:
        if not text:
            last()
        telegram.send_text(1, text or texts[-1])
        async with asyncio.timeout(30):
            while len(telegram.updates):  # noqa: ASYNC110 - a script may look again and again
                await asyncio.sleep(0.05)
    stop.set()
    await polling


async def tap(crossings: Crossings) -> Crossings:
    """Have a page of the simulator tap a button of the example bot.

    What is counted are the simulator's own borders, to the fake Telegram, the bot and back.
    """
    from bot.app import make_bot
    from toolkit.harness.simulator.page_api import PageApi
    from toolkit.harness.simulator.simulation import Simulation

    simulation = Simulation(lambda: make_bot)
    await simulation.start()
    page = PageApi(simulation)

    async def ask(do: str, **fields: Any) -> None:
        answer = await page.answer({"id": 1, "do": do, "user": 1, "chat": 1, **fields})
        if "error" in answer:
            raise RuntimeError(answer["error"])
        await simulation.recorder.settle(simulation.recorder.turns[-1])

    await ask("say", text="/book")
    message = simulation.telegram.messages(1)[-1]["message_id"]
    crossings.start()
    await ask("tap", message=message, row=0, column=0)
    crossings.stop()
    await simulation.close()
    return crossings.of(f"{HARNESS}.simulator")


SCENARIOS: dict[str, Callable[[Crossings], Coroutine[Any, Any, Crossings]]] = {
    "a polled update": poll,
    "a tap in the simulator": tap,
}


def main() -> None:
    """Print the figures of each scenario."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", nargs="?", default=SOURCE, type=Path, metavar="SRC")
    parser.add_argument("--pairs", action="store_true", help="print which borders, how often")
    parser.add_argument(
        "--resumptions", action="store_true", help="count it as a call when an await goes on, too"
    )
    options = parser.parse_args()
    sys.path.insert(0, str(options.source))
    for title, run in SCENARIOS.items():
        found = asyncio.run(run(Crossings(options.resumptions)))
        print(f"{title}: {found}")  # noqa: T201
        if options.pairs:
            for (caller, called), times in Counter(found.borders_to_nearest()).most_common():
                print(f"{times:4} {caller} -> {called}")  # noqa: T201


if __name__ == "__main__":
    main()
