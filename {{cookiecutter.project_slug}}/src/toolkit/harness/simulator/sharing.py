"""What people send besides texts: files, what a button of the reply keyboard asks for, polls, dice.

Specs have a step for photos, documents, voice messages and albums of the first two; all else is
saved as the update that it makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.turns import action
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram
    from toolkit.harness.simulator.simulation import Simulation
    from toolkit.harness.simulator.turns import Turn

PICTURES = (b"\x89PNG", b"\xff\xd8\xff")
ABOUT = ("width", "height", "title", "performer")
"""What the page knows of a file, besides its duration."""
IN_ALBUM = ({"photo", "video"}, {"document"}, {"audio"})
MOST_IN_ALBUM = 10


@dataclass(frozen=True)
class Sent:
    """A file that a person sends; `about` is what the page knows of it, its `kind` for instance."""

    name: str
    content: bytes
    about: Json

    @property
    def kind(self) -> str:
        """The kind of message: without one that is known, a photo if it is one, or a document."""
        from toolkit.harness.fake_telegram.media_kinds import KINDS

        picture = "photo" if self.content.startswith(PICTURES) else "document"
        kind: str = self.about.get("kind", picture)
        return kind if kind in KINDS and (kind != "photo" or picture == "photo") else picture

    def message(self, world: FakeTelegram) -> Json:
        """Return the content of a message with it."""
        duration = int(self.about.get("duration") or 0)
        made = world.file_content(self.kind, self.content, self.name, duration=duration)
        described = made[self.kind][-1] if self.kind == "photo" else made[self.kind]
        described |= {name: self.about[name] for name in ABOUT if self.about.get(name)}
        return made

    @property
    def step(self) -> Json | None:
        """What a spec sends for it."""
        if self.kind not in ("photo", "document", "voice"):
            return None
        duration = int(self.about.get("duration") or 0)
        return {self.kind: self.name, **({"duration": duration} if self.kind == "voice" else {})}


def send_files(
    simulation: Simulation, user: int, chat: int, thread: int | None, files: Sequence[Sent]
) -> None:
    """Send files in their order: as an album where Telegram makes one of them."""
    kinds = {each.kind for each in files}
    if 1 < len(files) <= MOST_IN_ALBUM and any(kinds <= alike for alike in IN_ALBUM):
        _send_album(simulation, user, chat, thread, files)
        return
    for each in files:
        step = each.step
        send = None
        if step:
            (kind, value), *more = step.items()
            send = action(kind, value, user, chat, topicId=thread, **dict(more))
        content = each.message(simulation.telegram)
        simulation.act(partial(_send, user, chat, thread, content), send)


def _send(user: int, chat: int, thread: int | None, content: Json, world: FakeTelegram) -> Json:
    return world.send(user, content, chat, thread_id=thread)


def _send_album(
    simulation: Simulation, user: int, chat: int, thread: int | None, files: Sequence[Sent]
) -> None:
    point, world = simulation.point(), simulation.telegram
    parts = [each.message(world) for each in files]
    updates = world.send_album(user, parts, chat, thread_id=thread)
    steps = [each.step for each in files]
    send = action("album", steps, user, chat, topicId=thread) if all(steps) else None
    first = None
    for update in updates:
        of = {"action": send, "part_of": first} if send else {}
        turn = simulation.deliver(update, point=None if first else point, **of)
        first = first or turn.number


def answer_button(
    simulation: Simulation, user: int, chat: int, label: str, chosen: Sequence[int]
) -> Turn:
    """Press a button of the reply keyboard that asks for users or a chat, and choose these."""
    world = simulation.telegram
    asked = _pressed(world, chat, label)
    if "request_chat" in asked:
        return _send_pressed(simulation, user, chat, _chat_shared(world, asked, chosen[0]))
    users = asked.get("request_users") or asked.get("request_user")
    if users is None:
        raise SimulatorError(f"the button [{label}] asks for nothing that could be chosen")
    if not 1 <= len(chosen) <= users.get("max_quantity", 1):
        raise SimulatorError(f"choose 1 to {users.get('max_quantity', 1)} users")
    shared = [_shown_user(world.user(each), users) for each in chosen]
    content = {"users_shared": {"request_id": users["request_id"], "users": shared}}
    return _send_pressed(simulation, user, chat, content)


def send_poll(
    simulation: Simulation,
    user: int,
    chat: int,
    question: str,
    options: Sequence[str],
    thread: int | None = None,
) -> Turn:
    """Send a poll of one's own."""
    texts = [each.strip() for each in options if each.strip()]
    if not question.strip() or not texts:
        raise SimulatorError("a poll needs a question and an option")
    world = simulation.telegram
    poll_id = str(world.number("poll"))
    poll = {
        "id": poll_id,
        "question": question.strip(),
        "options": [
            {"persistent_id": str(number), "text": text, "voter_count": 0}
            for number, text in enumerate(texts)
        ],
        **{"total_voter_count": 0, "is_closed": False, "is_anonymous": True, "type": "regular"},
        **{"allows_multiple_answers": False, "allows_revoting": True},
        "members_only": False,
    }
    turn = _send_pressed(simulation, user, chat, {"poll": poll}, thread)
    world.polls[poll_id] = (chat, (turn.message or {})["message_id"])
    return turn


