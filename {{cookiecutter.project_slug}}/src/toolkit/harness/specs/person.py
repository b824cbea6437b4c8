"""A user who talks to the bot in a test.

    await person.say("/book")
    await person.tap("Haircut")
    person.sees("When?")

A failure says what is there instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.harness.fake_telegram.rich.plain import text_of
from toolkit.harness.specs.place import Place, SpecError
from toolkit.harness.specs.sending import rounds
from toolkit.harness.specs.sends import SENDS, Send, check
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.specs.running_bot import RunningBot


class Person:
    """A user in one chat: their private one, or a group after `at`.

    What a person does raises what handlers raise, and AssertionError where it cannot be done.
    """

    def __init__(self, running: RunningBot, user_id: int, name: str, chat_id: int | None = None):
        self._running = running
        self._telegram = running.telegram
        self.id = user_id
        """The id of the user."""
        self.name = name
        """The first name."""
        self.chat_id = user_id if chat_id is None else chat_id
        """The chat where this person acts: the user's id, or that of a group."""
        self._telegram.user(user_id, name)
        self._changed: dict[int, Json] = {}
        self._toasts: list[str] = []
        self._telegram.observe(self._notice)

    def at(self, group: Json) -> Person:
        """Return the same person in a group, a Bot API Chat such as the fixture `group`."""
        return Person(self._running, self.id, self.name, int(group["id"]))

    async def say(self, text: str, **options: Any) -> None:
        """Type a text. Options are those of `FakeTelegram.send_text`, such as `reply_to`."""
        await self._act(self._telegram.send_text(self.id, text, self.chat_id, **options))

    async def send(self, **content: Any) -> None:
        """Send other content, as fields of a Bot API Message: `photo=[…]`, `contact={…}`."""
        await self._act(self._telegram.send(self.id, content, self.chat_id))

    async def tap(self, label: str) -> None:
        """Tap the newest button with this label.

        Raise AssertionError when there is none, or when the bot leaves the tap unanswered.
        """
        __tracebackhide__ = True
        for update in await self._do("tap", label):
            if problem := self._running.unanswered(update):
                raise AssertionError(problem)

    async def photo(
        self,
        name: str = "photo.jpg",
        content: bytes = b"",
        *,
        caption: str | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> None:
        """Send a picture, which the bot can download."""
        await self._do(
            "photo", name, content=content, caption=caption, replyTo=reply_to, topicId=thread_id
        )

    async def document(
        self,
        name: str = "file.txt",
        content: bytes = b"",
        *,
        caption: str | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> None:
        """Send a file, which the bot can download."""
        await self._do(
            "document", name, content=content, caption=caption, replyTo=reply_to, topicId=thread_id
        )

    async def voice(
        self,
        name: str = "voice.ogg",
        content: bytes = b"",
        *,
        duration: int | None = None,
        caption: str | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> None:
        """Send a voice message of `duration` seconds."""
        options = {"duration": duration, "replyTo": reply_to, "topicId": thread_id}
        await self._do("voice", name, content=content, caption=caption, **options)

    async def album(
        self,
        *parts: Mapping[str, Any],
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> None:
        """Send 2 to 10 photos and documents together: `{"photo": "a.jpg", "caption": "…"}, …`."""
        await self._do("album", [*parts], replyTo=reply_to, topicId=thread_id)

    async def location(
        self,
        latitude: float,
        longitude: float,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> None:
        """Share a place."""
        place = {"latitude": latitude, "longitude": longitude}
        await self._do("location", place, replyTo=reply_to, topicId=thread_id)

    async def contact(
        self,
        phone_number: str = "+10000000000",
        *,
        name: str | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> None:
        """Share one's own contact, or that of somebody else with this `name`."""
        await self._do("contact", phone_number, name=name, replyTo=reply_to, topicId=thread_id)

    async def reply(self, text: str, *, message_id: int | None = None) -> None:
        """Answer a message with a text: by default the newest one of the bot."""
        await self._do("reply", text, messageId=message_id)

    async def forward(
        self, what: str | int, *, from_chat: int | None = None, from_user: int | None = None
    ) -> None:
        """Forward a message of `from_chat`, by default of this one, by its id.

        A text stands for a message that the bot has not seen: of this channel or this user, or of
        somebody who hides their account.
        """
        await self._do("forward", what, fromChatId=from_chat, fromUserId=from_user)

    async def edit(self, text: str, *, message_id: int | None = None) -> None:
        """Change the text or caption of one's own message: by default of the newest one."""
        await self._do("edit", text, messageId=message_id)

    async def react(self, *emoji: str, message_id: int | None = None) -> None:
        """Put these reactions on a message, or none: by default on the newest one of the bot."""
        await self._do("reaction", [*emoji], messageId=message_id)

    async def vote(self, *options: str | int, message_id: int | None = None) -> None:
        """Vote in the newest poll for these options, by label or from 0; without any, retract."""
        await self._do("vote", [*options], messageId=message_id)

    async def pay(self, title: str, *, message_id: int | None = None) -> None:
        """Pay the newest invoice with this title, if the bot approves of the checkout."""
        await self._do("pay", title, messageId=message_id)

    async def query(self, text: str, *, offset: str | None = None) -> None:
        """Type `@bot text` in some chat: an inline query."""
        await self._do("query", text, offset=offset)

    async def choose(self, title: str) -> None:
        """Send the result with this title, of the newest inline query, to this chat."""
        await self._do("choose", title)

    async def join(self, group: Json | int) -> None:
        """Join a group: a Bot API Chat such as the fixture `group`, or its id."""
        await self._do("join", group if isinstance(group, int) else group["id"])

    async def leave(self, group: Json | int) -> None:
        """Leave a group."""
        await self._do("leave", group if isinstance(group, int) else group["id"])

    async def web_app_data(self, data: str | Json, *, button: str | None = None) -> None:
        """Finish the web app that a button of the reply keyboard opens; it sends `data`."""
        await self._do("webAppData", data, button=button)

    def sees(self, text: str) -> bool:
        """Assert that `text` is part of what appeared since this person's last action."""
        __tracebackhide__ = True
        if not any(text in shown for shown in self.news):
            shown = "\n".join(f"  {line!r}" for line in self.news) or "  nothing"
            raise AssertionError(f"{self.name} does not see {text!r}; what appeared is\n{shown}")
        return True

    @property
    def news(self) -> list[str]:
        """Texts and captions that appeared or changed since the last action, then the toasts."""
        return [*filter(None, map(text_of, self._changed.values())), *self._toasts]

    @property
    def messages(self) -> list[Json]:
        """Everything on screen, oldest first, as Bot API Messages."""
        return self._telegram.messages(self.chat_id)

    @property
    def buttons(self) -> list[str]:
        """The labels on the newest inline keyboard, then those of the reply keyboard."""
        buttons = self._telegram.buttons(self.chat_id)
        newest = next((b.message_id for b in buttons if b.message_id is not None), None)
        return [b.label for b in buttons if b.message_id in (newest, None)]

    async def _act(self, update: Json) -> None:
        self._forget()
        await self._running.deliver(update)

    async def _do(self, kind: str, value: Any, **options: Any) -> list[Json]:
        """Do what a spec would send; return the updates. Raise AssertionError if it cannot be."""
        __tracebackhide__ = True
        source = {kind: value, **{k: v for k, v in options.items() if v is not None}}
        send = Send(kind, value, self.id, self.chat_id, options.get("messageId"), source)
        self._forget()
        updates: list[Json] = []
        going = rounds(self._telegram, [send])
        while True:
            try:
                check(value, SENDS[kind][kind], Place(self.name), kind)
                batch = [update for _, update in next(going, ())]
            except (LookupError, SpecError) as error:
                raise AssertionError(str(error)) from None
            if not batch:
                return updates
            await self._running.deliver(*batch)
            updates += batch

    def _forget(self) -> None:
        self._changed.clear()
        self._toasts.clear()

    def _notice(self, event: Any) -> None:
        if event.kind == "callback" and event.data.user_id == self.id and event.data.answer:
            self._toasts += filter(None, [event.data.answer.get("text")])
        elif event.chat_id != self.chat_id:
            return
        elif event.kind == "deleted":
            self._changed.pop(event.data, None)
        elif event.kind == "message" and event.data.get("from", {}).get("id") != self.id:
            self._changed[event.data["message_id"]] = event.data
