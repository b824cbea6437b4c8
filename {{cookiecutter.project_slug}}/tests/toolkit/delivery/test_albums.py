"""A handler that asks for `album` is called once for all messages of an album."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import BaseMiddleware, F, Router
from aiogram.types import Message

from toolkit import MemorySessionStorage, create_bot
from toolkit.app import BotApp
from toolkit.harness.storage import PersistentStorage

from .bots import TOKEN, Session


@pytest.fixture(autouse=True)
def _at_a_quicker_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.delivery.polling.THROTTLE", 0.01)
    monkeypatch.setattr("toolkit.delivery.polling.STORE_AFTER", 3600.0)
    monkeypatch.setattr("toolkit.albums.QUIET", 0.2)


class Collecting(BaseMiddleware):
    """What bots use with plain aiogram: wait, collect, and go on with the first message."""

    def __init__(self) -> None:
        self.albums: dict[str, list[Any]] = {}

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        group = event.media_group_id
        if group in self.albums:
            self.albums[group].append(event)
            return None
        self.albums[group] = [event]
        await asyncio.sleep(0.05)
        data["album"] = self.albums.pop(group)
        return await handler(event, data)


def gallery(router: Router | None = None, **options: Any) -> BotApp[Session]:
    """A bot that says how many pictures came together, and counts albums unless told "quietly"."""
    app = create_bot(TOKEN, initial=Session, **options)
    at: Router = router or app

    @at.message(F.photo)
    async def look(message: Message, album: list[Message], session: Session) -> None:
        if message.caption != "quietly":
            session.count += 1
        if message.caption == "fail":
            await message.answer("I try")
            raise RuntimeError("boom")
        await message.answer(",".join(part.caption or "-" for part in album))

    @at.message()
    async def echo(message: Message) -> None:
        await message.answer(message.text or "")

    if router is not None:
        app.include_router(router)
    return app


def send_album(telegram: Any, *captions: str, group: str = "g") -> list[Any]:
    """Send pictures together; returns their updates."""
    return [telegram.send_photo(5, caption=text, media_group_id=group) for text in captions]


async def test_an_album_is_handled_once_and_in_order(polling: Any) -> None:
    serving = polling(gallery())
    serving.telegram.send_text(5, "before")
    send_album(serving.telegram, "a", "b", "c", "d")
    serving.telegram.send_text(5, "after")
    await serving.until_confirmed()

    assert serving.texts == ["before", "a,b,c,d", "after"]
    record = await serving.app.session_storage.read("5_5")
    assert record["session"]["count"] == 1
    assert record["updates"] == [2, 3, 4, 5]


async def test_what_arrives_a_little_later_belongs_to_it(polling: Any) -> None:
    serving = polling(gallery())
    send_album(serving.telegram, "a")
    await serving.until(lambda: serving.polls > 3)
    send_album(serving.telegram, "b")
    await serving.until_confirmed()

    assert serving.texts == ["a,b"]


async def test_albums_and_single_pictures_are_told_apart(polling: Any) -> None:
    serving = polling(gallery())
    send_album(serving.telegram, "a", "b", group="1")
    send_album(serving.telegram, "c", "d", group="2")
    serving.telegram.send_photo(5, caption="e")
    await serving.until_confirmed()

    assert serving.texts == ["a,b", "c,d", "e"]


@pytest.mark.parametrize("outer", [True, False], ids=["outer", "inner"])
@pytest.mark.parametrize("on_app", [True, False], ids=["app", "router"])
async def test_a_middleware_that_collects_albums_works(
    polling: Any, outer: bool, on_app: bool
) -> None:
    router = Router()
    app = gallery(router)
    observer = app.message if on_app else router.message
    (observer.outer_middleware if outer else observer.middleware)(Collecting())
    serving = polling(app)
    send_album(serving.telegram, "a", "b", "c", "d")
    await serving.until_confirmed()

    assert serving.texts == ["a,b,c,d"]


async def test_an_album_that_changes_nothing_and_comes_again_is_not_handled_again(
    talk_to: Any,
) -> None:
    talk = talk_to(gallery())
    async with talk.app.running():
        updates = send_album(talk.telegram, "quietly", "b")
        await asyncio.gather(*map(talk.feed, updates))
        for update in updates:
            await talk.feed(update)

    assert talk.texts == ["quietly,b"]


async def test_an_album_whose_handler_fails_is_set_aside_once(polling: Any) -> None:
    serving = polling(gallery())
    send_album(serving.telegram, "fail", "b", "c")
    await serving.until_confirmed()

    assert serving.texts.count("I try") == 1
    keys = [key async for key in serving.app.session_storage.read_all_keys("dead:")]
    assert keys == ["dead:1"]


async def test_behind_a_webhook_an_album_is_whole_though_its_messages_wait_for_each_other(
    webhook: Any,
) -> None:
    serving = await webhook(gallery())

    for update in send_album(serving.telegram, "a", "b", "c"):
        assert await serving.post(update) == 200
    await serving.until_answered("a,b,c")


async def test_behind_a_webhook_it_survives_a_stop(
    webhook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    monkeypatch.setattr("toolkit.albums.QUIET", 3600.0)
    serving = await webhook(gallery(storage=storage), stop_within=3.01)
    for update in send_album(serving.telegram, "a", "b", "c"):
        assert await serving.post(update) == 200
    await serving.stop()
    assert serving.texts == []

    monkeypatch.setattr("toolkit.albums.QUIET", 0.2)
    again = await webhook(gallery(storage=storage), serving.telegram)
    await again.until_answered("a,b,c")
    await again.stop()

    assert [key async for key in storage.read_all_keys()] == ["5_5"]
