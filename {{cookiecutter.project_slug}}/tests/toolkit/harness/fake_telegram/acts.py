"""What users do, by the kind of update and by the kind of content that it makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.types import Json

from .conftest import SUPERGROUP

Act = Callable[[FakeTelegram], Any]
GROUP, CHANNEL, FORUM = SUPERGROUP - 22, SUPERGROUP - 3, SUPERGROUP - 28
TOPIC = 3
NEW = SUPERGROUP - 900
GLOBE = "5980000000000000001"
CHECKLIST = {"title": "Errands", "tasks": [{"id": 1, "text": "Milk"}, {"id": 2, "text": "Tea"}]}
BUTTONS = [
    [{"text": "Users", "request_users": {"request_id": 1, "request_name": True}}],
    [{"text": "Chat", "request_chat": {"request_id": 2, "chat_is_channel": False}}],
    [{"text": "Bot", "request_managed_bot": {"request_id": 3}}],
    [{"text": "App", "web_app": {"url": "https://example.com"}}],
]


def connected(t: FakeTelegram) -> str:
    """Return a business connection of user 7."""
    return str(t.connect_business(7)["business_connection"]["id"])


def written(t: FakeTelegram) -> tuple[str, int]:
    """Return a business connection, and the message that user 1 has written to it."""
    connection = connected(t)
    sent = t.send_business(1, connection, "hello")["business_message"]
    return connection, sent["message_id"]


async def drafted(t: FakeTelegram) -> Json:
    draft = {"chat_id": 1, "draft_id": 5, "text": "thinking", "can_stop": True}
    await t.call("sendMessageDraft", draft)
    return t.stop_generation(1)


async def asked(t: FakeTelegram) -> None:
    keyboard = {"keyboard": BUTTONS}
    await t.call("sendMessage", {"chat_id": 1, "text": "?", "reply_markup": keyboard})


async def voted(t: FakeTelegram) -> Json:
    poll = {"chat_id": 1, "question": "q", "options": ["a", "b"], "is_anonymous": False}
    sent = await t.call("sendPoll", poll)
    return t.vote(1, sent["poll"]["id"], 1)


async def chosen(t: FakeTelegram) -> Json:
    query = t.inline_query(1, "cats")["inline_query"]["id"]
    content = {"message_text": "meow"}
    article = {"type": "article", "id": "7", "title": "Cat", "input_message_content": content}
    await t.call("answerInlineQuery", {"inline_query_id": query, "results": [article]})
    return t.choose_result(1, query, "7", 1)


async def subscribed(t: FakeTelegram) -> Json:
    """Let user 1 subscribe, and cancel it."""
    month = {**STARS, "subscription_period": 30 * 86400}
    query = t.pre_checkout(1, link=await t.call("createInvoiceLink", month))
    approval = {"pre_checkout_query_id": query["pre_checkout_query"]["id"], "ok": True}
    await t.call("answerPreCheckoutQuery", approval)
    payment = t.pay(1, approval["pre_checkout_query_id"])["message"]["successful_payment"]
    return t.change_subscription(1, payment["telegram_payment_charge_id"], "canceled")


async def bought(t: FakeTelegram) -> Json | None:
    """Let the bot sell a photo, and user 1 buy it."""
    sold = {"chat_id": 1, "star_count": 5, "media": PHOTOS, "payload": "cat"}
    sent = await t.call("sendPaidMedia", sold)
    return t.buy_media(1, sent["message_id"])


def boosted(t: FakeTelegram) -> Json:
    t.boost(1, GROUP)
    return t.unboost(1, GROUP)


def upgraded(t: FakeTelegram) -> Json:
    """Let user 1 give a business a gift, and pay for its upgrade."""
    connection = connected(t)
    gift = t.give_gift(1, connection, GLOBE)["business_message"]["gift"]
    return t.pay_gift_upgrade(1, connection, gift["owned_gift_id"])


ADDRESS = {
    **dict.fromkeys(("state", "city", "street_line1", "street_line2", "post_code"), "x"),
    "country_code": "DE",
}
UPDATES: dict[str, Act] = {
    "message": lambda t: t.send_text(1, "hi"),
    "edited_message": lambda t: t.edit_text(1, t.send_text(1, "a")["message"]["message_id"], "b"),
    "channel_post": lambda t: t.send_text(1, "hi", CHANNEL),
    "edited_channel_post": lambda t: t.edit_text(
        1, t.send_text(1, "hi", CHANNEL)["channel_post"]["message_id"], "b", CHANNEL
    ),
    "business_connection": lambda t: t.connect_business(7),
    "business_message": lambda t: t.send_business(1, connected(t), "hello"),
    "edited_business_message": lambda t: t.edit_business(1, *written(t), "bye"),
    "deleted_business_messages": lambda t: t.delete_business((found := written(t))[0], 1, found[1]),
    "guest_message": lambda t: t.ask_guest(1, NEW, "@fake_bot what is this?"),
    "message_reaction": lambda t: t.react(1, 1, "👍"),
    "message_reaction_count": lambda t: t.react(1, 1, "👍", chat_id=CHANNEL),
    "inline_query": lambda t: t.inline_query(1, "cats"),
    "chosen_inline_result": chosen,
    "callback_query": lambda t: t.tap(1, label="A"),
    "shipping_query": lambda t: t.shipping(1, 6, ADDRESS),
    "pre_checkout_query": lambda t: t.pre_checkout(1, 6),
    "poll": lambda t: voted(t),
    "poll_answer": voted,
    "my_chat_member": lambda t: t.block(1),
    "chat_member": lambda t: t.join(9, GROUP),
    "chat_join_request": lambda t: t.ask_to_join(9, GROUP),
    "managed_bot": lambda t: t.create_managed_bot(1, "Helper", "helper_bot"),
    "stopped_message_generation": drafted,
    "subscription": subscribed,
    "purchased_paid_media": bought,
    "chat_boost": lambda t: t.boost(1, GROUP),
    "removed_chat_boost": boosted,
}


def sends(kind: str) -> Act:
    return lambda t: t.send_file(1, kind, b"x")


async def forwarded(t: FakeTelegram, method: str, **content: Any) -> Json:
    """Let the bot send something, and a user forward it to a group."""
    return t.forward(1, await t.call(method, {"chat_id": 1, **content}), GROUP)


async def shared(t: FakeTelegram, what: str, *of: Any) -> Any:
    await asked(t)
    return getattr(t, what)(1, *of)


def marked(t: FakeTelegram) -> Json:
    sent = t.send_checklist(1, "Errands", "Milk", "Tea", chat_id=GROUP)["message"]
    return t.mark_tasks(1, sent["message_id"], 1, chat_id=GROUP)


def added(t: FakeTelegram) -> Json:
    sent = t.send_checklist(1, "Errands", "Milk", chat_id=GROUP)["message"]
    return t.add_tasks(1, sent["message_id"], "Tea", chat_id=GROUP)


async def answered(t: FakeTelegram, method: str, outcome: str = "") -> None:
    """Let user 1 suggest a post, and the bot answer."""
    price = {"currency": "XTR", "amount": 100}
    post = t.suggest_post(1, CHANNEL, "Buy tea", price)["message"]
    place = {"chat_id": post["chat"]["id"], "message_id": post["message_id"]}
    await t.call(method, place)
    if outcome:
        t.end_suggested_post(CHANNEL, post["message_id"], outcome)


def raffled(t: FakeTelegram, *, public: bool) -> Json:
    post = t.start_giveaway(CHANNEL, 2, stars=500, public=public)["channel_post"]
    return t.end_giveaway(CHANNEL, post["message_id"], 1)


def owned(t: FakeTelegram) -> int:
    t.set_member(1, 1, GROUP, "creator")
    return GROUP


async def paid(t: FakeTelegram, *, back: bool = False) -> None:
    query = t.pre_checkout(1, 6)["pre_checkout_query"]["id"]
    await t.call("answerPreCheckoutQuery", {"pre_checkout_query_id": query, "ok": True})
    payment = t.pay(1, query)["message"]["successful_payment"]
    if back:
        charge = {"telegram_payment_charge_id": payment["telegram_payment_charge_id"]}
        await t.call("refundStarPayment", {"user_id": 1, **charge})


async def options(t: FakeTelegram, what: str) -> Json:
    poll = {"chat_id": GROUP, "question": "q", "options": ["a", "b"], "is_anonymous": False}
    sent = await t.call("sendPoll", {**poll, "allow_adding_options": True})
    t.add_poll_option(1, sent["poll"]["id"], "c")
    return t.delete_poll_option(1, sent["poll"]["id"], 2) if what == "deleted" else {}


def in_community(t: FakeTelegram, what: str) -> None:
    t.join_community(1, GROUP, "Tea lovers")
    getattr(t, what)(9 if what.startswith("join") else 1, GROUP)


STARS: Json = {"title": "Tea", "description": "Hot", "payload": "tea", "currency": "XTR"}
STARS["prices"] = [{"label": "Tea", "amount": 1}]
PHOTOS = [{"type": "photo", "media": "https://example.com/cat.jpg"}]
FILES = "animation audio document photo sticker video video_note voice live_photo"
CONTENTS: dict[str, Callable[[FakeTelegram], Awaitable[Any] | Any]] = {
    "text": lambda t: t.send_text(1, "hi"),
    **{kind: sends(kind) for kind in FILES.split()},
    "paid_media": lambda t: forwarded(t, "sendPaidMedia", star_count=5, media=PHOTOS),
    "story": lambda t: t.send_story(1, t.post_story(9)),
    "checklist": lambda t: t.send_checklist(1, "Errands", "Milk"),
    "contact": lambda t: t.send_contact(1),
    "dice": lambda t: t.send_dice(1),
    "game": lambda t: forwarded(t, "sendGame", game_short_name="chess"),
    "poll": lambda t: t.send_poll(1, "Lunch?", "Yes", "No"),
    "venue": lambda t: t.send_venue(1, 52.5, 13.4, "Shop"),
    "location": lambda t: t.send_location(1, 52.5, 13.4),
    "rich_message": lambda t: forwarded(t, "sendRichMessage", rich_message={"html": "<p>x</p>"}),
    "new_chat_members": lambda t: t.join(9, GROUP),
    "left_chat_member": lambda t: t.leave(1, GROUP),
    "chat_owner_left": lambda t: t.leave_as_owner(1, owned(t), 2),
    "chat_owner_changed": lambda t: t.change_owner(1, owned(t), 2),
    "new_chat_title": lambda t: t.set_title(1, GROUP, "Tea"),
    "new_chat_photo": lambda t: t.set_photo(1, GROUP, b"x"),
    "delete_chat_photo": lambda t: t.delete_photo(1, GROUP),
    "group_chat_created": lambda t: t.create_group(1, -900, "Tea"),
    "message_auto_delete_timer_changed": lambda t: t.set_auto_delete(1, 3600, GROUP),
    "migrate_to_chat_id": lambda t: t.migrate(-21),
    "migrate_from_chat_id": lambda t: t.migrate(-21),
    "pinned_message": lambda t: t.pin(1, 1, GROUP),
    "invoice": lambda t: forwarded(t, "sendInvoice", **STARS),
    "successful_payment": paid,
    "refunded_payment": lambda t: paid(t, back=True),
    "users_shared": lambda t: shared(t, "share_users", 2),
    "user_shared": lambda t: shared(t, "share_users", 2),
    "chat_shared": lambda t: shared(t, "share_chat", GROUP),
    "managed_bot_created": lambda t: shared(t, "create_managed_bot", "Helper", "helper_bot"),
    "web_app_data": lambda t: shared(t, "send_web_app_data", "{}"),
    "connected_website": lambda t: t.log_in(1, "example.com"),
    "write_access_allowed": lambda t: t.allow_writing(1, "shop"),
    "proximity_alert_triggered": lambda t: t.come_near(1, GROUP, 2, 50),
    "chat_background_set": lambda t: t.set_background(1, 0xFF8800),
    "checklist_tasks_done": marked,
    "checklist_tasks_added": added,
    "direct_message_price_changed": lambda t: t.set_direct_message_price(CHANNEL, 10),
    "forum_topic_created": lambda t: t.create_topic(1, FORUM, "Tea"),
    "forum_topic_edited": lambda t: t.edit_topic(1, FORUM, TOPIC, "Tea"),
    "forum_topic_closed": lambda t: t.close_topic(1, FORUM, TOPIC),
    "forum_topic_reopened": lambda t: t.close_topic(1, FORUM, TOPIC, closed=False),
    "general_forum_topic_hidden": lambda t: t.hide_general(1, FORUM),
    "general_forum_topic_unhidden": lambda t: t.hide_general(1, FORUM, hidden=False),
    "giveaway_created": lambda t: t.start_giveaway(CHANNEL),
    "giveaway": lambda t: t.start_giveaway(CHANNEL),
    "giveaway_winners": lambda t: raffled(t, public=True),
    "giveaway_completed": lambda t: raffled(t, public=False),
    "paid_message_price_changed": lambda t: t.set_message_price(1, GROUP, 5),
    "poll_option_added": lambda t: options(t, "added"),
    "poll_option_deleted": lambda t: options(t, "deleted"),
    "suggested_post_approved": lambda t: answered(t, "approveSuggestedPost"),
    "suggested_post_declined": lambda t: answered(t, "declineSuggestedPost"),
    "suggested_post_approval_failed": lambda t: answered(t, "approveSuggestedPost", "failed"),
    "suggested_post_paid": lambda t: answered(t, "approveSuggestedPost", "paid"),
    "suggested_post_refunded": lambda t: answered(t, "approveSuggestedPost", "refunded"),
    "video_chat_scheduled": lambda t: t.video_chat(1, GROUP, "scheduled", at=1_700_003_600),
    "video_chat_started": lambda t: t.video_chat(1, GROUP),
    "video_chat_ended": lambda t: t.video_chat(1, GROUP, "ended", at=60),
    "video_chat_participants_invited": lambda t: t.video_chat(
        1, GROUP, "participants_invited", 2, 4
    ),
    "community_chat_added": lambda t: t.join_community(1, GROUP, "Tea lovers"),
    "community_chat_joined": lambda t: in_community(t, "join_through_community"),
    "community_chat_removed": lambda t: in_community(t, "leave_community"),
    "gift": lambda t: t.give_gift(1, connected(t), GLOBE),
    "unique_gift": lambda t: t.give_gift(1, connected(t), GLOBE, unique=True),
    "gift_upgrade_sent": upgraded,
    "boost_added": lambda t: t.boost(1, GROUP),
}
