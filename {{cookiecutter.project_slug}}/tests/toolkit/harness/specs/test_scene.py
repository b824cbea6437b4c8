"""What a spec is given: users, chats, sessions and records that are there when it begins."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.running_bot import RunningBot
from toolkit.harness.specs.spec import BotSpec, SpecError, parse_specs
from toolkit.harness.types import Json

from .everything_bot import make_bot

FORUM = -(10**12) - 5
WHO: Json = {"text": "/who"}


def spec_of(send: Json, *texts: str, **given: Any) -> BotSpec:
    expect = [{"method": "sendMessage", "payload": {"text": text}} for text in texts]
    steps = [{"send": send, "expect": expect}]
    return parse_specs({"name": "a", "given": given, "steps": steps}, "f")[0]


async def failure(send: Json, *texts: str, **given: Any) -> str | None:
    return (await run_spec(spec_of(send, *texts, **given), make_bot)).failure


ANN = {"id": 1, "first_name": "Ann", "last_name": "Lee", "language_code": "de", "is_premium": True}


@pytest.mark.parametrize(
    ("given", "send", "text"),
    [
        ({"users": [ANN]}, WHO, "Ann Lee de True, None, private, member"),
        ({"users": [{"id": 1, "username": "ann"}]}, WHO, "User 1 en None, None, private, member"),
        ({"sessions": {"1_1": {"name": "x"}}}, WHO, "User 1 en None, x, private, member"),
        (
            {"session": {"name": "y", "count": 4}, "sessions": {"2_2": {"name": "x"}}},
            WHO,
            "User 1 en None, y, private, member",
        ),
        (
            {"sessions": {"-9_1": {"name": "x"}}},
            {**WHO, "chatId": -9},
            "User 1 en None, x, group, member",
        ),
        (
            {"chats": [{"id": -9, "type": "supergroup", "bot_rights": []}]},
            {**WHO, "chatId": -9},
            "User 1 en None, None, supergroup, administrator",
        ),
        (
            {"chats": [{"id": FORUM, "topics": [{"id": 5, "name": "News"}]}]},
            {**WHO, "chatId": FORUM, "topicId": 5},
            "User 1 en None, None, supergroup, member",
        ),
        (
            {"chats": [{"id": -9, "type": "channel", "bot_rights": ["can_post_messages"]}]},
            {"text": "news", "chatId": -9},
            "posted: news",
        ),
        ({"records": {"slot": {"by": 2}}}, {"text": "/take"}, "Taken"),
        ({}, {"text": "/take"}, "Yours"),
    ],
)
async def test_the_scene_is_set(given: Json, send: Json, text: str) -> None:
    assert await failure(send, text, **given) is None


async def test_the_bot_has_the_rights_that_are_given() -> None:
    delete = {"text": "/delete", "chatId": -9}
    chat = {"id": -9, "type": "supergroup", "bot_rights": ["can_delete_messages"]}

    assert await failure(delete, chats=[chat]) is None
    refused = await failure(delete, chats=[{**chat, "bot_rights": ["can_pin_messages"]}])
    assert "message can't be deleted" in (refused or "")


async def test_chats_are_what_is_given() -> None:
    news = {"id": -7, "type": "channel", "title": "News", "username": "news"}
    forum = {"id": FORUM, "topics": [{"id": 5, "name": "Help"}], "administrators": [3]}
    given = {"users": [ANN], "chats": [{"id": 4, "type": "private"}, news, forum]}
    async with RunningBot(make_bot, given=given) as running:
        telegram = running.telegram
        assert telegram.chats[-7].data == {**news}
        assert telegram.chats[-7].status_of(telegram.bot_id) == "administrator"
        assert telegram.chats[FORUM].data["is_forum"]
        assert telegram.chats[FORUM].topics[5]["name"] == "Help"
        assert telegram.chats[FORUM].status_of(3) == "administrator"
        opened = telegram.send_text(3, "hi", FORUM)["message"]
        assert opened["message_id"] == 6
        # Whose private chat is there can be written to.
        await running.app.bot.send_message(4, "hi")


async def test_a_running_bot_is_given_what_a_spec_is_and_no_more() -> None:
    with pytest.raises(SpecError, match=r"^given\.chats\[0\]\.id: is missing"):
        RunningBot(make_bot, given={"chats": [{}]})


async def test_who_has_a_session_can_be_written_to() -> None:
    given = {"sessions": {"2_2": {"count": 1}}}
    async with RunningBot(make_bot, given=given) as running:
        await running.app.bot.send_message(2, "hi")
        assert await running.app.session_storage.read("2_2") == {
            "session": {"count": 1, "name": None},
            "version": 0,
        }


@pytest.mark.parametrize(
    ("sessions", "reason"),
    [
        ({"1_1": {"nam": "a"}}, "given.sessions.1_1: there is no field 'nam' in the session, only"),
        ({"1_1": {"count": "a"}}, "count"),
    ],
)
async def test_a_session_that_does_not_fit_fails_the_spec(sessions: Json, reason: str) -> None:
    assert reason in (await failure(WHO, sessions=sessions) or "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"sessions": {"a": {}}}, "given.sessions.a: is no key of a session, such as"),
        ({"sessions": {"1_1": []}}, "given.sessions.1_1: must be an object, not []"),
        ({"records": {"1_1": {}}}, "given.records.1_1: is a session: it goes into given.sessions"),
        ({"records": {"a": 1}}, "given.records.a: must be an object, not 1"),
        ({"records": {"": {}}}, "given.records, key: must not be empty"),
        ({"users": {}}, "given.users: must be an array, not {}"),
        ({"users": [{"id": 0}]}, "given.users[0].id: must be 1 or more, not 0"),
        ({"users": [{}]}, "given.users[0].id: is missing"),
        ({"users": [{"id": 1, "name": "a"}]}, "given.users[0].name: unknown field; it may be id, "),
        ({"chats": [{"id": -1, "is_forum": True}]}, "given.chats[0].is_forum: unknown field; it "),
        ({"chats": [{"id": 0}]}, "given.chats[0].id: 0 is the id of no chat"),
        ({"chats": [{"id": 1, "title": "a"}]}, "given.chats[0].title: unknown field; it may be id"),
        (
            {"chats": [{"id": 1, "type": "group"}]},
            "given.chats[0].id: of a group is below 0, not 1",
        ),
        (
            {"chats": [{"id": -1, "type": "private"}]},
            "given.chats[0].type: of a chat with an id below 0 must be group or supergroup or chan",
        ),
        (
            {"chats": [{"id": -1, "type": "group", "topics": []}]},
            'given.chats[0].type: of a forum must be supergroup, not "group"',
        ),
        (
            {"chats": [{"id": -1, "bot_rights": ["can_fly"]}]},
            'given.chats[0].bot_rights: "can_fly" is none of can_manage_chat, ',
        ),
        ({"chats": [{"id": -1, "members": ["a"]}]}, "given.chats[0].members: must be a whole num"),
        ({"chats": [{"id": -1, "topics": [{"id": 5}]}]}, "given.chats[0].topics.name: is missing"),
        (
            {"chats": [{"id": -1}, {"id": -1, "title": "a"}]},
            "given.chats[1].id: there is a chat -1 already",
        ),
        ({"users": [{"id": 1}, {"id": 1}]}, "given.users[1].id: there is a user 1 already"),
    ],
)
def test_what_cannot_be_given_is_refused(given: Json, reason: str) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of(WHO, **given)
    assert f"spec 1 (a), {reason}" in str(refused.value)


async def test_the_scene_is_set_once_though_the_bot_is_restarted() -> None:
    [spec] = parse_specs(
        {
            "name": "a",
            "given": {"sessions": {"1_1": {"count": 5}}, "records": {"slot": {}}},
            "steps": [
                {"send": {"text": "a"}, "expect": [], "session": {"count": 6}},
                {"send": {"text": "b"}, "expect": [], "session": {"count": 7}},
            ],
        },
        "f",
    )
    assert (await run_spec(spec, make_bot)).failure is None
    assert [relation.code async for relation, _, _ in broken(spec, make_bot)] == []
