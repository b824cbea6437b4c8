"""Boosts: the admins of a chat are told, and ask who boosts it."""

from __future__ import annotations

import pytest

from toolkit.harness.fake_telegram import FakeTelegram, PersonError

GROUP = -(10**12) - 5
MONTH = 30 * 86400


async def boosts(telegram: FakeTelegram, user_id: int) -> list[str]:
    found = await telegram.call("getUserChatBoosts", {"chat_id": GROUP, "user_id": user_id})
    return [boost["boost_id"] for boost in found["boosts"]]


async def test_a_boost_is_told_and_found_until_it_is_gone(telegram: FakeTelegram) -> None:
    telegram.group(GROUP, members=[1, 2], bot="administrator")
    added = telegram.boost(1, GROUP)["chat_boost"]
    assert added["boost"]["source"] == {"source": "premium", "user": telegram.user(1)}
    assert added["boost"]["expiration_date"] == added["boost"]["add_date"] + MONTH
    assert telegram.messages(GROUP)[0]["boost_added"] == {"boost_count": 1}
    boost_id = added["boost"]["boost_id"]
    assert (await boosts(telegram, 1), await boosts(telegram, 2)) == ([boost_id], [])
    removed = telegram.unboost(1, GROUP)["removed_chat_boost"]
    assert (removed["boost_id"], removed["remove_date"]) == (boost_id, 1_700_000_000)
    assert await boosts(telegram, 1) == []
    kinds = [next(kind for kind in u if kind != "update_id") for u in telegram.updates.take()]
    assert kinds == ["chat_boost", "message", "removed_chat_boost"]
    with pytest.raises(PersonError, match="does not boost"):
        telegram.unboost(1, GROUP)


async def test_a_boost_ends_with_its_time(telegram: FakeTelegram) -> None:
    telegram.group(GROUP, members=[1], bot="administrator")
    telegram.boost(1, GROUP)
    telegram.clock = lambda: 1_700_000_000.0 + MONTH
    assert await boosts(telegram, 1) == []


def test_a_bot_that_is_no_admin_is_not_told(telegram: FakeTelegram) -> None:
    telegram.channel(GROUP, bot="member")
    assert telegram.boost(1, GROUP)["update_id"] == 0
    assert len(telegram.updates) == 0
    with pytest.raises(PersonError, match="no supergroup and no channel"):
        telegram.boost(1, 1)
