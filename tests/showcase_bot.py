"""A bot that sends every kind of message and button, and says what it was sent."""

from __future__ import annotations

import asyncio
import io
import json
import wave
import zlib
from typing import Any

from aiogram import F, Router
from aiogram.enums import ContentType
from aiogram.filters import Command
from aiogram.types import (
    BufferedInputFile,
    CallbackGame,
    CallbackQuery,
    ChosenInlineResult,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InputMediaPhoto,
    InputTextMessageContent,
    KeyboardButton,
    KeyboardButtonPollType,
    KeyboardButtonRequestChat,
    KeyboardButtonRequestManagedBot,
    KeyboardButtonRequestUsers,
    LabeledPrice,
    LoginUrl,
    MenuButtonWebApp,
    Message,
    MessageReactionUpdated,
    PollAnswer,
    PreCheckoutQuery,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    WebAppInfo,
)

from toolkit import BotApp, SessionStorage, create_bot

router = Router()
APP = "https://app.example/shop?a=1"


def inline(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[button] for button in buttons])


def picture(shade: int) -> BufferedInputFile:
    """A grey picture, 160 by 120."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    header = b"".join(number.to_bytes(4, "big") for number in (160, 120)) + b"\x08\0\0\0\0"
    rows = (b"\0" + bytes([shade]) * 160) * 120
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
    return BufferedInputFile(content, "picture.png")


def sound() -> bytes:
    """A tenth of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(8000)
        out.writeframes(b"\x80" * 800)
    return file.getvalue()


@router.message(Command("poll"))
async def send_polls(message: Message) -> None:
    await message.answer_poll("Tea or coffee?", ["Tea", "Coffee"], is_anonymous=False)
    await message.answer_poll(
        "2 + 2?", ["4", "5"], type="quiz", correct_option_id=0, explanation="Count."
    )
    await message.answer_poll("Which days?", ["Mon", "Tue", "Wed"], allows_multiple_answers=True)


@router.poll_answer()
async def count(answer: PollAnswer) -> None:
    assert answer.bot
    assert answer.user
    await answer.bot.send_message(answer.user.id, f"Voted {answer.option_ids}")


@router.message(Command("buy"))
async def send_invoice(message: Message) -> None:
    tea, cup = LabeledPrice(label="Tea", amount=2500), LabeledPrice(label="Cup", amount=5)
    tin = ("Green tea", "A tin", "tea", "EUR", [tea])
    await message.answer_invoice(*tin, provider_token="1:TEST")
    await message.answer_invoice("Sold out", "A tin", "none", "XTR", [cup])


@router.pre_checkout_query()
async def check(query: PreCheckoutQuery) -> None:
    await query.answer(ok=query.invoice_payload == "tea", error_message="No cups left")


@router.message(F.successful_payment)
async def thank(message: Message) -> None:
    await message.answer("Thank you")


@router.message(Command("buttons"))
async def send_buttons(message: Message) -> None:
    button = InlineKeyboardButton
    keys = [
        button(text="Copy", copy_text=CopyTextButton(text="SECRET-1")),
        button(text="Log in", login_url=LoginUrl(url="https://login.example/in?x=1")),
        button(text="Search here", switch_inline_query_current_chat="gr"),
        button(text="Again", url="https://t.me/fake_bot?start=again"),
        button(text="Open shop", web_app=WebAppInfo(url=APP)),
    ]
    menu = MenuButtonWebApp(text="Menu", web_app=WebAppInfo(url=APP))
    assert message.bot
    await message.bot.set_chat_menu_button(chat_id=message.chat.id, menu_button=menu)
    await message.answer("Press", reply_markup=inline(*keys))


