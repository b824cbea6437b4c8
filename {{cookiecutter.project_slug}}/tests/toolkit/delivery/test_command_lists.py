"""The commands that Telegram offers, by scope and language."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.methods import SetMyCommands
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats

from toolkit import create_bot
from toolkit.harness.fake_telegram import ApiError, FakeTelegram, Fault, NetworkFailure

BOOK = BotCommand(command="book", description="Book a visit")
BUCHEN = BotCommand(command="book", description="Einen Termin buchen")
RULES = BotCommand(command="rules", description="The rules of this group")


async def declared(commands: Any, fault: Fault | None = None) -> tuple[Any, list[dict[str, Any]]]:
    app: Any = create_bot("42:fake", initial=dict, commands=commands)
    telegram = FakeTelegram(token="42:fake")
    telegram.attach(app.bot)
    if fault:
        telegram.faults.add(fault)
    async with app.running():
        pass
    return app, [call.payload for call in telegram.calls if call.method == "setMyCommands"]


async def test_a_dict_is_one_list_for_everybody() -> None:
    app, calls = await declared({"book": "Book a visit"})

    assert [call["commands"] for call in calls] == [[BOOK.model_dump(exclude_none=True)]]
    assert app.commands == {"book": "Book a visit"}


async def test_each_scope_and_language_has_a_list_of_its_own() -> None:
    groups = BotCommandScopeAllGroupChats()
    app, calls = await declared(
        [
            SetMyCommands(commands=[BOOK]),
            SetMyCommands(commands=[BUCHEN], language_code="de"),
            SetMyCommands(commands=[RULES], scope=groups),
        ]
    )

    assert [call.get("language_code") for call in calls] == [None, "de", None]
    assert calls[2]["scope"]["type"] == "all_group_chats"
    assert app.commands == {"book": "Book a visit", "rules": "The rules of this group"}


@pytest.mark.parametrize(
    ("error", "tried"),
    [
        (ApiError(400, "Bad Request: BOT_COMMAND_INVALID"), [None, "de"]),
        (NetworkFailure("unreachable"), [None]),
    ],
)
async def test_one_refused_list_is_no_reason_to_leave_out_the_others(
    error: ApiError | NetworkFailure, tried: list[str | None]
) -> None:
    lists = [SetMyCommands(commands=[BOOK]), SetMyCommands(commands=[BUCHEN], language_code="de")]
    _, calls = await declared(lists, Fault("setMyCommands", error=error, times=None))

    assert list(dict.fromkeys(call.get("language_code") for call in calls)) == tried


def test_anything_else_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(TypeError, match=r"a list of SetMyCommands .*; got 'book' in it"):
        create_bot("42:fake", initial=dict, commands=["book"])  # type: ignore[list-item]
