"""Gifts of a business: the bot sells them, upgrades them and passes them on."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.fake_telegram import FakeTelegram, PersonError
from toolkit.harness.types import Json

HEART, GLOBE = "5170145012310081615", "5980000000000000001"
RIGHTS = ("can_view_gifts_and_stars", "can_convert_gifts_to_stars")
SHOP = {"business_connection_id": "shop"}


@pytest.fixture
def shop(telegram: FakeTelegram) -> FakeTelegram:
    """A Telegram where user 1 has a shop, and the bot has Stars."""
    owner = {"id": 1, "is_bot": False, "first_name": "Ann"}
    rights = dict.fromkeys((*RIGHTS, "can_transfer_and_upgrade_gifts"), True)
    head = {"id": "shop", "user": owner, "user_chat_id": 1, "date": 1, "is_enabled": True}
    telegram.inject({"business_connection": {**head, "rights": rights}})
    telegram.user(2)
    telegram.deposit_stars(1000)
    return telegram


async def given(shop: FakeTelegram, gift_id: str, **other: Any) -> Json:
    """Give the shop something, and return it as its owner sees it."""
    await shop.call("sendGift", {"gift_id": gift_id, "user_id": 1, **other})
    gifts: list[Json] = (await shop.call("getBusinessAccountGifts", SHOP))["gifts"]
    return gifts[0]


async def test_a_gift_is_sold_for_most_of_its_price(shop: FakeTelegram) -> None:
    one = await given(shop, HEART)
    assert one["convert_star_count"] == 13
    await shop.call("convertGiftToStars", {**SHOP, "owned_gift_id": one["owned_gift_id"]})
    assert shop.users[1].business_stars == 13
    assert (await shop.call("getUserGifts", {"user_id": 1}))["gifts"] == []


async def test_others_do_not_see_what_only_the_owner_can_do(shop: FakeTelegram) -> None:
    one = await given(shop, GLOBE)
    (seen,) = (await shop.call("getUserGifts", {"user_id": 1}))["gifts"]
    hidden = {"owned_gift_id", "convert_star_count", "can_be_upgraded"}
    assert set(one) - set(seen) == hidden


async def test_an_upgraded_gift_is_passed_on(shop: FakeTelegram) -> None:
    one = await given(shop, GLOBE, pay_for_upgrade=True)
    assert shop.stars.balance == 750
    place = {**SHOP, "owned_gift_id": one["owned_gift_id"]}
    await shop.call("upgradeGift", {**place, "keep_original_details": True})
    (unique,) = (await shop.call("getBusinessAccountGifts", SHOP))["gifts"]
    assert (unique["type"], unique["gift"]["name"]) == ("unique", "SnowGlobe-1")
    assert unique["sender_user"]["id"] == 42
    shop.users[1].business_stars = 30
    await shop.call("transferGift", {**place, "new_owner_chat_id": 2, "star_count": 25})
    assert shop.users[1].business_stars == 5
    assert (await shop.call("getUserGifts", {"user_id": 1}))["total_count"] == 0
    (passed,) = (await shop.call("getUserGifts", {"user_id": 2}))["gifts"]
    assert passed["gift"] == unique["gift"]


async def test_the_account_pays_for_an_upgrade(shop: FakeTelegram) -> None:
    one = await given(shop, GLOBE)
    shop.users[1].business_stars = 60
    place = {**SHOP, "owned_gift_id": one["owned_gift_id"], "star_count": 50}
    await shop.call("upgradeGift", place)
    assert shop.users[1].business_stars == 10
    (unique,) = (await shop.call("getBusinessAccountGifts", SHOP))["gifts"]
    assert "sender_user" not in unique


async def test_a_limited_gift_runs_out(shop: FakeTelegram) -> None:
    shop.deposit_stars(1000)
    left = []
    for _ in range(3):
        await given(shop, GLOBE)
        gifts = (await shop.call("getAvailableGifts", {}))["gifts"]
        left.append([gift["remaining_count"] for gift in gifts if gift["id"] == GLOBE])
    assert left == [[2], [1], []]


async def test_who_wants_no_gifts_gets_none(shop: FakeTelegram) -> None:
    shop.private_chat(2).details["accepted_gift_types"] = {"limited_gifts": False}
    with pytest.raises(Exception, match="USER_DISALLOWED_STARGIFTS"):
        await shop.call("sendGift", {"gift_id": GLOBE, "user_id": 2})
    await shop.call("sendGift", {"gift_id": HEART, "user_id": 2})


async def test_a_gift_shows_in_the_chat_and_makes_no_update(shop: FakeTelegram) -> None:
    shop.updates.take()
    await shop.call("sendGift", {"gift_id": HEART, "user_id": 1, "text": "Thanks"})
    (message,) = shop.messages(1)
    assert message["gift"]["text"] == "Thanks"
    assert len(shop.updates) == 0
    file_id = message["gift"]["gift"]["sticker"]["file_id"]
    assert (await shop.call("getFile", {"file_id": file_id}))["file_id"] == file_id


async def test_a_customer_gives_a_gift_and_pays_for_its_upgrade(shop: FakeTelegram) -> None:
    given = shop.give_gift(2, "shop", GLOBE)["business_message"]
    assert (given["business_connection_id"], given["from"]["id"]) == ("shop", 2)
    owned_id = given["gift"]["owned_gift_id"]
    paid = shop.pay_gift_upgrade(2, "shop", owned_id)["business_message"]["gift_upgrade_sent"]
    assert (paid["owned_gift_id"], paid["prepaid_upgrade_star_count"]) == (owned_id, 50)
    (one,) = (await shop.call("getBusinessAccountGifts", SHOP))["gifts"]
    assert (one["sender_user"]["id"], one["is_upgrade_separate"]) == (2, True)
    await shop.call("upgradeGift", {**SHOP, "owned_gift_id": owned_id})
    with pytest.raises(PersonError, match="none that can be upgraded"):
        shop.pay_gift_upgrade(2, "shop", owned_id)


async def test_a_customer_passes_a_unique_gift_on(shop: FakeTelegram) -> None:
    message = shop.give_gift(2, "shop", GLOBE, unique=True)["business_message"]
    assert message["unique_gift"]["origin"] == "transfer"
    (one,) = (await shop.call("getBusinessAccountGifts", SHOP))["gifts"]
    assert (one["type"], one["gift"]) == ("unique", message["unique_gift"]["gift"])
    assert one["owned_gift_id"] == message["unique_gift"]["owned_gift_id"]
    for connection, gift in (("shop", "1"), ("shop", HEART), ("else", GLOBE)):
        with pytest.raises(PersonError, match="there is no"):
            shop.give_gift(2, connection, gift, unique=True)
