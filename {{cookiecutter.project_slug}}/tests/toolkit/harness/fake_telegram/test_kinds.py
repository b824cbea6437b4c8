"""Each kind of update and of content that aiogram has is caused by somebody.

For a few kinds of content it is said why not.

What is caused is what aiogram reads.
"""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

import pytest
from aiogram.enums import ContentType
from aiogram.types import Update

from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.methods.not_modelled import NOT_MODELLED_CONTENTS
from toolkit.harness.fake_telegram.methods.receiving import KINDS
from toolkit.harness.types import Json

from .acts import CONTENTS, UPDATES, Act
from .conftest import unread

ALL_UPDATES = set(Update.model_fields) - {"update_id"}
ALL_CONTENTS = {str(kind.value) for kind in ContentType} - {"unknown", "any"}


def test_every_update_of_aiogram_is_caused() -> None:
    assert ALL_UPDATES == set(UPDATES) == set(KINDS), "new in aiogram: let users do it"


def test_a_content_of_aiogram_is_caused_or_there_is_a_reason() -> None:
    assert ALL_CONTENTS - set(CONTENTS) == set(NOT_MODELLED_CONTENTS), (
        "new in aiogram: let users do it, or say why not in methods/not_modelled.py"
    )
    assert set(CONTENTS) <= ALL_CONTENTS


@pytest.mark.parametrize("kind", UPDATES)
async def test_the_bot_gets_the_update(town: FakeTelegram, kind: str) -> None:
    updates = await _caused(town, UPDATES[kind])
    assert kind in [name for update in updates for name in update]


@pytest.mark.parametrize("kind", CONTENTS)
async def test_the_bot_gets_a_message_with_the_content(town: FakeTelegram, kind: str) -> None:
    updates = await _caused(town, CONTENTS[kind])
    messages = [each for update in updates for each in update.values() if isinstance(each, dict)]
    assert kind in [name for message in messages for name in message]


async def _caused(town: FakeTelegram, act: Act) -> list[Json]:
    """Return the updates that an act causes, after aiogram has read them."""
    town.updates.allow(list(KINDS))
    town.updates.take()
    done: Any = act(town)
    if isawaitable(done):
        await done
    updates = town.updates.take()
    for update in updates:
        read = Update.model_validate(update)
        assert read.event_type in ALL_UPDATES
        assert unread(read) == [], update
    return updates
