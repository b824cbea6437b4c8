"""The bot that the harness's own tests talk to."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import toolkit.harness

SERVICES = ("Haircut", "Shave", "Silence", "Never mind")


@dataclass
class Visit:
    """What this bot remembers."""

    service: str | None = None
    times: int = 0


def _make_bot() -> Any:
    from aiogram import Bot, F, Router
    from aiogram.filters import Command, CommandObject
    from aiogram.types import CallbackQuery, Message

    from toolkit import SessionStorage, button, create_bot, menu

    router = Router()
    services = menu([button(name, name.lower()) for name in SERVICES], columns=4)

    @router.message(Command("book"))
    async def book(message: Message, session: Visit) -> None:
        session.times += 1
        await message.answer("What service?", reply_markup=services)

    @router.callback_query(F.data == "silence")
    async def say_nothing(query: CallbackQuery) -> None:
        """A tap that is never answered."""

    @router.callback_query(F.data == "never mind")
    async def give_up(query: CallbackQuery) -> None:
        await query.answer()
        if isinstance(query.message, Message):
            await query.message.delete()

    @router.callback_query()
    async def choose(query: CallbackQuery, session: Visit, bot: Bot) -> None:
        session.service = query.data
        await query.answer("Noted")
        text = f"When, for a {query.data}?"
        if isinstance(query.message, Message):
            await query.message.edit_text(text)
        elif query.inline_message_id is not None:
            await bot.edit_message_text(text, inline_message_id=query.inline_message_id)

    @router.message(F.text == "raise")
    async def fail(message: Message) -> None:
        raise ValueError("the handler is broken")

    @router.message(F.text.startswith("float"), F.text != "float a failure")
    async def float_a_call(message: Message, tasks: set[asyncio.Task[Any]]) -> None:
        async def later() -> None:
            for _ in range(10):
                await asyncio.sleep(0)
            await message.answer("floated")

        tasks.add(asyncio.create_task(later()))
        tasks.add(asyncio.create_task(asyncio.sleep(3600)))
        if message.text == "float and raise":
            raise ValueError("after floating")

    @router.message(F.text == "float a failure")
    async def float_a_failure(message: Message, tasks: set[asyncio.Task[Any]]) -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        tasks.add(asyncio.create_task(fail()))
        await asyncio.sleep(0)

    @router.message(F.text == "spoil the session")
    async def spoil(message: Message, storage: SessionStorage) -> None:
        await storage.write("1_1", {"session": {"times": "many"}})

    @router.message(Command("tell"))
    async def tell(message: Message, bot: Bot, command: CommandObject) -> None:
        await bot.send_message(int(command.args or 0), "You are told.")

    @router.message(F.text == "hang")
    async def hang(message: Message) -> None:
        await asyncio.Event().wait()

    @router.message(F.text == "start a worker")
    async def start_a_worker(
        message: Message, tasks: set[asyncio.Task[Any]], jobs: asyncio.Queue[str]
    ) -> None:
        async def work() -> None:
            while True:
                await message.answer(f"done: {await jobs.get()}")

        tasks.add(asyncio.create_task(work()))

    @router.message(F.text == "job")
    async def put_a_job(message: Message, jobs: asyncio.Queue[str]) -> None:
        jobs.put_nowait("job")

    @router.message(F.text)
    async def echo(message: Message) -> None:
        await message.answer(f"{message.from_user and message.from_user.id}: {message.text}")

    return create_bot(
        "42:offline",
        initial=Visit,
        routers=[router],
        commands={"book": "Book a visit"},
        tasks=set(),
        jobs=asyncio.Queue(),
    )


@pytest.fixture(scope="session")
def inner_pytest_imports() -> None:
    """Import now what an inner pytest would import, and forget when it ends."""
    importlib.import_module("toolkit.harness.fake_telegram.transport")
    importlib.import_module("toolkit.harness.specs.gate")
    for package in (toolkit, toolkit.harness):
        for name in dir(package):
            getattr(package, name)


@pytest.fixture
def make_bot() -> Callable[[], Any]:
    """A bot with one handler for each thing that a dialogue can meet."""
    return _make_bot
