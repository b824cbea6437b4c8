"""Gifts that the bot sends, and those that somebody has.

https://core.telegram.org/bots/api#getavailablegifts
"""

from __future__ import annotations

from collections.abc import Callable

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int
from toolkit.harness.fake_telegram.gift_catalogue import (
    CATALOGUE,
    Gift,
    gift_info,
    gift_json,
    owned_json,
)
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import formatted, later, readable_chat, users_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.stars import user_partner
from toolkit.harness.types import Json

MAX_TEXT = 128
PREMIUM = {3: 1000, 6: 1500, 12: 2500}
"""What months of Telegram Premium cost in Stars."""
_OF_OWNERS = ("owned_gift_id", "convert_star_count", "can_be_upgraded", "can_be_transferred")
"""What is shown of a gift to those only who may do something with it."""


@method("getAvailableGifts")
def get_available_gifts(request: Request) -> Json:
    gifts = [gift_json(request.world, gift) for gift in CATALOGUE.values()]
    return {"gifts": [gift for gift in gifts if gift.get("remaining_count", 1)]}


@method("sendGift")
def send_gift(request: Request) -> bool:
    gift_id = as_int(request.payload.get("gift_id"))
    text = later(lambda: formatted(request.payload, "text", "text_parse_mode"))
    if request.text("chat_id"):
        chat = readable_chat(request)
    else:
        chat = users_chat(request, request.user_id())
    said, gift = text(), CATALOGUE.get(str(gift_id))
    if gift is None:
        raise bad_request("STARGIFT_INVALID")
    if chat.kind not in ("private", "channel"):
        raise bad_request("PEER_ID_INVALID")
    if len(said["text"]) > MAX_TEXT:
        raise bad_request("STARGIFT_MESSAGE_INVALID")
    shown = gift_json(request.world, gift)
    _check_accepted(chat, gift, shown)
    upgrade = _upgrade_price(request, gift)
    _pay(request, chat, shown, gift.stars + upgrade)
    _give(request, chat, gift, said, upgrade)
    return True


def _check_accepted(chat: Chat, gift: Gift, shown: Json) -> None:
    accepted = chat.details.get("accepted_gift_types", {})
    if not accepted.get("limited_gifts" if gift.total else "unlimited_gifts", True):
        raise bad_request("USER_DISALLOWED_STARGIFTS")
    if not shown.get("remaining_count", 1):
        raise bad_request("STARGIFT_USAGE_LIMITED")


def _upgrade_price(request: Request, gift: Gift) -> int:
    if not request.flag("pay_for_upgrade"):
        return 0
    if not gift.upgrade_stars:
        raise bad_request("STARGIFT_UPGRADE_UNAVAILABLE")
    return gift.upgrade_stars


def _pay(request: Request, chat: Chat, shown: Json, stars: int) -> None:
    world = request.world
    if chat.is_private:
        partner = user_partner(world.user(chat.id), "gift_purchase", gift=shown)
    else:
        partner = {"type": "chat", "chat": chat.data, "gift": shown}
    charge = f"charge-{world.number('charge')}"
    world.stars.spend(stars, partner, charge, world.now())


def _give(request: Request, chat: Chat, gift: Gift, said: Json, upgrade: int) -> None:
    """Let a chat own a gift; its user sees a message about it, of which bots get no update."""
    world = request.world
    text = {"text": said["text"]} if said["text"] else {}
    text |= {"entities": said["text_entities"]} if "text_entities" in said else {}
    info = gift_info(world, gift, upgrade, **text)
    if chat.is_private:
        message = world.new_message(chat, world.bot_user, {"gift": info})
        owned_id = str(message["message_id"])
    else:
        owned_id = f"{chat.id}_{world.number('gift')}"
    chat.gifts.append(owned_json(world, info, owned_id, world.bot_id))


@method("giftPremiumSubscription")
def gift_premium_subscription(request: Request) -> bool:
    user_id, months = request.user_id(), request.integer("month_count", 0, 0, 1000)
    text = later(lambda: formatted(request.payload, "text", "text_parse_mode"))
    users_chat(request, user_id)
    text()
    price = PREMIUM.get(months)
    if price is None:
        raise bad_request("MONTH_INVALID")
    if as_int(request.payload.get("star_count")) != price:
        raise bad_request("wrong Premium subscription price specified")
    world = request.world
    lasts = {"premium_subscription_duration": months}
    partner = user_partner(world.user(user_id), "premium_purchase", **lasts)
    world.stars.spend(price, partner, f"charge-{world.number('charge')}", world.now())
    world.user(user_id, is_premium=True)
    return True


@method("getUserGifts")
def get_user_gifts(request: Request) -> Json:
    return _listed(request, users_chat(request, request.user_id()))


@method("getChatGifts")
def get_chat_gifts(request: Request) -> Json:
    return _listed(request, readable_chat(request))


def _listed(request: Request, chat: Chat) -> Json:
    """Return OwnedGifts as others see them."""
    page = owned_gifts(request, chat)
    shown = [{k: v for k, v in one.items() if k not in _OF_OWNERS} for one in page["gifts"]]
    return {**page, "gifts": shown}


def _limited(one: Json) -> bool:
    return one["type"] == "regular" and "total_count" in one["gift"]


_EXCLUDED: dict[str, Callable[[Json], bool]] = {
    "exclude_unsaved": lambda one: not one["is_saved"],
    "exclude_saved": lambda one: bool(one["is_saved"]),
    "exclude_unlimited": lambda one: one["type"] == "regular" and not _limited(one),
    "exclude_limited": _limited,
    "exclude_limited_upgradable": lambda one: _limited(one) and _upgradable(one),
    "exclude_limited_non_upgradable": lambda one: _limited(one) and not _upgradable(one),
    "exclude_unique": lambda one: one["type"] == "unique",
}


def _upgradable(one: Json) -> bool:
    return "upgrade_star_count" in one["gift"]


def owned_gifts(request: Request, chat: Chat) -> Json:
    """Return a page of the OwnedGifts of a chat, the newest or the dearest first."""
    excluded = [test for name, test in _EXCLUDED.items() if request.flag(name)]
    gifts = [one for one in reversed(chat.gifts) if not any(test(one) for test in excluded)]
    if request.flag("sort_by_price"):
        gifts.sort(key=lambda one: -int(one["gift"].get("star_count", 0)))
    start = max(0, as_int(request.payload.get("offset")))
    end = start + request.integer("limit", 100, 1, 100)
    page: Json = {"total_count": len(gifts), "gifts": gifts[start:end]}
    return page if end >= len(gifts) else {**page, "next_offset": str(end)}
