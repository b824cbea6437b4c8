"""What users do in chats shows there, and is refused where it cannot be done."""

from __future__ import annotations

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram, NoSuchButton, PersonError
from toolkit.harness.fake_telegram.rich.plain import text_of
from toolkit.harness.types import Json

from .acts import CHANNEL, FORUM, GROUP, NEW, TOPIC, asked


async def test_users_are_shared_with_what_the_button_asks_for(town: FakeTelegram) -> None:
    await asked(town)
    town.user(2, "Bob", username="bob")
    shared = town.share_users(1, 2)["message"]["users_shared"]
    assert shared["users"] == [{"user_id": 2, "first_name": "Bob"}]
    with pytest.raises(NoSuchButton, match="requests up to 1 users, not 2"):
        town.share_users(1, 2, 3)
    with pytest.raises(NoSuchButton, match="no button labelled 'Who' with request_users"):
        town.share_users(1, 2, button="Who")
    with pytest.raises(NoSuchButton, match=r"has request_chat: use share_chat\(…\)"):
        town.tap(1, label="Chat")


async def test_a_draft_is_stopped_where_it_may_be(town: FakeTelegram) -> None:
    draft = {"chat_id": 1, "draft_id": 5, "text": "thinking"}
    await town.call("sendMessageDraft", draft)
    with pytest.raises(PersonError, match="no draft in chat 1 has a button"):
        town.stop_generation(1)
    await town.call("sendMessageDraft", {**draft, "draft_id": 6, "can_stop": True})
    keeps = {"can_stop": True, "keep_on_stop": True}
    await town.call("sendMessageDraft", {**draft, "draft_id": 7, **keeps})
    assert town.stop_generation(1)["stopped_message_generation"]["draft_id"] == 7
    assert town.stop_generation(1, 6)["stopped_message_generation"]["draft_id"] == 6
    assert list(town.chats[1].drafts) == [5, 7]


async def test_a_guest_is_answered_in_their_chat(town: FakeTelegram) -> None:
    guest = town.ask_guest(1, NEW, "@fake_bot tea?")["guest_message"]
    content = {"message_text": "Hot"}
    keyboard = {"inline_keyboard": [[{"text": "More", "callback_data": "m"}]]}
    result = {"type": "article", "id": "1", "title": "t", "input_message_content": content}
    query = {"guest_query_id": guest["guest_query_id"]}
    sent = await town.call("answerGuestQuery", {**query, "result": result})
    shown = town.messages(NEW)[-1]
    assert (shown["text"], shown["from"]["id"]) == ("Hot", town.bot_id)
    assert shown["guest_bot_caller_user"]["id"] == 1
    inline = {"inline_message_id": sent["inline_message_id"], "text": "Cold"}
    assert await town.call("editMessageText", {**inline, "reply_markup": keyboard})
    tapped = town.tap(1, label="More", chat_id=NEW)["callback_query"]
    assert tapped["inline_message_id"] == sent["inline_message_id"]
    with pytest.raises(PersonError, match="the bot is in chat"):
        town.ask_guest(1, GROUP, "@fake_bot tea?")


async def test_a_guest_of_a_raw_update_is_answered(telegram: FakeTelegram) -> None:
    user = {"id": 9, "is_bot": False, "first_name": "Zoe"}
    chat = {"id": NEW, "type": "supergroup", "title": "Tea"}
    message = {"message_id": 5, "date": 1, "chat": chat, "from": user, "text": "hi"}
    telegram.inject({"guest_message": {**message, "guest_query_id": "77"}})
    result: Json = {"type": "article", "id": "1", "title": "t"}
    result |= {"input_message_content": {"message_text": "Hot"}}
    query = {"guest_query_id": "77", "result": result}
    assert await telegram.call("answerGuestQuery", query)


async def test_reactions_in_a_channel_are_counted(town: FakeTelegram) -> None:
    town.react(1, 1, "👍", chat_id=CHANNEL)
    update = town.react(2, 1, "👍", "🔥", chat_id=CHANNEL)["message_reaction_count"]
    assert [reaction["total_count"] for reaction in update["reactions"]] == [2, 1]
    assert town.react(2, 1, chat_id=CHANNEL)["message_reaction_count"]["reactions"] == [
        {"type": {"type": "emoji", "emoji": "👍"}, "total_count": 1}
    ]


async def test_a_tag_shows_on_what_its_owner_writes(town: FakeTelegram) -> None:
    await town.call("setChatMemberTag", {"chat_id": GROUP, "user_id": 1, "tag": "tea"})
    assert town.send_text(1, "hi", GROUP)["message"]["sender_tag"] == "tea"
    assert "sender_tag" not in town.send_text(2, "hi", GROUP)["message"]


