"""What Telegram refuses is refused in its words, and what it accepts is accepted."""

from __future__ import annotations

import json

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram
from toolkit.harness.types import Json

from .conftest import corpus, uploads


@pytest.mark.parametrize("case", corpus("rejected.jsonl"))
async def test_it_is_refused_in_the_words_of_the_server(town: FakeTelegram, case: Json) -> None:
    before = _screen(town)
    with pytest.raises(ApiError) as refused:
        await town.call(case["method"], case["payload"], uploads(case))
    assert (refused.value.code, refused.value.description) == (case["code"], case["description"])
    assert refused.value.parameters == case.get("parameters")
    assert _screen(town) == before


@pytest.mark.parametrize("case", corpus("accepted.jsonl"))
async def test_it_is_accepted(town: FakeTelegram, case: Json) -> None:
    result = await town.call(case["method"], case["payload"], uploads(case))
    json.dumps(result)
    for field, value in case.get("result", {}).items():
        assert result.get(field) == value


def _screen(telegram: FakeTelegram) -> dict[int, list[Json]]:
    return {
        chat_id: list(c.messages.values()) for chat_id, c in telegram.chats.items() if c.messages
    }