@router.message(Command("ask"))
async def send_requests(message: Message) -> None:
    users = KeyboardButtonRequestUsers(request_id=1, max_quantity=2, request_name=True)
    chat = KeyboardButtonRequestChat(request_id=2, chat_is_channel=False, request_title=True)
    keys = [
        KeyboardButton(text="My number", request_contact=True),
        KeyboardButton(text="My place", request_location=True),
        KeyboardButton(text="Friends", request_users=users),
        KeyboardButton(text="A group", request_chat=chat),
        KeyboardButton(text="A poll", request_poll=KeyboardButtonPollType()),
        KeyboardButton(text="Shop", web_app=WebAppInfo(url=APP)),
        KeyboardButton(
            text="A bot", request_managed_bot=KeyboardButtonRequestManagedBot(request_id=3)
        ),
    ]
    rows = [keys[:2], keys[2:5], keys[5:]]
    await message.answer("What is it?", reply_markup=ReplyKeyboardMarkup(keyboard=rows))


@router.message(Command("media"))
async def send_media(message: Message) -> None:
    shades: list[Any] = [InputMediaPhoto(media=picture(shade)) for shade in (90, 130, 170)]
    await message.answer_media_group(shades)
    await message.answer_sticker(picture(200), emoji="🙂")
    voice = BufferedInputFile(sound(), "note.wav")
    await message.answer_voice(voice, duration=65)
    await message.answer_audio(
        BufferedInputFile(sound(), "song.wav"), title="Song", performer="Ann"
    )
    await message.answer_video(BufferedInputFile(b"no video", "clip.mp4"), duration=7)
    await message.answer_venue(52.5, 13.4, "Café", "Main Street 1")
    await message.answer_contact("+100", "Zoe")
    await message.answer_dice(emoji="🎰")
    keys = inline(InlineKeyboardButton(text="Play", callback_game=CallbackGame()))
    await message.answer_game("chess", reply_markup=keys)


@router.callback_query(F.game_short_name)
async def play(callback: CallbackQuery) -> None:
    await callback.answer(f"Opening {callback.game_short_name}")


@router.inline_query()
async def search(query: InlineQuery) -> None:
    teas = [tea for tea in ("Green", "Grey", "Black") if tea.lower().startswith(query.query)]
    await query.answer(
        [
            InlineQueryResultArticle(
                id=tea,
                title=tea,
                description=f"{tea} tea",
                input_message_content=InputTextMessageContent(message_text=f"A cup of {tea}"),
            )
            for tea in teas
        ]
    )


@router.chosen_inline_result()
async def note(chosen: ChosenInlineResult) -> None:
    assert chosen.bot
    await chosen.bot.send_message(chosen.from_user.id, f"Chosen: {chosen.result_id}")


@router.message_reaction()
async def see(change: MessageReactionUpdated) -> None:
    assert change.bot
    await change.bot.set_message_reaction(
        change.chat.id, change.message_id, [ReactionTypeEmoji(emoji="🔥")]
    )


@router.message(Command("stream"))
async def stream(message: Message) -> None:
    assert message.bot
    for text in ("Once", "Once <b>upon</b> a time"):
        await message.bot.send_message_draft(message.chat.id, draft_id=1, text=text)
    await asyncio.sleep(1)
    await message.answer("The end")


@router.message(Command("fail"))
async def fail(message: Message) -> None:
    raise ValueError("the first line\nand much\nmore of it")


@router.message(F.text.startswith("/start"))
async def start(message: Message) -> None:
    await message.answer(f"Started: {message.text}")


@router.message()
@router.edited_message()
async def tell(message: Message) -> None:
    kind, what = ContentType(message.content_type).value, ""
    if message.users_shared:
        what = str([user.first_name for user in message.users_shared.users])
    if message.chat_shared:
        what = str(message.chat_shared.title)
    if message.web_app_data:
        what = json.dumps(message.web_app_data.data)
    if message.forward_origin:
        kind = f"forwarded {kind}"
    if message.media_group_id:
        kind = f"album of {kind}"
    await message.answer(f"You sent: {kind} {message.text or what}".strip(), parse_mode=None)


def make_bot(storage: SessionStorage | None = None) -> BotApp[dict[str, str]]:
    return create_bot("42:offline", initial=dict, storage=storage, routers=(router,))
