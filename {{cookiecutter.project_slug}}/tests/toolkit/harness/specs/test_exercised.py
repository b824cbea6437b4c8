"""What the specs of a bot leave out: handlers, steps, buttons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from toolkit import SessionStorage, Talk, button, create_bot, menu, on_talk
from toolkit.harness.specs.exercised import Exercised, untapped
from toolkit.harness.specs.runner import SpecResult, run_spec
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.types import Json


class Step(StrEnum):
    """Where a user is."""

    idle = "idle"
    asking = "asking"
    paying = "paying"


@dataclass
class Session:
    """What this bot remembers."""

    step: Step = Step.idle


def make_bot(*, storage: SessionStorage | None = None) -> Any:
    router = Router()

    @router.message(Command("ask"))
    async def ask(message: Message, session: Session) -> None:
        session.step = Step.asking
        keys = menu([button("Yes", "answer:yes"), button("No", "answer:no"), button("Stop", "end")])
        await message.answer("Sure?", reply_markup=keys)

    @router.callback_query(F.data.startswith("answer"))
    async def answer(query: CallbackQuery, session: Session) -> None:
        session.step = Step.idle
        await query.answer()

    @router.message(Command("pay"))
    @router.callback_query(F.data == "end")
    async def pay(event: Message | CallbackQuery, session: Session) -> None:
        session.step = Step.paying
        if isinstance(event, CallbackQuery):
            await event.answer()

    return create_bot("42:offline", initial=Session, storage=storage, routers=[router])


async def play(*sends: Json) -> tuple[list[str], SpecResult]:
    steps = [{"send": send, "expect": []} for send in sends]
    (spec,) = parse_specs({"name": "a", "steps": steps}, "f")
    exercised = Exercised(make_bot)
    result = await run_spec(spec, exercised.make_bot)
    assert result.ok, result.failure
    missing = [*exercised.missing(), *untapped(result.played)]
    return [f"{failure.code} {failure.why}" for failure in missing], result


async def test_what_no_spec_reaches_is_named() -> None:
    missing, _ = await play({"text": "/ask"})

    assert missing == [
        "HANDLER_NEVER_RUN no spec runs the handler make_bot.<locals>.pay, which takes "
        "callback_query and message updates",
        "HANDLER_NEVER_RUN no spec runs the handler make_bot.<locals>.answer, which takes "
        "callback_query updates",
        "STEP_NEVER_LEFT no spec leaves Step.asking",
        "STEP_NEVER_ENTERED no spec enters Step.paying",
        "BUTTON_NEVER_TAPPED no spec taps a button like 'Yes', whose callback data begins with "
        "'answer'",
        "BUTTON_NEVER_TAPPED no spec taps a button like 'Stop', whose callback data begins with "
        "'end'",
    ]


async def test_a_handler_for_two_kinds_of_updates_may_run_for_either() -> None:
    missing, _ = await play(
        {"text": "/ask"}, {"tap": "No"}, {"text": "/pay"}, {"text": "/ask"}, {"tap": "Stop"}
    )

    assert missing == []


async def ask_for_a_size(talk: Talk) -> None:
    await talk.ask("size", "Size?")


@pytest.mark.parametrize("text", ["/order", "/ask"])
async def test_a_talk_is_one_handler_whatever_brings_it_on(text: str) -> None:
    def make_talking_bot(*, storage: SessionStorage | None = None) -> Any:
        app = make_bot(storage=storage)
        router = Router()
        on_talk(router, "order", Command("order"))(ask_for_a_size)
        app.include_router(router)
        return app

    (spec,) = parse_specs({"name": "a", "steps": [{"send": {"text": text}, "expect": []}]}, "f")
    exercised = Exercised(make_talking_bot)
    assert (await run_spec(spec, exercised.make_bot)).ok

    named = [each for each in exercised.missing() if "ask_for_a_size" in each.why]

    assert len(named) == (text == "/ask")
    for each in named:
        assert each.code == "HANDLER_NEVER_RUN"
        assert "test_exercised.py:" in (each.file or "")
        assert each.why.endswith("which takes callback_query and message and timer updates")


def test_a_handler_is_named_with_its_place() -> None:
    exercised = Exercised(make_bot)
    exercised.make_bot()

    places = {str(failure.file) for failure in exercised.missing() if failure.file}

    assert len(places) == 3
    for place in places:
        name, _, line = place.rpartition(":")
        code = Path(name).read_text(encoding="utf-8").splitlines()
        assert code[int(line) - 1].strip().startswith("@router.")