async def test_options_are_added_to_polls_that_take_them(town: FakeTelegram) -> None:
    poll = {"chat_id": GROUP, "question": "q", "options": ["a", "b"]}
    sent = (await town.call("sendPoll", poll))["poll"]["id"]
    with pytest.raises(PersonError, match="takes no options"):
        town.add_poll_option(1, sent, "c")
    sent = (await town.call("sendPoll", {**poll, "allow_adding_options": True}))["poll"]["id"]
    town.add_poll_option(1, sent, "c")
    assert len(town.messages(GROUP)[-2]["poll"]["options"]) == 3
    with pytest.raises(PersonError, match=r"option 2 of poll .* is not one of user 2"):
        town.delete_poll_option(2, sent, 2)
    assert "open_polls" not in await town.call("getChat", {"chat_id": GROUP})


async def test_a_forum_changes_by_its_users(town: FakeTelegram) -> None:
    town.edit_topic(1, FORUM, TOPIC, "Tea")
    town.close_topic(1, FORUM, TOPIC)
    assert town.chats[FORUM].topics[TOPIC]["name"] == "Tea"
    with pytest.raises(PersonError, match=f"topic {TOPIC} is closed"):
        town.send_text(1, "hi", FORUM, thread_id=TOPIC)
    town.close_topic(1, FORUM, TOPIC, closed=False)
    assert town.send_text(1, "hi", FORUM, thread_id=TOPIC)
    with pytest.raises(PersonError, match="has no topic 99"):
        town.close_topic(1, FORUM, 99)


async def test_a_group_changes_hands_and_name(town: FakeTelegram) -> None:
    with pytest.raises(PersonError, match="user 1 is not the owner"):
        town.change_owner(1, GROUP, 2)
    town.set_member(1, 1, GROUP, "creator")
    town.change_owner(1, GROUP, 2)
    town.set_title(1, GROUP, "Tea")
    town.pin(1, 1, GROUP)
    assert town.chats[GROUP].status_of(2) == "creator"
    chat = await town.call("getChat", {"chat_id": GROUP})
    assert (chat["title"], chat["pinned_message"]["message_id"]) == ("Tea", 1)
    with pytest.raises(PersonError, match="there is no message 99"):
        town.pin(1, 99, GROUP)
    with pytest.raises(PersonError, match="is in no community"):
        town.join_through_community(9, GROUP)


async def test_winners_are_public_or_counted(town: FakeTelegram) -> None:
    post = town.start_giveaway(CHANNEL, 2, stars=500)["channel_post"]
    won = town.end_giveaway(CHANNEL, post["message_id"], 1)["channel_post"]["giveaway_winners"]
    assert (won["winner_count"], won["unclaimed_prize_count"]) == (1, 1)
    with pytest.raises(PersonError, match="is not a giveaway"):
        town.end_giveaway(CHANNEL, 99)


async def test_stories_of_people_are_theirs(town: FakeTelegram) -> None:
    story = town.post_story(9)
    assert town.send_story(1, story)["message"]["story"] == story
    with pytest.raises(PersonError, match="is no dice"):
        town.send_dice(1, "🍵")
    with pytest.raises(PersonError, match="a video chat is scheduled"):
        town.video_chat(1, GROUP, "paused")


async def test_a_rich_message_is_forwarded_and_copied(town: FakeTelegram) -> None:
    rich = {"chat_id": 1, "rich_message": {"markdown": "# Tea"}}
    sent = await town.call("sendRichMessage", rich)
    place = {"chat_id": GROUP, "from_chat_id": 1, "message_id": sent["message_id"]}
    forwarded = await town.call("forwardMessage", place)
    assert forwarded["rich_message"] == sent["rich_message"]
    await town.call("copyMessage", place)
    assert town.messages(GROUP)[-1]["rich_message"] == sent["rich_message"]


async def test_texts_in_texts_end_somewhere(town: FakeTelegram) -> None:
    nested: Json = {"type": "bold", "text": "x"}
    for _ in range(40):
        nested = {"type": "bold", "text": nested}
    rich = {"chat_id": 1, "rich_message": {"blocks": [{"type": "paragraph", "text": nested}]}}
    with pytest.raises(ApiError, match="Too deep nesting"):
        await town.call("sendRichMessage", rich)


async def test_a_button_in_a_rich_message_is_tapped(town: FakeTelegram) -> None:
    row = {"type": "buttons", "buttons": [{"text": "More", "callback_data": "m"}]}
    inside = {"type": "button", "button": {"text": "Less", "callback_data": "l"}}
    blocks = [row, {"type": "paragraph", "text": ["or ", inside]}]
    await town.call("sendRichMessage", {"chat_id": 1, "rich_message": {"blocks": blocks}})
    taps = [town.tap(1, label=label)["callback_query"]["data"] for label in ("More", "Less")]
    assert taps == ["m", "l"]
    assert text_of(town.messages(1)[-1]) == "More\nor Less"
