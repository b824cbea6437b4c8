"""What `--hard` asks: would specs notice mistakes, and do circumstances matter that may not."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence

from toolkit.harness.specs.codes import Failure
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.runner import SpecResult
from toolkit.harness.specs.running_bot import MakeBot
from toolkit.harness.specs.strength import survivors, taps
from toolkit.harness.types import Json
from toolkit.storage import default_url

STRONG = 0.9
"""The fraction of changes that specs together have to notice: some are not worth an expectation."""


def strength_of(results: Sequence[SpecResult]) -> tuple[Json, list[Failure]]:
    """Return how many changes the specs notice, and a failure for each other if they are weak."""
    changes, weak = 0, []
    tapped = taps(step for result in results for step in result.played)
    for result in results:
        unnoticed, made = survivors(result.played, strict=result.spec.strict, tapped=tapped)
        changes += made
        weak += [
            Failure(
                mutant.code,
                f"the step passes as well when {mutant.why}",
                mutant.fix,
                result.spec.file,
                result.spec.name,
                mutant.number,
            )
            for mutant in unnoticed
        ]
    noticed = changes - len(weak)
    fraction = noticed / changes if changes else 1.0
    strength = {"changes": changes, "noticed": noticed, "fraction": fraction}
    return strength, [] if fraction >= STRONG else weak


async def changed(
    results: Sequence[SpecResult], make_bot: MakeBot, store: str | None
) -> list[Failure]:
    """Return a failure for each spec that goes otherwise where that may not matter.

    `store` is the URL of an empty store to play on as well; without one, a project whose store is
    a file gets another for it. Raises SpecError where there are records in the store.
    """
    found = []
    # What the bot logs when its calls fail on purpose is no news.
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        kind, of_a_file, _ = default_url().partition(":///")
        if store is None and of_a_file:
            store = f"{kind}:///{folder}/specs"
        for result in results:
            if result.failure:
                continue
            async for relation, step, why in broken(result.spec, make_bot, store):
                place = (result.spec.file, result.spec.name, step)
                found.append(
                    Failure(relation.code, f"when {relation.when}, {why}", relation.fix, *place)
                )
    logging.disable(logging.NOTSET)
    return found
