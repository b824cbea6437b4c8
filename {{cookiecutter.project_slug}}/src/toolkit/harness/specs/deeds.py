"""What each kind of `send` has a user of the fake Telegram do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from toolkit.harness.specs.matching import fits
from toolkit.harness.specs.sends import PARTS, Send
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Chat, FakeTelegram

EARLIER = "An earlier message"
SOMEBODY = "Somebody"
"""Who wrote a forwarded message of which nothing else is said."""
MOVES = ("join", "leave")
ADMINS_ONLY = ("chat_member", "message_reaction")
"""Updates about a group that only an administrator gets."""


@dataclass(frozen=True)
class Deed:
    """A user, where they act, and what they do."""

    telegram: FakeTelegram
    chat: Chat
    user: int
    send: Send

    @property
    def where(self) -> Json:
        """The options that every message has."""
        given = self.send.source
        return {"reply_to": given.get("replyTo"), "thread_id": given.get("topicId")}

    def message(self, what: str, is_one: Callable[[Json], bool]) -> Json:
        """Return the message that is meant: by its id, or the newest that is one."""
        wanted = self.send.message_id
        for message in reversed(self.telegram.messages(self.chat.id)):
            if wanted in (None, message["message_id"]) and is_one(message):
                return message
        place = f"in chat {self.chat.id}"
        none = f"there is no {what} {place}"
        return refuse(none if wanted is None else f"message {wanted} {place} is no {what}")

    def emitted(self, act: Callable[[], Any]) -> list[Json]:
        """Do it; return all updates that the bot gets for it."""
        from toolkit.harness.fake_telegram.rights import is_admin

        updates: list[Json] = []
        stop = self.telegram.observe(
            lambda event: updates.append(event.data) if event.kind == "update" else None
        )
        try:
            act()
        finally:
            stop()
        told = self.chat.is_private or is_admin(self.chat, self.telegram.bot_id)
        return [each for each in updates if told or not any(kind in each for kind in ADMINS_ONLY)]


def refuse(problem: str) -> NoReturn:
    """Raise `PersonError`."""
    from toolkit.harness.fake_telegram.model import PersonError

    raise PersonError(problem)


def _text(deed: Deed) -> Json:
    return deed.telegram.send_text(deed.user, deed.send.value, deed.chat.id, **deed.where)


def _reply(deed: Deed) -> Json:
    replied = deed.message("message of the bot", lambda message: _is_of(message, deed.telegram.me))
    thread = replied.get("message_thread_id") if replied.get("is_topic_message") else None
    place = {"reply_to": replied["message_id"], "thread_id": thread}
    return deed.telegram.send_text(deed.user, deed.send.value, deed.chat.id, **place)


def _tap(deed: Deed) -> Json:
    label = str(deed.send.value)
    for button in deed.telegram.buttons(deed.chat.id):
        # Of several that fit a matcher, the first on the newest message.
        meant = deed.send.message_id in (None, button.message_id)
        if meant and fits(deed.send.value, button.label):
            label = button.label
            break
    chat_id, message_id = deed.chat.id, deed.send.message_id
    return deed.telegram.tap(deed.user, message_id, chat_id=chat_id, label=label)


def _callback(deed: Deed) -> Json:
    message_id = _message_with_button(deed.telegram, deed.chat, deed.send)
    return deed.telegram.tap(deed.user, message_id, deed.send.value, deed.chat.id)


def _message_with_button(telegram: FakeTelegram, chat: Chat, send: Send) -> int:
    """Return the message whose button is tapped.

    A button that is not on screen is a stale one. Its message came from the bot before this
    dialogue began, so it is put there first; a deleted message stays deleted.
    """
    wanted = send.message_id
    keyboard = {"inline_keyboard": [[{"text": send.value, "callback_data": send.value}]]}
    if wanted is not None:
        shown = chat.messages.get(wanted)
        if shown is None and wanted not in chat.deleted:
            telegram.place(chat.id, EARLIER, wanted, keyboard)
        # A user's own message has no buttons: this id comes from another way of counting messages.
        if shown is None or _is_of(shown, telegram.me):
            return wanted
    for button in telegram.buttons(chat.id):
        if button.data.get("callback_data") == send.value and button.message_id is not None:
            return button.message_id
    return int(telegram.place(chat.id, EARLIER, None, keyboard)["message_id"])


def _is_of(message: Json, user: Json) -> bool:
    return bool(message.get("from", {}).get("id") == user["id"])


def _file(deed: Deed) -> Json:
    about = {"chat_id": deed.chat.id, **_about(deed.send.kind, deed.send.source), **deed.where}
    duration = deed.send.source.get("duration", 0)
    return deed.telegram.send_file(deed.user, deed.send.kind, duration=duration, **about)


def _about(kind: str, source: Json) -> Json:
    content = source.get("content", b"")
    content = content.encode() if isinstance(content, str) else content
    return {"content": content, "filename": source[kind], "caption": source.get("caption")}


def _album(deed: Deed) -> Iterator[list[Json]]:
    kinds = [(next(kind for kind in PARTS if kind in part), part) for part in deed.send.value]
    parts = [deed.telegram.file_content(kind, **_about(kind, part)) for kind, part in kinds]
    yield deed.telegram.send_album(deed.user, parts, deed.chat.id, **deed.where)


def _location(deed: Deed) -> Json:
    return deed.telegram.send_location(
        deed.user, **deed.send.value, chat_id=deed.chat.id, **deed.where
    )


def _contact(deed: Deed) -> Json:
    name = deed.send.source.get("name")
    return deed.telegram.send_contact(deed.user, deed.send.value, deed.chat.id, name, **deed.where)


def _forward(deed: Deed) -> Json:
    telegram, given, value = deed.telegram, deed.send.source, deed.send.value
    writer, place = given.get("fromUserId"), given.get("fromChatId")
    source = telegram.chat(place) if place in telegram.chats else deed.chat if not place else None
    if isinstance(value, int):
        message = source.messages.get(value) if source else None
        if message is None:
            refuse(f"there is no message {value} in chat {place or deed.chat.id} to forward")
    else:
        message = {"message_id": 1, "date": telegram.now(), **telegram.text_content(value)}
        if writer is not None:
            message["from"] = telegram.user(writer)
        elif place is not None and place < 0:
            message["sender_chat"] = source.data if source else telegram.channel(place)
        else:
            hidden = {"type": "hidden_user", "sender_user_name": SOMEBODY}
            message["forward_origin"] = {**hidden, "date": message["date"]}
    return telegram.forward(deed.user, message, deed.chat.id, **deed.where)


def _edit(deed: Deed) -> Json:
    def own(message: Json) -> bool:
        writer = message.get("from", {}).get("id")
        return writer in (deed.user, None) and ("text" in message or "caption" in message)

    message_id = deed.message(f"message of user {deed.user}", own)["message_id"]
    return deed.telegram.edit_text(deed.user, message_id, deed.send.value, deed.chat.id)


def _reaction(deed: Deed) -> Iterator[list[Json]]:
    telegram = deed.telegram
    message = deed.message(
        "message to react to",
        lambda each: deed.send.message_id is not None or _is_of(each, telegram.me),
    )
    value = deed.send.value
    emoji = value if isinstance(value, list) else [value]
    updates = deed.emitted(
        lambda: telegram.react(deed.user, message["message_id"], *emoji, chat_id=deed.chat.id)
    )
    if not updates:
        refuse(f"the bot is not told of reactions in chat {deed.chat.id}: it is no administrator")
    yield updates


def _vote(deed: Deed) -> Iterator[list[Json]]:
    poll = deed.message("poll", lambda message: "poll" in message)["poll"]
    value = deed.send.value
    wanted = value if isinstance(value, list) else [value]
    options = [_named(each, [o["text"] for o in poll["options"]], "option") for each in wanted]
    yield from _one_by_one(deed, lambda: deed.telegram.vote(deed.user, poll["id"], *options))


def _named(wanted: Any, labels: list[str], what: str) -> int:
    """Return the number of what a user sees under a label, a matcher of it, or its number."""
    for number, label in enumerate(labels):
        if number == wanted if isinstance(wanted, int) else fits(wanted, label):
            return number
    there = ", ".join(f"'{label}'" for label in labels) or "none"
    refuse(f"there is no {what} {wanted!r}; there are {there}")


def _pay(deed: Deed) -> Iterator[list[Json]]:
    telegram, send = deed.telegram, deed.send
    title = send.value
    message = deed.message(
        f"invoice {title!r}",
        lambda each: "invoice" in each and fits(title, each["invoice"]["title"]),
    )
    asked = telegram.pre_checkout(deed.user, message["message_id"], deed.chat.id)
    yield [asked]
    query = asked["pre_checkout_query"]["id"]
    answer = telegram.queries[query].answer
    # A payment that the bot refuses ends here; one that it does not answer cannot go on.
    if answer is None or answer["ok"]:
        yield [telegram.pay(deed.user, query)]


def _query(deed: Deed) -> Json:
    offset = deed.send.source.get("offset", "")
    return deed.telegram.inline_query(deed.user, deed.send.value, offset)


def _choose(deed: Deed) -> Json:
    for query in reversed(deed.telegram.queries.values()):
        if query.kind == "inline_query" and query.user_id == deed.user and query.answer:
            results = query.answer["results"]
            titles = [str(each.get("title") or each["id"]) for each in results]
            chosen = str(results[_named(deed.send.value, titles, "result")]["id"])
            return deed.telegram.choose_result(deed.user, query.id, chosen, deed.chat.id)
    refuse(f"user {deed.user} has no inline query that the bot has answered")


def _web_app_data(deed: Deed) -> Json:
    value, button = deed.send.value, deed.send.source.get("button")
    # As JSON.stringify writes it in a web app.
    data = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return deed.telegram.send_web_app_data(deed.user, data, button)


def _join(deed: Deed) -> Iterator[list[Json]]:
    from toolkit.harness.fake_telegram.rights import is_member

    if is_member(deed.chat.members.get(deed.user)):
        refuse(f"user {deed.user} is in chat {deed.chat.id} already")
    yield from _one_by_one(deed, lambda: deed.telegram.join(deed.user, deed.chat.id))


def _leave(deed: Deed) -> Iterator[list[Json]]:
    yield from _one_by_one(deed, lambda: deed.telegram.leave(deed.user, deed.chat.id))


def _one_by_one(deed: Deed, act: Callable[[], Any]) -> Iterator[list[Json]]:
    for update in deed.emitted(act):
        yield [update]


def _single(do: Callable[[Deed], Json]) -> Callable[[Deed], Iterable[list[Json]]]:
    return lambda deed: iter(([do(deed)],))


DEEDS: dict[str, Callable[[Deed], Iterable[list[Json]]]] = {
    "text": _single(_text),
    "callback": _single(_callback),
    "tap": _single(_tap),
    "photo": _single(_file),
    "document": _single(_file),
    "voice": _single(_file),
    "location": _single(_location),
    "contact": _single(_contact),
    "album": _album,
    "forward": _single(_forward),
    "reply": _single(_reply),
    "edit": _single(_edit),
    "reaction": _reaction,
    "vote": _vote,
    "pay": _pay,
    "query": _single(_query),
    "choose": _single(_choose),
    "join": _join,
    "leave": _leave,
    "webAppData": _single(_web_app_data),
}
"""For each kind, what yields the updates of each round."""
