"""Games and their scores, https://core.telegram.org/bots/api#games."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.delivering import deliver
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.messages import is_editable
from toolkit.harness.fake_telegram.methods.editing import inline_message
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    check_user,
    editable_chat,
    message_in,
    readable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

TOP = 3
NEIGHBOURS = 2
"""How many are shown of the best, and on each side of a user."""


@method("sendGame")
def send_game(request: Request) -> Json:
    game = game_of(request.required("game_short_name"))
    sent = deliver(request, lambda: {"game": game}, "can_send_other_messages", "games")
    if "reply_markup" in sent or not sent["message_id"]:
        return sent
    chat = request.world.chats[sent["chat"]["id"]]
    return request.world.put_message(chat, {**sent, "reply_markup": play_button(game)})


def game_of(name: str) -> Json:
    """Return the Game with a short name; nothing else is known of it."""
    photo = {"file_id": "game", "file_unique_id": "game", "width": 640, "height": 360}
    return {"title": name, "description": name, "photo": [photo]}


def play_button(game: Json) -> Json:
    """Return the keyboard under a game that was sent without one."""
    return {"inline_keyboard": [[{"text": f"Play {game['title']}", "callback_game": {}}]]}


@method("setGameScore")
def set_game_score(request: Request) -> Any:
    user_id, score = request.user_id(), request.integer("score")
    chat, message, inline = _game(request, user_id, "message to set game score", edit=True)
    world, scores = request.world, chat.scores.setdefault(message["message_id"], {})
    if score < 0:
        raise bad_request("SCORE_INVALID")
    old = scores.get(user_id, -1)
    if score == old or (score < old and not request.flag("force")):
        raise bad_request("BOT_SCORE_NOT_MODIFIED")
    scores[user_id] = score
    if _edits(request):
        rows = (
            f"{row['position']}. {row['user']['first_name']}: {row['score']}"
            for row in _table(world, scores)
        )
        game = {**message["game"], "text": "\n".join(rows)}
        message = {**message, "game": game, "edit_date": world.now()}
        world.put_message(chat, message)
    return inline or message


def _edits(request: Request) -> bool:
    if "disable_edit_message" in request.payload:
        return not request.flag("disable_edit_message")
    return "edit_message" not in request.payload or request.flag("edit_message")


@method("getGameHighScores")
def get_game_high_scores(request: Request) -> list[Json]:
    """Return the best, and who is next to the user."""
    user_id = request.user_id()
    chat, message, _ = _game(request, user_id, "message to get game high scores")
    rows = _table(request.world, chat.scores.get(message["message_id"], {}))
    own = next((row["position"] for row in rows if row["user"]["id"] == user_id), -NEIGHBOURS)
    return [
        row for row in rows if row["position"] <= TOP or abs(row["position"] - own) <= NEIGHBOURS
    ]


def _table(world: World, scores: dict[int, int]) -> list[Json]:
    """Return GameHighScores, the best first."""
    ranked = sorted(scores.items(), key=lambda each: -each[1])
    return [
        {"position": position, "user": world.user(user_id), "score": score}
        for position, (user_id, score) in enumerate(ranked, 1)
    ]


def _game(
    request: Request, user_id: int, what: str, *, edit: bool = False
) -> tuple[Chat, Json, bool]:
    """Return a message with a game, its chat, and whether it is known by an inline id."""
    inline = "chat_id" not in request.payload and not request.message_id()
    if inline:
        chat, message = inline_message(request)
    else:
        chat = editable_chat(request) if edit else readable_chat(request)
        message = message_in(chat, request, what)
    check_user(request, user_id)
    if "game" not in message:
        refusal = "game score can't be set" if edit and not inline else "MESSAGE_ID_INVALID"
        raise bad_request(refusal)
    playable = "reply_markup" in message and is_editable(request, chat, message)
    if edit and not inline and not playable:
        raise bad_request("game score can't be set")
    return chat, message, inline
