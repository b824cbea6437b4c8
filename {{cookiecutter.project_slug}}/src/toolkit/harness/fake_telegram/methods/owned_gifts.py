"""What the bot does with the gifts of a business: sell, upgrade and pass them on.

https://core.telegram.org/bots/api#convertgifttostars
"""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.business import connection_of, require
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.gift_catalogue import CATALOGUE, TRANSFER_STARS, unique_json
from toolkit.harness.fake_telegram.methods.gifts import owned_gifts
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat, User
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

_GIFT_ID = r"0|-?[1-9][0-9]*|-?[0-9]+_-?[0-9]+|@.*"


def _account(request: Request, connection: Json, right: str) -> tuple[User, Chat]:
    """Return the account of a business and its chat; refuse without the right, if any are told."""
    if "rights" in connection:
        require(connection, right)
    user_id, world = connection["user"]["id"], request.world
    world.user(user_id)
    return world.users[user_id], world.private_chat(user_id)


def _gift_id(request: Request) -> str:
    gift_id = request.text("owned_gift_id")
    if not re.fullmatch(_GIFT_ID, gift_id):
        raise bad_request("invalid gift identifier specified")
    return gift_id


def _owned(chat: Chat, gift_id: str) -> Json:
    for one in chat.gifts:
        if one["owned_gift_id"] == gift_id:
            return one
    raise bad_request("STARGIFT_NOT_FOUND")


def _pay(account: User, price: int, given: int, what: str) -> None:
    """Take what something costs from the account, which has to be what the bot offers."""
    if price and not given:
        raise bad_request("PAYMENT_REQUIRED")
    if given != price:
        raise bad_request(f"wrong {what} price specified")
    if account.business_stars < price:
        raise bad_request("BALANCE_TOO_LOW")
    account.business_stars -= price


@method("getBusinessAccountGifts")
def get_business_account_gifts(request: Request) -> Json:
    _, chat = _account(request, connection_of(request), "can_view_gifts_and_stars")
    return owned_gifts(request, chat)


@method("convertGiftToStars")
def convert_gift_to_stars(request: Request) -> bool:
    connection, gift_id = connection_of(request), _gift_id(request)
    account, chat = _account(request, connection, "can_convert_gifts_to_stars")
    one = _owned(chat, gift_id)
    if one["type"] != "regular":
        raise bad_request("STARGIFT_CONVERT_UNAVAILABLE")
    chat.gifts.remove(one)
    account.business_stars += one["convert_star_count"]
    return True


@method("upgradeGift")
def upgrade_gift(request: Request) -> bool:
    """Make a gift a collectible; what the bot pays for it comes from the account."""
    connection, gift_id = connection_of(request), _gift_id(request)
    account, chat = _account(request, connection, "can_transfer_and_upgrade_gifts")
    one = _owned(chat, gift_id)
    if not one.get("can_be_upgraded"):
        raise bad_request("STARGIFT_UPGRADE_UNAVAILABLE")
    gift, prepaid = CATALOGUE[one["gift"]["id"]], one.get("prepaid_upgrade_star_count", 0)
    given = request.integer("star_count", 0, 0, 1_000_000)
    _pay(account, 0 if prepaid else gift.upgrade_stars, given, "upgrade")
    kept = {name: one[name] for name in ("owned_gift_id", "sender_user", "send_date", "is_saved")}
    if not request.flag("keep_original_details"):
        del kept["sender_user"]
    made = {"type": "unique", **kept, "gift": unique_json(request.world, gift)}
    made |= {"can_be_transferred": True, "transfer_star_count": TRANSFER_STARS}
    chat.gifts[chat.gifts.index(one)] = made
    return True


@method("transferGift")
def transfer_gift(request: Request) -> bool:
    new_owner = request.text("new_owner_chat_id")
    if not new_owner:
        raise bad_request("chat identifier is empty")
    if not re.fullmatch("-?[0-9]{1,19}", new_owner):
        raise bad_request("chat identifier must be a valid Integer")
    connection, world = connection_of(request), request.world
    if int(new_owner) not in (world.users if int(new_owner) > 0 else world.chats):
        raise bad_request("have no access to the new gift owner")
    gift_id = _gift_id(request)
    account, chat = _account(request, connection, "can_transfer_and_upgrade_gifts")
    one = _owned(chat, gift_id)
    if one["type"] != "unique":
        raise bad_request("STARGIFT_NOT_UNIQUE")
    price = one["transfer_star_count"]
    _pay(account, price, request.integer("star_count", 0, 0, 1_000_000), "transfer")
    chat.gifts.remove(one)
    world.chat(int(new_owner)).gifts.append({**one, "send_date": world.now()})
    return True
