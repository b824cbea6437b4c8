"""Specs as test items, and people to talk to in tests.

Each spec in a file `specs/*.json` is an item such as `tests/specs/booking.json::book a haircut`.
Two settings in pyproject.toml: `bot_factory`, by default `bot.app:make_bot`, and `spec_files`,
patterns of files. `--hard-specs` asks of them what `python -m toolkit.harness --hard` asks.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from toolkit.harness.specs.spec import BotSpec, SpecError, load_specs

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from toolkit.harness.fake_telegram import FakeTelegram
    from toolkit.harness.specs.hard import HardGate
    from toolkit.harness.specs.person import Person
    from toolkit.harness.specs.running_bot import MakeBot, RunningBot

# The suite for stores is a module of the toolkit, and its failures should explain themselves too.
pytest.register_assert_rewrite("toolkit.harness.conformance")

RUNNER = pytest.StashKey[asyncio.Runner]()
HARD = pytest.StashKey["HardSpecs"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the two settings and the option."""
    parser.addini("bot_factory", "module:function that makes the bot", default="bot.app:make_bot")
    parser.addini("spec_files", "patterns of spec files", type="args", default=["specs/*.json"])
    parser.addoption(
        "--hard-specs",
        action="store_true",
        help="ask as well whether the specs would notice mistakes, and play them under other "
        "circumstances, as python -m toolkit.harness --hard does",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Look at the specs together where `--hard-specs` is given."""
    if config.getoption("hard_specs"):
        if getattr(config.option, "numprocesses", None):
            raise pytest.UsageError("--hard-specs looks at all specs together: leave out -n")
        config.stash[HARD] = HardSpecs()
        config.pluginmanager.register(config.stash[HARD])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    """Collect a file of specs."""
    if file_path.suffix == ".json" and any(
        file_path.match(pattern) for pattern in parent.config.getini("spec_files")
    ):
        return SpecFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import test modules without collecting garbage, and never look through them afterwards.

    aiogram's import makes a million objects and drops none; the collector would go through them
    again and again, then and in every test, for a fifth of the whole run.
    """
    if not gc.isenabled():
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the event loop of the specs."""
    if (runner := config.stash.get(RUNNER, None)) is not None:
        runner.close()


class SpecFailed(Exception):
    """Carries the report on a failed spec."""


class SpecFile(pytest.File):
    """A file of specs."""

    def collect(self) -> Iterator[SpecItem]:
        """Yield an item for each spec, with a name of its own."""
        try:
            specs = load_specs(self.path)
        except SpecError as error:
            raise self.CollectError(str(error)) from error
        names: dict[str, int] = {}
        for spec in specs:
            # "::" separates the parts of an item's id.
            name = " ".join(spec.name.split()).replace("::", ":")
            names[name] = count = names.get(name, 0) + 1
            name = name if count == 1 else f"{name} ({count})"
            yield SpecItem.from_parent(
                self, name=name, spec=replace(spec, file=self.nodeid), callobj=_runs
            )


def _runs(make_bot: MakeBot) -> None:
    """Stand in for the test function of a spec item: pytest reads its parameters."""


class SpecItem(pytest.Function):
    """A spec, which gets fixtures as a test function beside its file would."""

    def __init__(self, *, spec: BotSpec, **options: Any) -> None:
        super().__init__(**options)
        self.spec = spec

    def runtest(self) -> None:
        """Run the spec against a fresh bot."""
        from toolkit.harness.specs.runner import run_spec

        make_bot = cast("MakeBot", self.funcargs["make_bot"])
        runner = _runner(self.config)
        if (hard := self.config.stash.get(HARD, None)) is not None:
            failure = runner.run(hard.run(self.spec, make_bot))
        else:
            failure = runner.run(run_spec(self.spec, make_bot)).failure
        if failure is not None:
            raise SpecFailed(failure)

    def repr_failure(  # type: ignore[override]  # pytest.Function leaves out style as well
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> str | TerminalRepr:
        """Return the report on a failed spec, without a traceback."""
        if isinstance(excinfo.value, SpecFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the spec in reports by its file and its name."""
        return self.path, None, self.name


class HardSpecs:
    """What `--hard-specs` asks: of each spec as it runs, and of all of them at the end."""

    def __init__(self) -> None:
        self._gates: dict[Any, HardGate] = {}
        self._lines: list[str] = []

    async def run(self, spec: BotSpec, make_bot: MakeBot) -> str | None:
        """Run a spec; return what is wrong with it, if anything is."""
        from toolkit.harness.specs.hard import HardGate

        # A fixture may return a new function each time, for the same bot.
        key = getattr(make_bot, "__code__", make_bot)
        gate = self._gates.setdefault(key, HardGate(make_bot))
        gate.make_bot = make_bot
        result = await gate.run(spec)
        found = await gate.spec_failures(result)
        # The item says already which spec it is.
        told = [str(replace(each, file=None)) for each in found]
        return "\n\n".join(filter(None, [result.failure, *told])) or None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run for what is wrong with the specs together."""
        from toolkit.harness.specs.gate import commands_without_spec

        for gate in self._gates.values():
            strength, found = _runner(session.config).run(gate.overall())
            found += commands_without_spec(gate.results)
            noticed = "{noticed} of {changes} changes are noticed".format(**strength)
            self._lines += [f"{noticed}; {len(found)} failures", *map(str, found)]
            if found and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what that is."""
        terminalreporter.section("specs together")
        for line in self._lines or ["no spec has run"]:
            terminalreporter.line(f"{line}\n")


def _runner(config: pytest.Config) -> asyncio.Runner:
    # One event loop serves all specs; making one costs more than a step.
    if RUNNER not in config.stash:
        config.stash[RUNNER] = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    return config.stash[RUNNER]


@pytest.fixture
def make_bot(pytestconfig: pytest.Config) -> MakeBot:
    """Return the factory of the bot under test; override it in a conftest to test another one."""
    from toolkit.harness.specs.running_bot import load_factory

    return load_factory(pytestconfig.getini("bot_factory"))


@pytest_asyncio.fixture
async def running_bot(make_bot: MakeBot) -> AsyncIterator[RunningBot]:
    """Start a fresh bot on a fake Telegram, and close it after the test."""
    from toolkit.harness.specs.running_bot import RunningBot

    async with RunningBot(make_bot) as running:
        yield running


@pytest.fixture
def telegram(running_bot: RunningBot) -> FakeTelegram:
    """Return the fake Telegram: its `calls`, its `faults`, its chats."""
    return running_bot.telegram


@pytest.fixture
def person(running_bot: RunningBot) -> Person:
    """Return a user in a private chat with the bot."""
    from toolkit.harness.specs.person import Person

    return Person(running_bot, 1, "Ann")


@pytest.fixture
def another_person(running_bot: RunningBot) -> Person:
    """Return another user in a private chat with the same bot."""
    from toolkit.harness.specs.person import Person

    return Person(running_bot, 2, "Ben")


@pytest.fixture
def group(telegram: FakeTelegram, person: Person, another_person: Person) -> dict[str, Any]:
    """Return a group with both users and the bot; `person.at(group)` speaks there."""
    return telegram.group(-100, "Group", [person.id, another_person.id])