def throw_dice(
    simulation: Simulation, user: int, chat: int, emoji: str, thread: int | None = None
) -> Turn:
    """Send a dice, or another emoji that shows a random value."""
    from toolkit.harness.fake_telegram.methods.contents import DICE, throw

    if emoji not in DICE:
        raise SimulatorError(f"{emoji} is no dice")
    content = {"dice": throw(simulation.telegram, emoji)}
    return simulation.act(partial(_send, user, chat, thread, content))


def forward(simulation: Simulation, user: int, chat: int, message: int, to: int) -> Turn:
    """Forward a message to another chat. A step knows texts, and who wrote them."""
    shown = simulation.telegram.message(chat, message)
    if shown is None:
        raise SimulatorError("that message is not on screen any more")
    writer = shown.get("from", {}).get("id")
    send = None
    if "text" in shown and "entities" not in shown and writer and "forward_origin" not in shown:
        send = action("forward", shown["text"], user, to, fromUserId=writer)
    return simulation.act(lambda world: world.forward(user, shown, to), send)


def delete(simulation: Simulation, user: int, chat: int, message: int) -> None:
    """Delete a message, of which Telegram does not tell the bot."""
    world, recorder = simulation.telegram, simulation.recorder
    shown = world.message(chat, message)
    if shown is None:
        raise SimulatorError("that message is not on screen any more")
    title = f"{world.user(user)['first_name']} deleted a message"
    turn = recorder.begin(title, point=simulation.point(), by_hand=True)
    world.remove_message(world.chats[chat], message)
    recorder.finish(turn)


def _pressed(world: FakeTelegram, chat: int, label: str) -> Json:
    keyboard = world.chats[chat].reply_keyboard or {}
    for row in keyboard.get("keyboard", []):
        for button in row:
            if button["text"] == label:
                return dict(button)
    raise SimulatorError("that button is not on screen any more")


def _send_pressed(
    simulation: Simulation, user: int, chat: int, content: Json, thread: int | None = None
) -> Turn:
    """Send what a button asked for; a keyboard for one time is gone then."""

    def send(world: FakeTelegram) -> Json:
        update = world.send(user, content, chat, thread_id=thread)
        keyboard = world.chats[chat].reply_keyboard
        if (keyboard or {}).get("one_time_keyboard"):
            world.chats[chat].reply_keyboard = None
        return update

    return simulation.act(send)


def _shown_user(user: Json, asked: Json) -> Json:
    names = ["first_name", "last_name"] if asked.get("request_name") else []
    names += ["username"] if asked.get("request_username") else []
    return {"user_id": user["id"], **{name: user[name] for name in names if name in user}}


def _chat_shared(world: FakeTelegram, asked: Json, chosen: int) -> Json:
    wanted, data = asked["request_chat"], world.chat(chosen).data
    names = [name for name in ("title", "username") if wanted.get(f"request_{name}")]
    shown = {name: data[name] for name in names if name in data}
    shared = {"request_id": wanted["request_id"], "chat_id": chosen, **shown}
    return {"chat_shared": shared}
