"""What users do besides typing and tapping: in specs, and as verbs of a person."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.specs.person import Person
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.running_bot import RunningBot
from toolkit.harness.specs.sends import SENDS
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.types import Json

from .everything_bot import make_bot

ADMIN = {"id": -100, "type": "group", "bot_rights": ["can_delete_messages"], "members": [1]}
FORUM = {"id": -(10**12) - 5, "topics": [{"id": 7, "name": "News"}]}

# What is sent before, what is sent, and what the bot answers.
KINDS: list[tuple[list[Json], Json, list[str]]] = [
    ([], {"photo": "cat.jpg", "caption": "/start"}, ["photo /start"]),
    ([], {"document": "a.csv", "content": "tea,3"}, ["document a.csv text/csv 5"]),
    ([], {"voice": "a.ogg", "duration": 3}, ["voice 3s"]),
    ([], {"location": {"latitude": 52.52, "longitude": 13}}, ["location 52.52 13.0"]),
    ([], {"contact": "+1"}, ["contact +1 User 1 True"]),
    ([], {"contact": "+1", "name": "Zoe", "userId": 2}, ["contact +1 Zoe False"]),
    ([{"text": "hi"}], {"photo": "a.jpg", "replyTo": 1}, ["photo to hi"]),
    ([], {"text": "hi", "topicId": 7, "chatId": FORUM["id"]}, ["text hi in 7"]),
    ([], {"album": [{"photo": "a"}, {"photo": "b", "caption": "c"}]}, ["photo 1", "photo c 1"]),
    ([{"text": "hi"}], {"forward": 1}, ["text hi from user"]),
    ([], {"forward": "hi", "fromUserId": 2}, ["text hi from user"]),
    ([], {"forward": "hi"}, ["text hi from hidden_user"]),
    ([], {"forward": "hi", "fromChatId": -300}, ["text hi from channel"]),
    ([{"text": "a"}], {"reply": "b"}, ["text b to text a"]),
    ([{"text": "a"}, {"text": "b"}], {"reply": "c", "messageId": 2}, ["text c to text a"]),
    ([{"text": "a"}], {"edit": "b"}, ["edited: b"]),
    ([{"photo": "a", "caption": "a"}], {"edit": "b"}, ["edited: b"]),
    ([{"text": "a"}, {"text": "b"}], {"edit": "c", "messageId": 1}, ["edited: c"]),
    ([{"text": "a"}], {"reaction": "👍"}, ["2: 👍"]),
    ([{"text": "a"}, {"reaction": "👍"}], {"reaction": [], "messageId": 2}, ["2: none"]),
    ([{"text": "/poll"}], {"vote": "Coffee"}, ["voted [1]"]),
    ([{"text": "/poll"}], {"vote": {"$regex": "^C"}}, ["voted [1]"]),
    ([{"text": "/poll"}], {"vote": 0}, ["voted [0]"]),
    ([{"text": "/poll"}, {"vote": 0}], {"vote": []}, ["voted []"]),
    ([{"text": "/sell"}], {"pay": "Green tea"}, ["Paid"]),
    ([{"text": "/sell"}], {"pay": "Sold out"}, []),
    ([{"query": "tea"}], {"choose": "Black tea"}, ["chose 1"]),
    ([{"query": "tea", "offset": "5"}], {"choose": {"$regex": "tea5"}}, ["chose 0"]),
    ([], {"join": -200, "userId": 3}, ["new_chat_members 1"]),
    ([], {"join": -100, "userId": 3}, ["is member now", "new_chat_members 1"]),
    ([], {"leave": -100}, ["is left now", "left_chat_member"]),
    ([{"text": "/form"}], {"webAppData": {"size": ["L"]}}, ['web_app_data Open {"size":["L"]}']),
    ([{"text": "/form"}], {"webAppData": "L", "button": "Open"}, ["web_app_data Open L"]),
]


async def failure(*steps: Json, **more: Any) -> str | None:
    [spec] = parse_specs({"name": "a", "steps": list(steps), **more}, "f")
    return (await run_spec(spec, make_bot)).failure


def step(send: Json, *texts: str, **more: Any) -> Json:
    expect = [{"method": "sendMessage", "payload": {"text": text}} for text in texts]
    return {"send": send, "expect": expect, **more}


SCENE = {"chats": [ADMIN, FORUM]}


@pytest.mark.parametrize(("before", "send", "texts"), KINDS, ids=lambda value: str(value)[:60])
async def test_what_a_user_does_reaches_the_bot(
    before: list[Json], send: Json, texts: list[str]
) -> None:
    steps = [step(each) for each in before]
    assert await failure(*steps, step(send, *texts), given=SCENE) is None


def test_every_kind_is_tried() -> None:
    tried = {kind for _, send, _ in KINDS for kind in SENDS if kind in send}
    assert {*SENDS} - tried == {"text", "tap", "callback", "update", "query"} - tried


async def test_an_inline_query_is_answered_and_its_message_has_buttons() -> None:
    answer = {"method": "answerInlineQuery"}
    edit = {"method": "editMessageText", "payload": {"inline_message_id": "inline-1"}}
    steps = [
        {"send": {"query": ""}, "expect": [answer]},
        step({"choose": "Green "}, "chose 0"),
        {"send": {"tap": "More"}, "expect": [{"method": "answerCallbackQuery"}, edit]},
    ]
    assert await failure(*steps, strict=True) is None


async def test_a_payment_that_is_refused_ends_there() -> None:
    refused = {"method": "answerPreCheckoutQuery", "payload": {"error_message": "Sold out"}}
    last = {"send": {"pay": "Sold out"}, "expect": [refused]}
    assert await failure(step({"text": "/sell"}), {**last}) is None


IMPOSSIBLE: list[tuple[list[Json], Json, str]] = [
    ([], {"reply": "a"}, "there is no message of the bot in chat 1"),
    ([{"text": "a"}], {"reply": "b", "messageId": 1}, "message 1 in chat 1 is no message of the"),
    ([], {"edit": "a"}, "there is no message of user 1 in chat 1"),
    ([{"text": "a"}], {"edit": "b", "messageId": 2}, "message 2 in chat 1 is no message of user"),
    ([], {"reaction": "👍"}, "there is no message to react to in chat 1"),
    ([{"text": "a", "chatId": -5}], {"reaction": "👍", "chatId": -5}, "it is no administrator"),
    ([], {"vote": "Tea"}, "there is no poll in chat 1"),
    ([{"text": "/poll"}], {"vote": "Milk"}, "no option 'Milk'; there are 'Tea', 'Coffee'"),
    ([{"text": "/poll"}], {"vote": 2}, "no option 2; there are 'Tea', 'Coffee'"),
    ([{"text": "/poll"}], {"vote": [0, 1]}, "poll 1 takes one answer, not 2"),
    ([{"text": "/quiz"}, {"vote": 0}], {"vote": 1}, "user 1 has answered, and poll 1 is a quiz"),
    ([], {"pay": "Tea"}, "there is no invoice 'Tea' in chat 1"),
    ([{"text": "/sell"}], {"pay": "Nothing"}, "the bot has not answered the pre-checkout query"),
    ([], {"choose": "Tea"}, "user 1 has no inline query that the bot has answered"),
    ([{"query": "tea"}], {"choose": "Milk"}, "no result 'Milk'; there are 'Green tea', 'Black te"),
    ([], {"join": -100}, "user 1 is in chat -100 already"),
    ([], {"leave": -200}, "user 1 is not in chat -200"),
    ([], {"webAppData": "a"}, "the reply keyboard has no button that opens a web app"),
    ([{"text": "/form"}], {"webAppData": "a", "button": "b"}, "no button labelled 'b' that opens"),
    ([], {"forward": 5}, "there is no message 5 in chat 1 to forward"),
    ([], {"text": "a", "replyTo": 5}, "there is no message 5 in chat 1 to reply to"),
]


@pytest.mark.parametrize(
    ("before", "send", "reason"), IMPOSSIBLE, ids=lambda value: str(value)[:60]
)
async def test_what_cannot_be_done_is_said(before: list[Json], send: Json, reason: str) -> None:
    found = await failure(*map(step, before), step(send), given=SCENE)
    assert found is not None
    assert "this cannot be sent: " in found
    assert reason in found


async def test_a_person_has_the_same_verbs() -> None:
    async with RunningBot(make_bot) as running:
        ann = Person(running, 1, "Ann")
        group = running.telegram.group(-100, members=[2])

        await ann.photo(caption="a cat")
        ann.sees("photo a cat")
        await ann.document("a.csv", b"tea,3", reply_to=1)
        ann.sees("document a.csv text/csv 5")
        await ann.voice(duration=3)
        ann.sees("voice 3s")
        await ann.album({"photo": "a.jpg"}, {"document": "b.pdf"})
        ann.sees("document 1 b.pdf application/pdf")
        await ann.location(52.52, 13.4)
        ann.sees("location 52.52 13.4")
        await ann.contact("+1")
        ann.sees("contact +1 Ann True")
        await ann.reply("Ann")
        ann.sees("text Ann to contact +1")
        await ann.edit("Anne")
        ann.sees("edited: Anne")
        await ann.forward("News", from_chat=-300)
        ann.sees("text News from channel")
        await ann.react("👍", "🔥")
        ann.sees("👍 🔥")
        await ann.say("/poll")
        await ann.vote("Coffee")
        ann.sees("voted [1]")
        await ann.say("/sell")
        await ann.pay("Green tea")
        ann.sees("Paid")
        await ann.query("tea")
        await ann.choose("Green tea")
        ann.sees("chose 0")
        await ann.say("/form")
        await ann.web_app_data({"size": "L"})
        ann.sees('Open {"size":"L"}')
        await ann.join(group)
        await ann.leave(-100)
        said = [each["text"] for each in running.telegram.messages(-100) if "text" in each]
        assert said == ["new_chat_members 1", "left_chat_member"]


async def test_a_person_cannot_do_what_is_not_possible() -> None:
    async with RunningBot(make_bot) as running:
        ann = Person(running, 1, "Ann")
        with pytest.raises(AssertionError, match="there is no poll in chat 1"):
            await ann.vote("Tea")
        with pytest.raises(AssertionError, match="Ann, album: must hold 2 to 10 messages, not 1"):
            await ann.album({"photo": "a.jpg"})
        with pytest.raises(AssertionError, match="latitude: must be a number from -90 to 90"):
            await ann.location(100, 0)
        await ann.say("/sell")
        with pytest.raises(AssertionError, match="has not answered the pre-checkout query"):
            await ann.pay("Nothing")
