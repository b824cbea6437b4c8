"""aiogram over the fake: its own preparation, its own types, its own exceptions."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from aiogram import Bot, exceptions, methods
from aiogram.client.default import DefaultBotProperties
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    Update,
)

from toolkit.harness.fake_telegram import FakeTelegram, Fault
from toolkit.harness.fake_telegram.methods import METHODS

PNG = b"\x89PNG picture"
MODELLED = ("send", "edit", "delete", "forward", "copy", "pin", "unpin", "answer", "stop")


@pytest.fixture
def bot(telegram: FakeTelegram) -> Bot:
    telegram.send_text(1, "/start")
    bot = Bot("42:fake", default=DefaultBotProperties(parse_mode="HTML"))
    telegram.attach(bot)
    return bot


async def test_the_default_parse_mode_is_resolved_before_the_check(
    bot: Bot, telegram: FakeTelegram
) -> None:
    message = await bot.send_message(1, "<b>hi</b>")
    assert isinstance(message, Message)
    assert message.html_text == "<b>hi</b>"
    assert telegram.calls[0].payload == {"chat_id": 1, "text": "<b>hi</b>", "parse_mode": "HTML"}
    with pytest.raises(exceptions.TelegramBadRequest, match='start tag "p" at byte offset 0'):
        await bot.send_message(1, "<p>")


async def test_a_keyboard_is_recorded_as_plain_json(bot: Bot, telegram: FakeTelegram) -> None:
    button = InlineKeyboardButton(text="A", callback_data="a")
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[button]])
    message = await bot.send_message(1, "hi", reply_markup=keyboard)
    rows = [[{"text": "A", "callback_data": "a"}]]
    assert telegram.calls[0].payload["reply_markup"] == {"inline_keyboard": rows}
    assert message.reply_markup is not None
    assert message.reply_markup.model_dump() == keyboard.model_dump()


async def test_files_are_sent_by_their_names_and_downloaded(
    bot: Bot, telegram: FakeTelegram
) -> None:
    document = BufferedInputFile(b"text", "notes.txt")
    message = await bot.send_document(1, document, caption="<i>here</i>")
    assert telegram.calls[0].payload["document"] == "attach://notes.txt"
    assert message.document is not None
    target = io.BytesIO()
    await bot.download(message.document, destination=target)
    assert target.getvalue() == b"text"


async def test_an_album_takes_uploads_of_one_name(bot: Bot) -> None:
    media: list[Any] = [InputMediaPhoto(media=BufferedInputFile(PNG, "a.png")) for _ in range(2)]
    messages = await bot.send_media_group(1, media)
    assert len({message.photo[0].file_id for message in messages if message.photo}) == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"error": 400, "text": "x"}, exceptions.TelegramBadRequest),
        ({"error": 401}, exceptions.TelegramUnauthorizedError),
        ({"error": 403}, exceptions.TelegramForbiddenError),
        ({"error": 404}, exceptions.TelegramNotFound),
        ({"error": 409}, exceptions.TelegramConflictError),
        ({"error": 413}, exceptions.TelegramEntityTooLarge),
        ({"error": 429, "retry_after": 3}, exceptions.TelegramRetryAfter),
        ({"error": 500}, exceptions.RestartingTelegram),
        ({"error": 502}, exceptions.TelegramServerError),
        ({"error": "network"}, exceptions.TelegramNetworkError),
    ],
)
async def test_a_refusal_is_the_exception_of_aiogram(
    bot: Bot, telegram: FakeTelegram, error: dict[str, Any], expected: type[Exception]
) -> None:
    telegram.faults.add(Fault.from_json(error))
    with pytest.raises(exceptions.TelegramAPIError) as raised:
        await bot.get_me()
    assert type(raised.value) is expected


async def test_others_go_on_while_a_call_is_on_its_way(bot: Bot) -> None:
    taken: list[int] = []

    async def take(user: int) -> None:
        if not taken:
            await bot.send_message(1, "Yours.")
            taken.append(user)

    await asyncio.gather(take(1), take(2))
    assert taken == [1, 2]


async def test_request_middlewares_run_however_they_were_registered() -> None:
    seen: list[str] = []

    async def note(make_request: Any, bot: Bot, method: Any) -> Any:
        seen.append(type(method).__name__)
        return await make_request(bot, method)

    bot = Bot("42:fake")
    real = bot.session
    bot.session.middleware(note)
    for _ in range(2):
        FakeTelegram().attach(bot)
        await bot.get_me()
    real.middleware(note)
    bot.session.middleware(note)
    await bot.get_me()
    assert seen == ["GetMe"] * 5
    await real.close()


async def test_a_group_that_moved_gives_its_new_id(bot: Bot, telegram: FakeTelegram) -> None:
    telegram.group(-5)
    telegram.migrate(-5, -(10**12) - 5)
    with pytest.raises(exceptions.TelegramMigrateToChat) as raised:
        await bot.send_message(-5, "hi")
    assert raised.value.migrate_to_chat_id == -(10**12) - 5


async def test_a_method_that_is_not_modelled_is_not_found(bot: Bot) -> None:
    with pytest.raises(exceptions.TelegramNotFound, match="does not model logOut"):
        await bot.log_out()


async def test_updates_of_people_are_updates_of_aiogram(bot: Bot, telegram: FakeTelegram) -> None:
    group = -(10**12) - 5
    telegram.updates.allow(["chat_member", "message_reaction", "message", "my_chat_member"])
    telegram.group(group, forum=True)
    updates = [
        telegram.send_text(1, "/book"),
        telegram.send_photo(1, PNG, caption="look"),
        telegram.send_location(1, 1.0, 2.0),
        telegram.edit_text(1, 1, "edited"),
        telegram.tap(1, 1, "x"),
        telegram.tap(1, 77, "gone"),
        telegram.join(1, group),
        telegram.create_topic(1, group, "News"),
        telegram.set_member(1, 2, group, "administrator"),
        telegram.set_member(1, 2, group, "restricted"),
        telegram.ask_to_join(3, group),
        telegram.inline_query(1, "cats"),
        telegram.react(1, 1, "👍"),
        telegram.block(1),
        telegram.leave(2, group),
        telegram.remove_bot(1, group),
    ]
    for update in updates:
        Update.model_validate(update, context={"bot": bot})


async def test_what_is_looked_up_has_the_types_of_aiogram(bot: Bot, telegram: FakeTelegram) -> None:
    group = -(10**12) - 5
    telegram.group(group, members=[1], bot="administrator")
    assert (await bot.get_chat(1)).type == "private"
    assert (await bot.get_chat(group)).permissions is not None
    assert len(await bot.get_chat_administrators(group)) == 1
    assert (await bot.get_chat_member(group, 1)).status == "member"
    assert await bot.get_chat_member_count(group) == 2
    assert (await bot.create_chat_invite_link(group)).invite_link.startswith("https://t.me/+")
    assert (await bot.send_poll(1, "Lunch?", ["Yes", "No"])).poll is not None
    assert (await bot.send_dice(1)).dice is not None
    assert (await bot.send_venue(1, 1.0, 2.0, "Cafe", "Street 1")).venue is not None
    assert (await bot.get_webhook_info()).url == ""
    assert (await bot.get_chat_menu_button()).type == "commands"
    assert (await bot.get_my_name()).name == "Bot"


def test_every_method_that_sends_edits_deletes_or_answers_is_modelled() -> None:
    known = {m.__api_method__ for m in vars(methods).values() if hasattr(m, "__api_method__")}
    wanted = {name for name in known if isinstance(name, str) and name.startswith(MODELLED)}
    assert [name for name in wanted if name.lower() not in METHODS] == []
