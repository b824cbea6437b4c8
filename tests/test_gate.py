"""The hard gate: the specs of the examples would notice mistakes, on a store of their own too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from aiogram import Router
from aiogram.types import Message

from tests.support import TEMPLATE, Render, run_gate

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit import create_bot, open_storage
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.spec import SpecError, parse_specs

STEP = {"send": {"text": "Ann"}, "expect": [{"method": "sendMessage"}]}
(SPEC,) = parse_specs({"name": "a name", "steps": [STEP]}, "f")


@pytest.mark.parametrize("example", ["booking", "blank"])
def test_the_specs_of_an_example_would_notice_mistakes(example: str, render: Render) -> None:
    project = render(example=example)

    verdict = run_gate(project, "--json")

    assert verdict["failures"] == []
    assert verdict["ok"]
    assert verdict["strength"]["fraction"] >= 0.9
    assert verdict["strength"]["changes"] >= 9


def make_bot(*, storage: Any = None) -> Any:
    """Return a bot that tells which store it is on."""
    router = Router()

    @router.message()
    async def answer(message: Message, session: dict[str, Any]) -> None:
        session["name"] = message.text
        await message.answer(type(storage.inner).__name__)

    return create_bot("42:offline", initial=dict, storage=storage, routers=[router])


async def test_an_empty_store_is_played_on_and_left_empty(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/specs.db"

    (found,) = [(relation.code, why) async for relation, _, why in broken(SPEC, make_bot, url)]

    assert found == (
        "CHANGED_BY_STORE",
        'what people see[0].text is "SqliteSessionStorage" instead of "MemorySessionStorage"',
    )
    storage = open_storage(url)
    assert [key async for key in storage.read_all_keys()] == []
    await storage.write("1_1", {})
    await storage.close()
    with pytest.raises(SpecError, match="there are 1 records in it, such as '1_1'"):
        assert [each async for each in broken(SPEC, make_bot, url)]
