"""What `--hard` asks: would specs notice mistakes, and do circumstances matter that may not."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.harness.specs.circumstances import LEFT_OUT
from toolkit.harness.specs.codes import Failure
from toolkit.harness.specs.exercised import Exercised, untapped
from toolkit.harness.specs.findings import Findings
from toolkit.harness.specs.leaks import Leaks
from toolkit.harness.specs.mishaps import mishaps
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.runner import SpecResult, run_spec
from toolkit.harness.specs.running_bot import MakeBot
from toolkit.harness.specs.spec import BotSpec
from toolkit.harness.specs.strength import survivors, taps
from toolkit.harness.types import Json
from toolkit.storage import default_url

STRONG = 0.9
"""The fraction of changes that specs together have to notice: some are not worth an expectation."""


class HardGate:
    """What is asked of specs that run one after another against the bots of one factory.

    Run them with `run`, or with `watched` and `note`. Then `spec_failures` is about one of them,
    `overall` about all. `store` is the URL of an empty store to play on as well.
    """

    def __init__(self, make_bot: MakeBot, store: str | None = None) -> None:
        self._store = store
        self._leaks = Leaks(make_bot)
        self._exercised = Exercised(self._leaks.make_bot)
        self._findings = Findings(self._exercised.make_bot)
        self._found: dict[int, list[Failure]] = {}
        self.watched = (self._findings.make_bot, self._findings.running_bot)
        """The factory that specs have to be run with, and what runs its bots."""
        self.results: list[SpecResult] = []

    @property
    def make_bot(self) -> MakeBot:
        """The factory; another one of the same bot may take its place."""
        return self._leaks.factory

    @make_bot.setter
    def make_bot(self, make_bot: MakeBot) -> None:
        self._leaks.factory = make_bot

    @property
    def left_out(self) -> str | None:
        """What was not asked, in words."""
        return LEFT_OUT if self._exercised.plain else None

    async def run(self, spec: BotSpec) -> SpecResult:
        """Run a spec, and note what is found."""
        result = await run_spec(spec, *self.watched)
        self.note(result)
        return result

    def note(self, result: SpecResult) -> None:
        """Note what was found while a spec ran."""
        self.results.append(result)
        self._found[id(result)] = self._findings.take(result)

    async def spec_failures(self, result: SpecResult) -> list[Failure]:
        """Return what was found in a spec, then a failure for each relation that it breaks.

        Raises SpecError where there are records in the store.
        """
        found = self._found.get(id(result), [])
        if result.failure:
            return found
        with _quiet(), _a_store(self._store) as store:
            place = (result.spec.file, result.spec.name)
            async for relation, number, why in broken(result.spec, self.make_bot, store):
                why = f"when {relation.when}, {why}"
                found.append(Failure(relation.code, why, relation.fix, *place, number))
            if any(each.code == "CANNOT_RUN" for each in found):
                return found
            async for code, step, why, fix in mishaps(result, self.make_bot):
                if code not in result.spec.allow:
                    found.append(Failure(code, why, fix, *place, step))
        return found

    async def overall(self) -> tuple[Json, list[Failure]]:
        """Return the strength of all specs, and a failure for each thing that they leave out."""
        strength, found = self.strength()
        # Of specs that notice nearly everything, what they miss is no failure.
        found = found if strength["fraction"] < STRONG else []
        found += self._exercised.missing()
        found += untapped(step for result in self.results for step in result.played)
        found += self._findings.missing()
        found += await self._leaks.found()
        return strength, found

    def strength(self) -> tuple[Json, list[Failure]]:
        """Return how many changes the specs notice, and a failure for each other."""
        changes, weak = 0, []
        tapped = taps(step for result in self.results for step in result.played)
        for result in self.results:
            strict = result.spec.strict
            unnoticed, made = survivors(result.played, strict=strict, tapped=tapped)
            changes += made
            for each in unnoticed:
                why = f"the step passes as well when {each.why}"
                place = (result.spec.file, result.spec.name, each.number)
                weak.append(Failure(each.code, why, each.fix, *place))
        noticed = changes - len(weak)
        fraction = noticed / changes if changes else 1.0
        return {"changes": changes, "noticed": noticed, "fraction": fraction}, weak


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing: what the bot logs when its calls fail on purpose is no news."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _a_store(url: str | None) -> Iterator[str | None]:
    """Give the URL of a store to play on: for a project whose store is a file, another one."""
    kind, of_a_file, _ = default_url().partition(":///")
    if url is not None or not of_a_file:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"{kind}:///{folder}/specs"
