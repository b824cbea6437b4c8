"""People with usernames, languages and ids; groups, forums and channels with rights."""

from __future__ import annotations

import pytest

from toolkit.harness.simulator import people
from toolkit.harness.simulator.saving import draft

from .tea_house import Desk, make_tea_house


async def test_a_person_has_the_id_the_username_and_the_language_that_were_chosen(
    desk: Desk,
) -> None:
    user = await desk.ask("meet", name="Dora", username="@dora", language="pt-br", user_id="4711")
    assert user == 4711
    turn = await desk.say("hello", user)
    assert turn.message is not None
    sender = turn.message["from"]
    assert (sender["username"], sender["language_code"]) == ("dora", "pt-br")
    assert await desk.ask("meet", name="Eve") == 4712


async def test_a_person_can_be_described_anew_and_keeps_what_was_said(desk: Desk) -> None:
    before = await desk.say("hello")
    await desk.ask("describe", user=1, name="Anna", username="anna", language="de")
    after = await desk.say("hallo")
    assert before.message is not None
    assert after.message is not None
    assert before.message["from"] == {
        "id": 1,
        "is_bot": False,
        "first_name": "Ann",
        "language_code": "en",
    }
    assert after.message["from"] == {
        "id": 1,
        "is_bot": False,
        "first_name": "Anna",
        "username": "anna",
        "language_code": "de",
    }
    await desk.ask("describe", user=1, name="Anna", language="de")
    last = await desk.say("hallo")
    assert last.message is not None
    assert "username" not in last.message["from"]
    assert "username" not in last.message["chat"]
    assert people.shown(desk.simulation)[0] == {
        "id": 1,
        "name": "Anna",
        "username": "",
        "language": "de",
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": " "}, "a person needs a name"),
        ({"name": "Dora", "username": "x"}, "'x' is no username"),
        ({"name": "Dora", "language": "German"}, "'German' is no language"),
        ({"name": "Dora", "user_id": "2"}, "there is a user 2 already"),
        ({"name": "Dora", "user_id": "-2"}, "an id is a number above 0"),
    ],
)
async def test_what_no_user_of_telegram_can_be_is_refused(
    desk: Desk, fields: dict[str, str], reason: str
) -> None:
    assert reason in await desk.refusal("meet", **fields)
    assert len(people.shown(desk.simulation)) == 3


async def test_a_username_belongs_to_one_person(desk: Desk) -> None:
    await desk.ask("meet", name="Dora", username="tea_lover")
    assert "somebody else's" in await desk.refusal("meet", name="Eve", username="Tea_Lover")
    await desk.ask("describe", user=4, name="Dora", username="tea_lover", language="de")


async def test_the_bot_has_the_rights_that_it_is_given(desk: Desk) -> None:
    world = desk.simulation.telegram
    club = await desk.ask("gather", title="Club", kind="forum", rights=["can_pin_messages"])
    bot = people.bot_in(world.chats[club], world.bot_id)
    assert bot == {"status": "administrator", "rights": ["can_manage_chat", "can_pin_messages"]}
    await desk.ask("grant", user=1, chat=club, rights=[])
    assert desk.last.title == "Ann made the bot a member"
    assert people.bot_in(world.chats[club], world.bot_id)["rights"] == []
    assert "no right" in await desk.refusal("gather", title="Other", rights=["can_fly"])
    assert "group, forum, channel" in await desk.refusal("gather", title="Other", kind="party")


async def test_a_channel_has_posts_which_the_bot_may_or_may_not_answer(desk: Desk) -> None:
    channel = await desk.ask("gather", title="News", kind="channel")
    turn = await desk.say("first post", 1, channel)
    assert turn.update is not None
    assert "channel_post" in turn.update
    app = desk.simulation.recorder.running_app
    with pytest.raises(Exception, match="rights"):
        await app.bot.send_message(channel, "an answer")
    await desk.ask("grant", user=1, chat=channel, rights=["can_post_messages"])
    await app.bot.send_message(channel, "an answer")
    assert desk.texts(channel) == ["first post", "an answer"]


async def test_a_saved_spec_begins_with_the_people_and_chats_that_were_added(desk: Desk) -> None:
    user = await desk.ask("meet", name="Dora", language="de", user_id="70")
    club = await desk.ask("gather", title="Club", kind="forum", rights=["can_manage_topics"])
    await desk.say("/tea", user, club)
    found = draft(desk.simulation, "in the club")
    assert found.spec["given"] == {
        "users": [{"id": 70, "first_name": "Dora", "language_code": "de"}],
        "chats": [
            {
                "id": club,
                "type": "supergroup",
                "title": "Club",
                "members": [1, 2, 3, 70],
                "topics": [],
                "bot_rights": ["can_manage_topics"],
            }
        ],
    }
    assert await found.verify(make_tea_house) is None


async def test_going_back_forgets_who_came_later(desk: Desk) -> None:
    turn = await desk.say("hello")
    await desk.ask("meet", name="Dora")
    await desk.ask("go_back", turn=turn.number)
    await desk.say("hello")
    assert [each["name"] for each in people.shown(desk.simulation)] == ["Ann", "Ben", "Cleo"]
    assert "given" not in draft(desk.simulation, "alone").spec
