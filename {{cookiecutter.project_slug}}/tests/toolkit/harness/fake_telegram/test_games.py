"""Games: they are played by a button, in chats and in messages sent through the bot."""

from __future__ import annotations

from toolkit.harness.fake_telegram import FakeTelegram

GROUP = -(10**12) - 5


async def test_the_button_of_a_game_asks_for_its_address(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    await telegram.call("sendGame", {"chat_id": 1, "game_short_name": "snake"})
    query = telegram.tap(1, label="Play snake")["callback_query"]
    assert query["game_short_name"] == "snake"
    assert "data" not in query
    answer = {"callback_query_id": query["id"], "url": "https://example.com/snake"}
    assert await telegram.call("answerCallbackQuery", answer)


async def test_a_game_that_was_sent_through_the_bot_has_scores(telegram: FakeTelegram) -> None:
    query = telegram.inline_query(1, "play")["inline_query"]["id"]
    results = [{"type": "game", "id": "1", "game_short_name": "snake"}]
    await telegram.call("answerInlineQuery", {"inline_query_id": query, "results": results})
    telegram.group(GROUP)
    chosen = telegram.choose_result(1, query, "1", GROUP)["chosen_inline_result"]
    place = {"inline_message_id": chosen["inline_message_id"], "user_id": 1}
    tapped = telegram.tap(1, chat_id=GROUP, label="Play snake")["callback_query"]
    assert (tapped["inline_message_id"], tapped["game_short_name"]) == (
        chosen["inline_message_id"],
        "snake",
    )
    assert await telegram.call("setGameScore", {**place, "score": 7}) is True
    scores = await telegram.call("getGameHighScores", place)
    assert [(row["position"], row["score"]) for row in scores] == [(1, 7)]
    assert telegram.messages(GROUP)[0]["game"]["text"] == "1. User 1: 7"


async def test_a_score_that_is_not_shown_is_kept(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    sent = await telegram.call("sendGame", {"chat_id": 1, "game_short_name": "snake"})
    place = {"chat_id": 1, "message_id": sent["message_id"], "user_id": 1}
    score = {"score": 3, "disable_edit_message": True}
    assert await telegram.call("setGameScore", {**place, **score}) == sent
    assert (await telegram.call("getGameHighScores", place))[0]["score"] == 3
