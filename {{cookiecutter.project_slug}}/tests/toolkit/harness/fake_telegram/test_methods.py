"""Every method that aiogram has is modelled, or it is said why not."""

from __future__ import annotations

import aiogram.methods
import pytest

from toolkit.harness.fake_telegram import FakeTelegram, NotModelled
from toolkit.harness.fake_telegram.methods import METHODS
from toolkit.harness.fake_telegram.methods.not_modelled import NOT_MODELLED

NAMES = {
    str(kind.__api_method__)
    for name in aiogram.methods.__all__
    if hasattr(kind := getattr(aiogram.methods, name), "__api_method__")
    and name != "TelegramMethod"
}
OLD = {"kickchatmember", "getchatmemberscount"}
"""What the server still takes by an older name, and aiogram does not have."""


def test_a_method_of_aiogram_is_modelled_or_there_is_a_reason() -> None:
    unknown = {name for name in NAMES if name.lower() not in METHODS} - set(NOT_MODELLED)
    assert not unknown, "new in aiogram: model them, or say why not in methods/not_modelled.py"


def test_nothing_is_said_of_methods_that_are_modelled_or_gone() -> None:
    assert not [name for name in NOT_MODELLED if name.lower() in METHODS]
    assert set(NOT_MODELLED) <= NAMES
    assert set(METHODS) - OLD <= {name.lower() for name in NAMES}


async def test_a_method_that_is_not_modelled_says_why(telegram: FakeTelegram) -> None:
    with pytest.raises(NotModelled, match=r"logOut \(there is no other server"):
        await telegram.call("logOut", {})
