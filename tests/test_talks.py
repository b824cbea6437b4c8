"""A long dialogue as a talk, talks that people play at random, and code that changes under them."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from tests.talk_kit import checkout  # noqa: E402
from toolkit.harness import load_specs, run_spec  # noqa: E402
from toolkit.harness.specs.spec import BotSpec  # noqa: E402

CHECKOUT = load_specs(Path(__file__).with_name("talk_kit") / "checkout.json")


def test_a_checkout_of_eleven_questions_is_at_most_45_lines() -> None:
    functions = (checkout.order, checkout.pizza)
    lines = [line for each in functions for line in inspect.getsource(each).splitlines()]

    assert len(lines) <= 45


@pytest.mark.parametrize("spec", CHECKOUT, ids=lambda spec: spec.name)
async def test_the_checkout_goes_word_for_word(spec: BotSpec) -> None:
    result = await run_spec(spec, checkout.make_bot)

    assert result.ok, result.failure
