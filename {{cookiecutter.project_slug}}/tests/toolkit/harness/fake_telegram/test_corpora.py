"""What Telegram refuses is refused in its words, and what it accepts is accepted.

A line may come with a `setup`, and with what is done `then`: steps of a person (`do`), of the bot
(`call`) or of the clock (`tick`). `$name.path` stands for what a step gave, kept `as` a name.
"""

from __future__ import annotations

import json
from inspect import isawaitable
from typing import Any

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram
from toolkit.harness.types import Json

from .conftest import corpus, uploads


@pytest.mark.parametrize("case", corpus("rejected.jsonl"))
async def test_it_is_refused_in_the_words_of_the_server(town: FakeTelegram, case: Json) -> None:
    known = await _play(town, case.get("setup", []))
    before = _screen(town)
    with pytest.raises(ApiError) as refused:
        await town.call(case["method"], _filled(case["payload"], known), uploads(case))
    assert (refused.value.code, refused.value.description) == (case["code"], case["description"])
    assert refused.value.parameters == case.get("parameters")
    assert _screen(town) == before


@pytest.mark.parametrize("case", corpus("accepted.jsonl"))
async def test_it_is_accepted(town: FakeTelegram, case: Json) -> None:
    known = await _play(town, case.get("setup", []))
    result = await town.call(case["method"], _filled(case["payload"], known), uploads(case))
    json.dumps(result)
    if "result" in case:
        _check(case["result"], result)
    for field in case.get("absent", []):
        assert field not in result
    await _play(town, case.get("then", []))


async def _play(town: FakeTelegram, steps: list[Json]) -> Json:
    """Do these steps; return what they gave by name."""
    known: Json = {}
    for step in steps:
        if "tick" in step:
            now = town.clock() + step["tick"]
            town.clock = lambda now=now: now  # type: ignore[misc]
            continue
        if "do" in step:
            done = getattr(town, step["do"])(*step.get("args", []), **step.get("kw", {}))
            result = await done if isawaitable(done) else done
        else:
            result = await _call(town, step, known)
        known[step.get("as", "")] = result
    return known


async def _call(town: FakeTelegram, step: Json, known: Json) -> Any:
    call = town.call(step["call"], _filled(step.get("payload", {}), known), uploads(step))
    if "refused" in step:
        with pytest.raises(ApiError) as refused:
            await call
        assert refused.value.description == step["refused"]
        return None
    result = await call
    if "result" in step:
        _check(step["result"], result)
    return result


def _filled(value: Any, known: Json) -> Any:
    """Return a payload with what `$name.path` stands for."""
    if isinstance(value, dict):
        return {key: _filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    name, *path = str(value).removeprefix("$").split(".")
    if not str(value).startswith("$") or name not in known:
        return value
    found = known[name]
    for key in path:
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


def _check(expected: Any, actual: Any) -> None:
    """Compare what a line names, and nothing else of an object."""
    if isinstance(expected, dict):
        for field, value in expected.items():
            _check(value, actual[field])
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(expected, actual, strict=True):
            _check(one, other)
    else:
        assert (actual, type(actual)) == (expected, type(expected))


def _screen(telegram: FakeTelegram) -> dict[int, list[Json]]:
    return {
        chat_id: list(c.messages.values()) for chat_id, c in telegram.chats.items() if c.messages
    }
