"""What the younger methods answer has the types of aiogram, and so have their updates."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import (
    BufferedInputFile,
    InputPaidMediaPhoto,
    InputProfilePhotoStatic,
    InputSticker,
    KeyboardButton,
    LabeledPrice,
    MaskPosition,
    Message,
    OwnedGiftUnique,
    PassportElementErrorSelfie,
    Update,
)

from toolkit.harness.fake_telegram import FakeTelegram

GROUP, CHANNEL = -(10**12) - 5, -(10**12) - 3
HEART, GLOBE = "5170145012310081615", "5980000000000000001"
CATS = "cats_by_fake_bot"
CHARGE = "telegram_payment_charge_id"


@pytest.fixture
def bot(telegram: FakeTelegram) -> Bot:
    telegram.send_text(1, "/start")
    telegram.deposit_stars(5000)
    telegram.channel(CHANNEL)
    telegram.group(GROUP, members=[1], bot="administrator")
    bot = Bot("42:fake")
    telegram.attach(bot)
    return bot


def picture() -> BufferedInputFile:
    return BufferedInputFile(b"\x89PNG cat", "cat.png")


def sticker(**fields: Any) -> InputSticker:
    return InputSticker(sticker=picture(), format="static", emoji_list=["😀"], **fields)


async def test_stickers(bot: Bot) -> None:
    place = MaskPosition(point="eyes", x_shift=0.0, y_shift=0.0, scale=1.0)
    for name, kind in ((CATS, "mask"), (f"small_{CATS}", "custom_emoji")):
        assert await bot.create_new_sticker_set(1, name, "Cats", [sticker()], sticker_type=kind)
    uploaded = await bot.upload_sticker_file(1, picture(), "static")
    assert uploaded.file_size == 8
    assert await bot.add_sticker_to_set(1, CATS, sticker(mask_position=place))
    first, second = (await bot.get_sticker_set(CATS)).stickers
    assert first.mask_position is None
    assert second.mask_position is not None
    assert second.mask_position.point == "eyes"
    assert await bot.set_sticker_position_in_set(second.file_id, 0)
    assert await bot.set_sticker_emoji_list(first.file_id, ["🐈"])
    assert await bot.set_sticker_keywords(first.file_id, ["cat"])
    assert await bot.set_sticker_mask_position(first.file_id, place)
    assert await bot.replace_sticker_in_set(1, CATS, second.file_id, sticker())
    assert await bot.delete_sticker_from_set(first.file_id)
    assert await bot.set_sticker_set_title(CATS, "Lions")
    assert await bot.set_sticker_set_thumbnail(CATS, 1, "static", picture())
    thumbnail = (await bot.get_sticker_set(CATS)).thumbnail
    assert thumbnail is not None
    emoji = (await bot.get_sticker_set(f"small_{CATS}")).stickers[0].custom_emoji_id
    assert emoji is not None
    assert await bot.set_custom_emoji_sticker_set_thumbnail(f"small_{CATS}", emoji)
    assert (await bot.get_custom_emoji_stickers([emoji]))[0].custom_emoji_id == emoji
    assert await bot.delete_sticker_set(CATS)


async def test_games(bot: Bot) -> None:
    sent = await bot.send_game(1, "snake")
    place: dict[str, Any] = {"chat_id": 1, "message_id": sent.message_id}
    scored = await bot.set_game_score(1, 5, **place)
    assert isinstance(scored, Message)
    assert scored.game is not None
    assert scored.game.text == "1. User 1: 5"
    assert (await bot.get_game_high_scores(1, **place))[0].user.id == 1


async def test_stars(bot: Bot, telegram: FakeTelegram) -> None:
    price = [LabeledPrice(label="Club", amount=5)]
    texts: dict[str, Any] = {
        "title": "Club",
        "description": "Months",
        "payload": "p",
        "currency": "XTR",
    }
    link = await bot.create_invoice_link(**texts, prices=price, subscription_period=2592000)
    query = telegram.pre_checkout(1, link=link)
    await bot.answer_pre_checkout_query(query["pre_checkout_query"]["id"], ok=True)
    update = telegram.pay(1, query["pre_checkout_query"]["id"])
    payment = Update.model_validate(update, context={"bot": bot}).message
    assert payment is not None
    charge = update["message"]["successful_payment"][CHARGE]
    assert await bot.edit_user_star_subscription(1, charge, is_canceled=True)
    failed = telegram.change_subscription(1, charge, "failed")
    assert Update.model_validate(failed, context={"bot": bot}).subscription is not None
    media = await bot.send_paid_media(1, 7, [InputPaidMediaPhoto(media=picture())], payload="cat")
    bought = telegram.buy_media(1, media.message_id)
    assert Update.model_validate(bought, context={"bot": bot}).purchased_paid_media is not None
    assert await bot.refund_star_payment(1, charge)
    assert await bot.send_gift(HEART, chat_id=CHANNEL)
    assert await bot.gift_premium_subscription(1, 3, 1000)
    assert (await bot.get_my_star_balance()).amount == 5000 + 7 - 15 - 1000
    found = (await bot.get_star_transactions()).transactions
    partners = [(each.source or each.receiver) for each in found]
    types = [partner.type for partner in partners if partner is not None]
    assert types == ["fragment", "user", "user", "user", "chat", "user"]


async def test_gifts(bot: Bot, telegram: FakeTelegram) -> None:
    owner = {"id": 1, "is_bot": False, "first_name": "Ann"}
    head = {"id": "shop", "user": owner, "user_chat_id": 1, "date": 1, "is_enabled": True}
    telegram.inject({"business_connection": head})
    assert GLOBE in {gift.id for gift in (await bot.get_available_gifts()).gifts}
    assert await bot.send_gift(GLOBE, user_id=1, pay_for_upgrade=True, text="For you")
    assert await bot.send_gift(HEART, user_id=1)
    given = [telegram.give_gift(2, "shop", GLOBE, unique=unique) for unique in (True, False)]
    owned_id = given[1]["business_message"]["gift"]["owned_gift_id"]
    for update in (*given, telegram.pay_gift_upgrade(2, "shop", owned_id)):
        Update.model_validate(update, context={"bot": bot})
    *_, heart, globe = (await bot.get_business_account_gifts("shop")).gifts
    assert heart.owned_gift_id is not None
    assert globe.owned_gift_id is not None
    assert await bot.convert_gift_to_stars("shop", heart.owned_gift_id)
    assert await bot.upgrade_gift("shop", globe.owned_gift_id)
    telegram.users[1].business_stars = 25
    assert await bot.transfer_gift("shop", globe.owned_gift_id, CHANNEL, star_count=25)
    assert (await bot.get_user_gifts(1)).total_count == 2
    (passed,) = (await bot.get_chat_gifts(CHANNEL)).gifts
    assert isinstance(passed, OwnedGiftUnique)


async def test_people(bot: Bot, telegram: FakeTelegram) -> None:
    assert await bot.verify_user(1, "Staff")
    assert await bot.remove_user_verification(1)
    assert await bot.verify_chat(CHANNEL)
    assert await bot.remove_chat_verification(CHANNEL)
    telegram.allow_emoji_status(1)
    assert await bot.set_user_emoji_status(1, "5", 1_800_000_000)
    assert (await bot.get_chat(1)).emoji_status_custom_emoji_id == "5"
    assert await bot.set_my_profile_photo(InputProfilePhotoStatic(photo=picture()))
    assert (await bot.get_user_profile_photos(42)).total_count == 1
    assert await bot.remove_my_profile_photo()
    telegram.add_profile_audio(1, "Song")
    assert (await bot.get_user_profile_audios(1)).audios[0].title == "Song"
    telegram.show_personal_chat(1, CHANNEL)
    await bot.send_message(CHANNEL, "news")
    assert (await bot.get_user_personal_chat_messages(1, 1))[0].text == "news"
    assert (await bot.get_chat(1)).personal_chat is not None
    error = PassportElementErrorSelfie(type="passport", file_hash="AAAA", message="Too dark")
    assert await bot.set_passport_data_errors(1, [error])
    assert telegram.profile["passport_errors", "1"][0]["source"] == "selfie"
    button = KeyboardButton(text="Phone", request_contact=True)
    assert (await bot.save_prepared_keyboard_button(1, button)).id == "1"


async def test_boosts_and_join_requests(bot: Bot, telegram: FakeTelegram) -> None:
    updates = [telegram.boost(1, GROUP)]
    assert len((await bot.get_user_chat_boosts(GROUP, 1)).boosts) == 1
    updates.append(telegram.unboost(1, GROUP))
    for update in updates:
        Update.model_validate(update, context={"bot": bot})
    telegram.ask_to_join(7, GROUP)
    telegram.chats[GROUP].requests[7]["query_id"] = "q"
    assert await bot.send_chat_join_request_web_app("q", "https://example.com/rules")
