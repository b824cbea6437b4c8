"""Direct messages of channels: their topics, one for each user, and the posts suggested there.

https://core.telegram.org/bots/api#directmessagestopic, #suggestedpostinfo
"""

from __future__ import annotations

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import INT64, as_int, parsing
from toolkit.harness.fake_telegram.messages import SHOWN
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

STARS = range(5, 100_001)
NANOTONS = range(10_000_000, 10_000_000_000_001)


def is_direct(chat: Chat) -> bool:
    """Tell whether a chat is the direct messages of a channel."""
    return bool(chat.data.get("is_direct_messages"))


def topic_fields(request: Request, chat: Chat) -> Json:
    """Return the field that shows with whom the bot talks; refuse where that is not said."""
    topic_id = as_int(request.payload.get("direct_messages_topic_id"))
    if not topic_id:
        raise bad_request("channel direct messages topic must be specified")
    if topic_id not in chat.members or topic_id == request.world.bot_id:
        raise bad_request("wrong direct messages topic identifier specified")
    return in_direct_topic(request.world.user(topic_id))


def in_direct_topic(user: Json) -> Json:
    """Return the field of a message in the topic of a user."""
    return {"direct_messages_topic": {"topic_id": user["id"], "user": user}}


def suggested_post(request: Request) -> Json | None:
    """Return `suggested_post_parameters` of a message, which only direct messages take."""
    unparsed = "suggested post parameters JSON object"
    wrong = "object expected as suggested post parameters"
    value: Json | None = request.json("suggested_post_parameters", unparsed, wrong)
    if value is None:
        return None
    with parsing():
        send_date = fields.integer(value, "send_date")
        price = fields.nested(value, "price")
        read: Json = {} if price is None else {"price": _price(price)}
    return {**read, "send_date": send_date} if send_date else read


def _price(price: Json) -> Json:
    currency = fields.required_text(price, "currency")
    amount = fields.required_integer(price, "amount", INT64)
    if currency == "TON" and amount % 10_000_000:
        raise fields.Problem("Suggested post price must be divisible by 10000000 nanotoncoins")
    if currency not in ("XTR", "TON"):
        raise fields.Problem("Invalid suggested post price currency specified")
    return {"currency": currency, "amount": amount}


def check_suggested(chat: Chat, suggested: Json) -> None:
    """Refuse a suggested post elsewhere, and one with a price or a date that cannot be."""
    if not is_direct(chat):
        raise bad_request("suggested posts can be sent only to channel direct messages")
    price = suggested.get("price", {"currency": "XTR", "amount": 0})
    stars = price["currency"] == "XTR"
    if price["amount"] and price["amount"] not in (STARS if stars else NANOTONS):
        what = "Telegram Stars" if stars else "Gram cents"
        raise bad_request(f"invalid amount of {what} specified")
    if suggested.get("send_date", 0) < 0:
        raise bad_request("invalid post send date specified")


def suggestion(suggested: Json) -> Json:
    """Return the field of a message that suggests a post."""
    return {"suggested_post_info": {"state": "pending", **suggested}}


def publish(world: World, message: Json) -> Json:
    """Post a suggested post in its channel; return the update."""
    parent = world.chats[message["chat"]["id"]].details["parent_chat"]
    channel = world.chats[parent["id"]]
    content = {key: message[key] for key in SHOWN if key in message}
    paid = {"is_paid_post": True} if "price" in message["suggested_post_info"] else {}
    return world.emit_message(channel, world.new_message(channel, world.bot_user, content, **paid))
