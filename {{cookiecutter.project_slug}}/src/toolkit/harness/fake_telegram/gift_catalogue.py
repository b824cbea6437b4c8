"""The gifts that the fake sells, and what a collectible that is made of one looks like."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

TRANSFER_STARS = 25


@dataclass(frozen=True)
class Gift:
    """A gift, its price in Stars, and for a limited one how many there are and what it becomes."""

    id: str
    emoji: str
    stars: int
    total: int = 0
    name: str = ""
    upgrade_stars: int = 0

    @property
    def convert_stars(self) -> int:
        """How many Stars its owner gets for it."""
        return round(self.stars * 0.85)


CATALOGUE = {
    gift.id: gift
    for gift in (
        Gift("5170145012310081615", "💝", 15),
        Gift("5170233102089322756", "🧸", 15),
        Gift("5170250947678437525", "🎁", 25),
        Gift("5168103777563050263", "🌹", 25),
        Gift("5170144170496491616", "🎂", 50),
        Gift("5170564780938756245", "🚀", 50),
        Gift("5168043875654172773", "🏆", 100),
        Gift("5170690322832818290", "💍", 100),
        Gift("5980000000000000001", "❄️", 200, 3, "Snow Globe", 50),
        Gift("5980000000000000002", "🗿", 500, 3),
    )
}


def gift_json(world: World, gift: Gift) -> Json:
    """Return a Gift of the Bot API."""
    shown: Json = {
        "id": gift.id,
        "sticker": _sticker(world, gift.id, gift.emoji),
        "star_count": gift.stars,
    }
    if gift.upgrade_stars:
        shown["upgrade_star_count"] = gift.upgrade_stars
    if gift.total:
        sold = sum(
            each.get("receiver", {}).get("gift", {}).get("id") == gift.id
            for each in world.stars.transactions
        )
        shown |= {"remaining_count": gift.total - sold, "total_count": gift.total}
    return shown


def gift_info(world: World, gift: Gift, prepaid: int = 0, **said: object) -> Json:
    """Return a GiftInfo, with what was said to it."""
    info: Json = {"gift": gift_json(world, gift), "convert_star_count": gift.convert_stars}
    info |= {"can_be_upgraded": True} if gift.upgrade_stars else {}
    return info | ({"prepaid_upgrade_star_count": prepaid} if prepaid else {}) | said


def owned_json(world: World, info: Json, owned_id: str, giver: int) -> Json:
    """Return an OwnedGift of what a GiftInfo, or a UniqueGiftInfo, tells."""
    sender = world.bot_user if giver == world.bot_id else world.user(giver)
    head: Json = {"type": "regular" if "id" in info["gift"] else "unique"}
    head |= {"owned_gift_id": owned_id, "sender_user": sender, "send_date": world.now()}
    return {**head, "is_saved": True, **info}


def unique_json(world: World, gift: Gift) -> Json:
    """Return the next UniqueGift that a gift becomes."""
    number = world.number(f"unique {gift.id}")
    name = f"{gift.name.replace(' ', '')}-{number}"
    colors = {"center_color": 0x8CC8FA, "edge_color": 0x4A90C2}
    colors |= {"symbol_color": 0x1B4F7A, "text_color": 0xE6F4FF}
    parts = {
        part: {"name": shown, "sticker": _sticker(world, f"{gift.id}-{part}", gift.emoji)}
        for part, shown in (("model", "Classic"), ("symbol", "Star"))
    }
    head: Json = {"gift_id": gift.id, "base_name": gift.name, "name": name, "number": number}
    return {
        **head,
        "model": {**parts["model"], "rarity_per_mille": 20},
        "symbol": {**parts["symbol"], "rarity_per_mille": 5},
        "backdrop": {"name": "Sky Blue", "colors": colors, "rarity_per_mille": 15},
    }


def _sticker(world: World, name: str, emoji: str) -> Json:
    """Return the Sticker of a gift, whose file can be asked for."""
    names = {"file_id": f"gift-{name}", "file_unique_id": f"u-gift-{name}"}
    kind = {"type": "regular", "is_animated": True, "is_video": False, "emoji": emoji}
    sticker: Json = {**names, "width": 512, "height": 512, **kind}
    world.files.learn("sticker", sticker)
    return sticker
