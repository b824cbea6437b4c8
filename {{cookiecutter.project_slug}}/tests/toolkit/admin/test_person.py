"""Everything of one user: exported, and forgotten, from the command line and in a handler."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiogram.filters import Command
from aiogram.types import Message

from toolkit import BotApp, MemorySessionStorage, Sessions, create_bot, forget_user

from .conftest import Run
from .doubles import Lasting

ANN, BEN = 5, 55
SESSION = {"session": {"name": "x"}}


def update(user: int, chat: int) -> dict[str, Any]:
    sender, place = {"id": user, "first_name": "x"}, {"id": chat, "type": "private"}
    message = {"message_id": 1, "date": 1, "from": sender, "chat": place, "text": "hi"}
    return {"update_id": 1, "message": message}


OF_ANN = {
    "5_5": SESSION,
    "-100_5": SESSION,
    "-100_5_t7": SESSION,
    "5_900_bconnection": SESSION,
    "quarantine:5_5": {"raw": "{"},
    "quarantine:-100_5:2": {"raw": "{"},
    "parked:1": {"update": update(ANN, -100), "begun": False},
    "dead:2": {"update": update(900, ANN), "error": "x"},
    "dead:3": {"update": {"callback_query": {"from": {"id": ANN}, "id": "1"}}},
}
OF_OTHERS = {
    "55_55": SESSION,
    "-5_55": SESSION,
    "-100_-100": SESSION,
    "quarantine:55_55:5": {"raw": "{"},
    "parked:5": {"update": update(BEN, -100), "begun": False},
    "dead:5": {"update": update(BEN, BEN)},
    "slot:5": {"owner": ANN},
    "5_5:notes": {"of": "the owner"},
}


async def fill(storage: Any) -> Any:
    for key, value in {**OF_ANN, **OF_OTHERS}.items():
        await storage.write(key, value)
    return storage


async def all_keys(storage: Any) -> set[str]:
    return {key async for key in storage.read_all_keys()}


def test_the_command_exports_and_forgets_one_user_and_nobody_else(here: Lasting, run: Run) -> None:
    asyncio.run(fill(here))

    code, out, _ = run("export", "--user", str(ANN))
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {line["key"]: line["value"] for line in lines if "key" in line} == OF_ANN

    code, out, _ = run("forget", str(ANN), "--yes")
    assert code == 0
    assert set(out.split()) - {"deleted"} == set(OF_ANN)
    assert set(run("list", "--all")[1].split()) == set(OF_OTHERS)


def test_without_a_terminal_it_wants_to_be_told(here: Lasting, run: Run) -> None:
    code, _, err = run("forget", str(ANN))
    assert code == 2
    assert "cannot ask here whether to delete all that is remembered of user 5" in err


async def test_a_handler_forgets_the_user_whom_it_serves(talk_to: Any) -> None:
    storage = await fill(MemorySessionStorage())
    app: BotApp[Any] = create_bot("42:fake", initial=dict, storage=storage)

    @app.message(Command("forget"))
    async def forget(message: Message, sessions: Sessions[Any], session: dict[str, Any]) -> None:
        session["late"] = "change"
        await forget_user(sessions, ANN)
        await message.answer("All of it is gone.")

    talk = talk_to(app)
    await talk.say("/forget", ANN)

    assert talk.texts == ["All of it is gone."]
    assert await all_keys(storage) == set(OF_OTHERS)


async def test_an_update_in_work_is_left_to_itself_and_a_spoilt_record_goes(talk_to: Any) -> None:
    storage = await fill(MemorySessionStorage())
    app: BotApp[Any] = create_bot("42:fake", initial=dict, storage=storage)
    lease = await storage.checkout("parked:1", holder="another process", lease_for=30)
    talk_to(app)

    forgotten = await forget_user(app.sessions, ANN)

    assert set(forgotten) == set(OF_ANN) - {"parked:1"}
    await storage.checkin(lease, None)


async def test_what_the_owner_passes_as_sessions_stays_the_owners(talk_to: Any) -> None:
    app: BotApp[Any] = create_bot("42:fake", initial=dict)
    app["sessions"] = "the owner's"

    @app.message()
    async def tell(message: Message, sessions: str) -> None:
        await message.answer(sessions)

    talk = talk_to(app)
    await talk.say("hello", ANN)

    assert talk.texts == ["the owner's"]
