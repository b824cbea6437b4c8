"""A user who talks to the bot in a test.

    await person.say("/book")
    await person.tap("Haircut")
    person.sees("When?")

A failure says what is there instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.specs.running_bot import RunningBot


class Person:
    """A user in one chat: their private one, or a group after `at`.

    `say`, `send` and `tap` raise what handlers raise.
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
        try:
            update = self._telegram.tap(self.id, chat_id=self.chat_id, label=label)
        except LookupError as error:
            raise AssertionError(str(error)) from None
        await self._act(update)
        if problem := self._running.unanswered(update):
            raise AssertionError(problem)

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
        texts = (m.get("text") or m.get("caption") or "" for m in self._changed.values())
        return [*filter(None, texts), *self._toasts]

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
        self._changed.clear()
        self._toasts.clear()
        await self._running.deliver(update)

    def _notice(self, event: Any) -> None:
        if event.kind == "callback" and event.data.user_id == self.id and event.data.answer:
            self._toasts += filter(None, [event.data.answer.get("text")])
        elif event.chat_id != self.chat_id:
            return
        elif event.kind == "deleted":
            self._changed.pop(event.data, None)
        elif event.kind == "message" and event.data.get("from", {}).get("id") != self.id:
            self._changed[event.data["message_id"]] = event.data
