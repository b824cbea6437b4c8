"""One bot, its users, and what can happen to them.

Users act on a `FakeTelegram`, every action becomes an update for the bot, and a `Recorder` keeps
what came of it. The store outlives the bot, which can be restarted, reloaded, and set back in time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from toolkit.harness.clock import VirtualClock, clock_of
from toolkit.harness.fake_telegram import FakeTelegram, Fault, snapshots
from toolkit.harness.simulator.recorder import (
    Changed,
    Recorder,
    SimulatorError,
    no_listener,
    traceback_of,
)
from toolkit.harness.simulator.turns import Turn, action
from toolkit.harness.specs.given import Given, begin_sessions_with
from toolkit.harness.specs.scene import set_scene
from toolkit.harness.specs.settling import Task, noting_tasks
from toolkit.harness.specs.timing import timers_handled
from toolkit.harness.storage import PersistentStorage, RewindableStorage
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.storage.base import SharedSessionStorage

PEOPLE = {1: "Ann", 2: "Ben", 3: "Cleo"}
GROUP = (-1000000000001, "Friends")
FAULTS = ("flood", "network")
RETRY_AFTER = 3
SLOW = 2.0
"""Seconds that every call to a slow store takes."""

OFFLINE_TOKEN = "42:offline"  # noqa: S105 - a placeholder; only its number shows, as the bot's id


class Simulation:
    """Runs the bots that the factory returned by `load()` makes; it is given `storage`.

    Without a `storage` of its own it keeps everything in memory, and can go back in time. `people`
    are the names of those who are there from the beginning, by id.

    `changed` is called as a `Recorder` does, and with `"status"` when the bot came up or broke,
    `"people"` when there are others, or other faults, and `"world"` when everything is new.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        changed: Changed = no_listener,
        *,
        storage: SharedSessionStorage | None = None,
        people: Mapping[int, str] = PEOPLE,
    ) -> None:
        self._load = load
        self.changed = changed
        self._store = storage
        self.given = Given()
        """What the world began with."""
        self._people = people
        self.make_bot: Any = None
        self.data: Mapping[str, Any] = {}
        """What the bot gives its handlers."""
        self._stack = AsyncExitStack()
        self._clock: VirtualClock | None = None
        self._moved = ExitStack()
        self.background: list[Task] = []
        """Tasks that run beside the turns: those that the bot has started at its start."""
        self._changing = asyncio.Lock()
        self.broken: str | None = None
        """Why the newest code does not run, as a traceback."""
        self._open_world(OFFLINE_TOKEN)

    def _open_world(self, token: str) -> None:
        records = self._store or RewindableStorage()
        self.storage = PersistentStorage(records)
        # A store that was there before knows update ids and message ids of its own, so those must
        # not come again.
        first = time.time_ns() // 1_000_000 if self._store else 1
        self.telegram = FakeTelegram(
            token=token, keep_calls=0, first_message_id=first, first_update_id=first
        )
        self.telegram.language = self.given.language
        self._scene_is_set = False
        self.recorder = Recorder(self.telegram, records, self.changed)
        self._rules: dict[str, Fault] = {}
        for user_id, name in self._people.items():
            self.telegram.user(user_id, name)
            self.telegram.private_chat(user_id)
        self.telegram.group(*GROUP, members=self._people)

    async def start(self, title: str = "The bot started") -> bool:
        """Start the bot from its newest code, in place of the one that runs; tell whether it runs.

        That one is ended as by a crash: what it was handling is delivered again to the new one. It
        goes on when the new code cannot be loaded; `broken` says why then.
        """
        if self._clock is None:
            # What was waited for stays past when the bot is restarted.
            self._clock = clock_of(asyncio.get_running_loop())
            self._moved.enter_context(self._clock.used(None))
        async with self._changing:
            return await self._start(title)

    async def stop(self) -> None:
        """End the bot."""
        async with self._changing:
            await self._stop()

    async def close(self) -> None:
        """End the bot and its store."""
        await self.stop()
        self._moved.close()
        await self.storage.inner.close()

    async def start_over(self, given: Given | None = None) -> bool:
        """Forget everything, and set the scene that is `given`; tell whether the bot runs."""
        async with self._changing:
            await self._stop()
            self.given = given or Given()
            self._open_world(self.telegram.token)
            self.changed("world", None)
            return await self._start("The bot started")

    async def go_back(self, turn: int) -> None:
        """Restart the bot in the world as it was just before the turn with this number."""
        found = self.recorder.find(turn)
        if found.point is None:
            raise SimulatorError(f"there is no way back to “{found.title}”; choose another turn")
        async with self._changing:
            await self._stop()
            found.point()
            self.recorder.forget(turn)
            self.changed("world", None)
            await self._start("The bot was restarted at this point")

    async def _start(self, title: str) -> bool:
        unsettled: list[Turn] = []
        try:
            # The first import of aiogram takes seconds; pages are answered meanwhile.
            make_bot = await asyncio.to_thread(self._load)
            from toolkit.harness.specs.plain import is_plain

            if is_plain(self.recorder.app):
                # Its routers can be in one dispatcher at a time.
                unsettled = await self._stop()
            app = await self._make(make_bot)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a bot may raise anything
            self.broken = traceback_of(error)
            self.changed("status", None)
            return False
        self.make_bot = make_bot
        unsettled += await self._stop()
        if app.bot.id != self.telegram.me["id"]:
            self._open_world(app.bot.token)
            self.changed("world", None)
            unsettled = []
            app = await self._make(make_bot)
        turn = self.recorder.begin(title)
        self.background = turn.tasks
        self._stack.enter_context(noting_tasks())
        await self.recorder.run(turn, self._enter(app))
        self.recorder.finish(turn)
        self.broken = turn.error
        self.changed("status", None)
        for each in unsettled:
            self.recorder.redeliver(each)
        return self.broken is None

    async def _make(self, make_bot: Any) -> Any:
        from toolkit.harness.specs.plain import make_app

        app = make_app(make_bot, self.given.options, storage=self.storage)
        if self.given.session:
            begin_sessions_with(app, self.given.session)
        if not self._scene_is_set and app.bot.id == self.telegram.me["id"]:
            await set_scene(app, self.telegram, self.given)
            self._scene_is_set = True
        return app

    async def _stop(self) -> list[Turn]:
        unsettled = await self.recorder.disconnect()
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()
        return unsettled

    async def _enter(self, app: BotApp[Any]) -> None:
        self.data = app.workflow_data
        self.telegram.attach(app.bot, waits=True)
        self.recorder.watch_handlers(app)
        await self._stack.enter_async_context(app.running())
        await self._stack.enter_async_context(timers_handled(app, self.recorder.handle_timer))
        self.recorder.connect(app)

    def act(self, do: Callable[[FakeTelegram], Json], send: Json | None = None) -> Turn:
        """Let a person do something, and give the bot the update that `do` returns.

        `send` is what a spec would send for it, None where that is the update itself. An update
        waits for a bot that is just starting.
        """
        point = self.point()
        return self.deliver(do(self.telegram), action=send, point=point)

    def deliver(self, update: Json, **fields: Any) -> Turn:
        """Give the bot an update that somebody's action has made; `fields` are those of a turn."""
        self.telegram.updates.take()
        if not update["update_id"]:
            raise SimulatorError("the bot is not in this chat, so it is not told")
        return self.recorder.deliver(update, **fields)

    def say(
        self, user: int, chat: int, text: str, thread: int | None = None, reply: int | None = None
    ) -> Turn:
        """Type a text. A reply to another message than the bot's newest has no `send`."""
        send = None if reply else action("text", text, user, chat, topicId=thread)
        newest = self.telegram.newest(chat, self.telegram.bot_id)
        if newest and newest["message_id"] == reply:
            send = action("reply", text, user, chat)
        return self.act(
            lambda world: world.send_text(user, text, chat, reply_to=reply, thread_id=thread), send
        )

    def tap(self, user: int, chat: int, message: int, row: int, column: int) -> Turn:
        """Tap an inline button. Raises LookupError when it is not there any more."""
        try:
            shown = self.telegram.chats[chat].messages[message]
            button = shown["reply_markup"]["inline_keyboard"][row][column]
        except LookupError:
            raise LookupError("that button is not on screen any more") from None
        label, data = button["text"], button.get("callback_data")
        if data is None:
            raise LookupError(f"the bot is not told when [{label}] is tapped")
        newest = self.telegram.find_button(chat, label)
        by_label = (newest.message_id, newest.data) == (message, button)
        kind, value = ("tap", label) if by_label else ("callback", data)
        return self.act(
            lambda world: world.tap(user, message, data, chat), action(kind, value, user, chat)
        )

    def tap_label(self, user: int, chat: int, label: str) -> Turn:
        """Tap the newest button with this label. Raises NoSuchButton with the labels on screen."""
        send = action("tap", label, user, chat)
        return self.act(lambda world: world.tap(user, chat_id=chat, label=label), send)

    def point(self) -> Callable[[], None] | None:
        """Return what makes this moment come again, where the store can go back."""
        telegram, records = self.telegram, self.storage.inner
        if not isinstance(records, RewindableStorage):
            return None
        before = snapshots.take(telegram), records.snapshot(), deepcopy(self.storage.beside)
        given = self.given

        def go_back() -> None:
            snapshots.restore(telegram, before[0])
            records.restore(before[1])
            self.storage.beside = deepcopy(before[2])
            self.given = given

        return go_back

    def redeliver(self) -> Turn:
        """Deliver the last update once more, as Telegram does when the answer to it was lost."""
        for turn in reversed(self.recorder.turns):
            if turn.update is not None and not turn.again:
                return self.recorder.deliver(turn.update, point=self.point(), again=True)
        raise SimulatorError("there is no update yet that could come again")

    def switch(self, name: str, on: bool, user: int | None = None) -> None:
        """Switch a fault on or off. Raises LookupError for an unknown one.

        `flood`, `network` and `slow` concern everyone; `blocked` is what one user does to the bot.
        """
        faults = self.telegram.faults
        if name == "slow":
            self.storage.slow_down(SLOW if on else 0.0)
        elif name == "blocked" and user in self.telegram.users:
            self.act(lambda world: (world.block if on else world.unblock)(user))
        elif name not in FAULTS:
            raise LookupError(f"there is no fault {name!r} for {user}")
        elif not on:
            faults.remove(self._rules[name])
        elif not self.faults[name]:
            self._rules[name] = (
                faults.too_many_requests(RETRY_AFTER, times=None)
                if name == "flood"
                else faults.network_error(times=None)
            )
        self.changed("people", None)

    @property
    def faults(self) -> Json:
        """The state of every fault as JSON; users who have blocked the bot by id."""
        on = {name: self._rules.get(name) in self.telegram.faults.rules for name in FAULTS}
        blocked = [each.id for each in self.telegram.users.values() if each.blocked]
        return {**on, "blocked": blocked, "slow": self.storage.delay > 0}
