"""A small bot for the tests, and a desk from which they ask for what a page would."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove

from toolkit import BotApp, SessionStorage, Talk, Tasks, button, create_bot, menu, on_talk
from toolkit.harness.simulator.page_api import PageApi
from toolkit.harness.simulator.sharing import Sent
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn

logger = logging.getLogger("tea")
router = Router()
TEA = menu([button("Green", "tea:green"), button("Black", "tea:black")], columns=2)


class Step(StrEnum):
    idle = "idle"
    choosing = "choosing"


@dataclass
class Session:
    step: Step = Step.idle
    tea: str | None = None
    cups: int = 0
    asked_at: datetime | None = None
    notes: list[str] = field(default_factory=list)


@router.message(Command("tea"))
async def offer(message: Message, session: Session) -> None:
    session.step = Step.choosing
    session.asked_at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    logger.info("offering tea")
    await message.answer("Which tea?", reply_markup=TEA)


@router.callback_query(F.data.startswith("tea:"))
async def pour(callback: CallbackQuery, session: Session) -> None:
    session.step, session.tea = Step.idle, (callback.data or "").removeprefix("tea:")
    session.cups += 1
    await callback.answer("Poured")
    if isinstance(callback.message, Message) and callback.from_user:
        name = callback.from_user.first_name
        await callback.message.edit_text(f"{name}, your tea comes on Mon 23 Nov at 14:00.")


@router.message(Command("later"))
async def answer_later(message: Message) -> None:
    asyncio.ensure_future(message.answer("here it is"))  # noqa: RUF006 - floated on purpose


@router.message(Command("hang"))
async def hang(message: Message, session: Session) -> None:
    session.notes.append("hung")
    await message.answer("wait")
    if session.notes == ["hung"]:
        await asyncio.Event().wait()


@router.message(Command("crash"))
async def crash(message: Message) -> None:
    raise RuntimeError("the kettle broke")


@router.message(Command("crash_later"))
async def crash_later(message: Message, tasks: Tasks) -> None:
    tasks.start(crash(message))


@router.message(Command("refused"))
async def send_what_telegram_refuses(message: Message) -> None:
    await message.answer("<p>paragraph</p>")


@router.message(Command("tell"))
async def tell_ben(message: Message) -> None:
    assert message.bot is not None
    await message.bot.send_message(2, "Tea is ready")


@on_talk(router, "order", Command("order"))
async def order(talk: Talk, session: Session) -> None:
    kind = await talk.ask("kind", "Which kind?", choices=["Green", "Black"], within=3600)
    session.notes.append(kind)
    session.cups += await talk.ask("cups", "How many cups?", read=int)
    await talk.event("paid")
    await talk.ask_message("phone", "Your number?", F.contact)
    await talk.ask("sure", "Sure?", choices=[True, False])


@router.message(F.text == "bye")
async def bye(message: Message, context: Any) -> None:
    del context.session
    await message.answer("Bye", reply_markup=ReplyKeyboardRemove())


@router.message(F.text)
async def echo(message: Message) -> None:
    await message.reply(f"You said: {message.text}", parse_mode=None)


def make_tea_house(storage: SessionStorage | None = None) -> BotApp[Session]:
    return create_bot(
        "42:offline",
        initial=Session,
        storage=storage,
        routers=(router,),
        commands={"tea": "Have tea"},
    )


class Desk:
    """Asks the simulation as a page does, and waits until the bot has done its part."""

    def __init__(self, folder: Path, make_bot: Callable[..., Any] = make_tea_house) -> None:
        self.news = asyncio.Event()
        self.simulation = Simulation(lambda: make_bot, lambda kind, data: self.news.set())
        self.api = PageApi(self.simulation, folder)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for the simulation to come to a point."""
        while not holds():
            self.news.clear()
            await self.news.wait()

    async def ask(self, do: str, **fields: Any) -> Any:
        """The result of a request. Raises AssertionError with the reason for a refusal."""
        result = await self.ask_at_once(do, **fields)
        for turn in self.simulation.recorder.turns:
            await self.simulation.recorder.settle(turn)
        return result

    async def attach(self, user: int, *files: Sent) -> None:
        """Send files, and wait until the bot has them."""
        await self.api.attach({"user": str(user), "chat": str(user)}, files)
        for turn in self.simulation.recorder.turns:
            await self.simulation.recorder.settle(turn)

    async def ask_at_once(self, do: str, **fields: Any) -> Any:
        """The same without waiting for the bot."""
        answer = await self.api.answer({"do": do, "id": 1, **fields})
        assert "error" not in answer, answer["error"]
        return answer["result"]

    async def refusal(self, do: str, **fields: Any) -> str:
        """Why a request is refused."""
        answer = await self.api.answer({"do": do, "id": 1, **fields})
        return str(answer["error"])

    def say_at_once(self, text: str, user: int = 1) -> Turn:
        """Type a text, and do not wait for the bot."""
        return self.simulation.act(lambda world: world.send_text(user, text))

    async def say(self, text: str, user: int = 1, chat: int | None = None, **more: Any) -> Turn:
        await self.ask("say", user=user, chat=chat or user, text=text, **more)
        return self.last

    async def tap(self, label: str, user: int = 1, chat: int | None = None) -> Turn:
        """Tap a button where it is on screen."""
        message_id, row, column = self.find(label, chat or user)
        await self.ask(
            "tap", user=user, chat=chat or user, message=message_id, row=row, column=column
        )
        return self.last

    def find(self, label: str, chat: int) -> tuple[int, int, int]:
        for message in reversed(self.simulation.telegram.messages(chat)):
            rows = message.get("reply_markup", {}).get("inline_keyboard", [])
            for row, buttons in enumerate(rows):
                for column, each in enumerate(buttons):
                    if each["text"] == label:
                        return message["message_id"], row, column
        raise AssertionError(f"no button {label!r}")

    def texts(self, chat: int = 1) -> list[str]:
        """What is on screen."""
        return [message["text"] for message in self.simulation.telegram.messages(chat)]

    def answers(self, chat: int = 1) -> list[str]:
        """The texts on screen that the bot has sent."""
        shown = self.simulation.telegram.messages(chat)
        bot = self.simulation.telegram.bot_id
        return [each["text"] for each in shown if "text" in each and each["from"]["id"] == bot]

    @property
    def last(self) -> Turn:
        return self.simulation.recorder.turns[-1]
