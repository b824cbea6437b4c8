"""One bot, the people around it, and all that can happen to them.

The bot is real, the Telegram is not: people act on a `FakeTelegram`, every action becomes an
update that is delivered to the bot, and a `Recorder` keeps what came of it. The store outlives the
bot, so it can be restarted, reloaded, and set back to an earlier turn.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from toolkit.harness.fake_telegram import Event, FakeTelegram, snapshots
from toolkit.harness.simulator.actions import title_of
from toolkit.harness.simulator.recorder import Recorder, Turn, traceback_of
from toolkit.harness.simulator.storage import RewindableStorage, SimulatedStorage
from toolkit.harness.simulator.switches import Switches
from toolkit.harness.specs.settling import noting_tasks, settle
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.storage.base import SharedSessionStorage

Changed = Callable[[str, Any], object]

PEOPLE = {1: "Ann", 2: "Ben", 3: "Cleo"}
GROUP = (-1000000000001, "Friends")
OFFLINE_TOKEN = "42:offline"  # noqa: S105 - a placeholder; only its number shows, as the bot's id


class SimulatorError(Exception):
    """What was asked for cannot be done; the message says why, in words for whoever asked."""


class Simulation:
    """Runs the bots that the factory returned by ``load()`` makes; it is given ``storage``.

    Without a ``storage`` of its own it keeps everything in memory, and can go back in time.
    ``people`` are the names of those who are there from the beginning, by id.

    ``changed`` is called with ``"turn"`` and a `Turn`, with ``"event"`` and an `Event` of the fake
    Telegram, with ``"status"`` when the bot came up or broke, and with ``"world"`` when nothing is
    as it was.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        changed: Changed = lambda kind, data: None,
        *,
        storage: SharedSessionStorage | None = None,
        people: Mapping[int, str] = PEOPLE,
    ) -> None:
        self._load = load
        self._changed = changed
        self._given = storage
        self._people = people
        self.make_bot: Any = None
        self._stack = AsyncExitStack()
        self._changing = asyncio.Lock()
        self._ready = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], Turn] = {}
        self._lines: dict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.app: BotApp[Any] | None = None
        self.broken: str | None = None
        """Why the newest code does not run, as a traceback."""
        self._open_world(OFFLINE_TOKEN)

    def _open_world(self, token: str) -> None:
        self.switches = Switches(self)
        self.storage = SimulatedStorage(self._given or RewindableStorage())
        # A store that was there before knows update ids and message ids of its own, so those must
        # not come again.
        first = time.time_ns() // 1_000_000 if self._given else 1
        self.telegram = FakeTelegram(
            token=token, keep_calls=0, first_message_id=first, first_update_id=first
        )
        self.recorder = Recorder(self.telegram, lambda turn: self._changed("turn", turn))
        self.deleted: set[tuple[int | None, int]] = set()
        self.telegram.observe(self._notice)
        for user_id, name in self._people.items():
            self.telegram.user(user_id, name)
            self.telegram.private_chat(user_id)
        self.telegram.group(*GROUP, members=self._people)

    async def start(self, title: str = "The bot started") -> bool:
        """Start the bot from its newest code, in place of the one that runs; tell whether it runs.

        That one is ended as by a crash: what it was handling is delivered again to the new one. It
        goes on when the new code cannot be loaded; `broken` says why then.
        """
        async with self._changing:
            return await self._start(title)

    async def stop(self) -> None:
        """End the bot."""
        async with self._changing:
            await self._stop()

    async def close(self) -> None:
        """End the bot and its store."""
        await self.stop()
        await self.storage.inner.close()

    async def start_over(self) -> None:
        """Forget everything: chats, sessions, turns and faults."""
        async with self._changing:
            await self._stop()
            self._open_world(self.telegram.token)
            self._changed("world", None)
            await self._start("The bot started")

    async def go_back(self, number: int) -> None:
        """Restart the bot in the world as it was just before the turn with this number."""
        turn = self.recorder.find(number)
        if turn.point is None:
            raise SimulatorError(f"there is no way back to “{turn.title}”; choose another turn")
        async with self._changing:
            await self._stop()
            turn.point()
            self.recorder.forget(number)
            self._changed("world", None)
            await self._start("The bot was restarted at this point")

    async def _start(self, title: str) -> bool:
        try:
            # The first import of aiogram takes seconds; whoever looks on is answered meanwhile.
            make_bot = await asyncio.to_thread(self._load)
            app = make_bot(storage=self.storage)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a bot may raise anything
            self.broken = traceback_of(error)
            self._changed("status", None)
            return False
        self.make_bot = make_bot
        unsettled = [turn for turn in self.recorder.turns if not turn.done]
        await self._stop()
        if app.bot.id != self.telegram.me["id"]:
            self._open_world(app.bot.token)
            self._changed("world", None)
            unsettled = []
            app = make_bot(storage=self.storage)
        turn = self.recorder.begin(title)
        self._stack.enter_context(noting_tasks())
        await self.recorder.run(turn, self._enter(app))
        self.recorder.finish(turn)
        self.broken = turn.error
        self._changed("status", None)
        for each in unsettled:
            self._deliver(each)
        return self.broken is None

    async def _stop(self) -> None:
        self._ready.clear()
        tasks = [*self._tasks, *(task for turn in self.recorder.turns for task in turn.tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stack, self._stack, self.app = self._stack, AsyncExitStack(), None
        await stack.aclose()

    async def _enter(self, app: BotApp[Any]) -> None:
        self.telegram.attach(app.bot, waits=True)
        self.recorder.watch_handlers(app)
        await self._stack.enter_async_context(app.running())
        self.app = app
        self._ready.set()

    def act(self, do: Callable[[FakeTelegram], tuple[Json, Json | None]]) -> Turn:
        """Let somebody do something, and give the bot the update that comes of it.

        ``do`` acts on the fake Telegram; it returns the update, and what a spec would ``send`` for
        it, None where that is the update itself. An update waits for a bot that is just starting.
        """
        point = self.point()
        update, action = do(self.telegram)
        self.telegram.updates.take()
        if not update["update_id"]:
            raise SimulatorError("the bot is not in this chat, so it is not told")
        turn = self.recorder.begin(title_of(update), update=update, action=action, point=point)
        self._deliver(turn)
        return turn

    def point(self) -> Callable[[], None] | None:
        """What makes this moment come again, where the store can go back."""
        telegram, records = self.telegram, self.storage.inner
        if not isinstance(records, RewindableStorage):
            return None
        before = snapshots.take(telegram), records.snapshot()

        def go_back() -> None:
            snapshots.restore(telegram, before[0])
            records.restore(before[1])

        return go_back

    def redeliver(self) -> Turn:
        """Deliver the last update once more, as Telegram does when the answer to it was lost."""
        for turn in reversed(self.recorder.turns):
            if turn.update is not None and not turn.again:
                again = self.recorder.begin(
                    turn.title, update=turn.update, point=self.point(), again=True
                )
                self._deliver(again)
                return again
        raise SimulatorError("there is no update yet that could come again")

    def _notice(self, event: Event) -> None:
        if event.kind == "deleted":
            self.deleted.add((event.chat_id, event.data))
        self._changed("event", event)

    def announce(self, kind: str, data: Any = None) -> None:
        """Tell whoever looks on that something changed."""
        self._changed(kind, data)

    def add_person(self, name: str) -> int:
        """Let somebody new come along, in every group; returns their id."""
        if not name.strip():
            raise SimulatorError("a person needs a name")
        user_id = max(self.telegram.users) + 1
        self.telegram.user(user_id, name.strip())
        self.telegram.private_chat(user_id)
        for chat in list(self.telegram.chats.values()):
            if not chat.is_private:
                self.telegram.group(chat.id, members=[user_id])
        self._changed("people", None)
        self._changed("event", Event("chat", user_id, None))
        return user_id

    def add_group(self, title: str, *, forum: bool = False) -> int:
        """Open a group of everybody and the bot; returns its id."""
        if not title.strip():
            raise SimulatorError("a group needs a title")
        chat_id = min(self.telegram.chats) - 1
        self.telegram.group(chat_id, title.strip(), members=list(self.telegram.users), forum=forum)
        self._changed("event", Event("chat", chat_id, None))
        return chat_id

    async def settle(self, turn: Turn) -> None:
        """Wait until the update is handled and what its handler floated has ended or waits."""
        await asyncio.gather(*(task for task, mine in self._tasks.items() if mine is turn))

    def _deliver(self, turn: Turn) -> None:
        task = asyncio.create_task(self._handle(turn))
        self._tasks[task] = turn
        task.add_done_callback(self._tasks.pop)

    async def _handle(self, turn: Turn) -> None:
        await self._ready.wait()
        from aiogram.types import Update

        app = self.running_app
        try:
            update = Update.model_validate(turn.update, context={"bot": app.bot})
        except ValueError as error:
            turn.error = traceback_of(error)
            self.recorder.finish(turn)
            return
        turn.key = app.session_key(update)
        # As the bot's own poller does: the updates of one session one by one, others meanwhile.
        async with self._lines[turn.key]:
            turn.before = await self.fields(turn.key)
            await self.recorder.run(turn, app.feed_update(app.bot, update))
            turn.after = await self.fields(turn.key)
        self.recorder.finish(turn)
        if errors := await settle(turn.tasks):
            turn.error = turn.error or traceback_of(errors[0])
            self.recorder.finish(turn)

    @property
    def running_app(self) -> BotApp[Any]:
        """The bot. Raises `SimulatorError` while none runs."""
        if self.app is None:
            raise SimulatorError("the bot is not running yet")
        return self.app

    async def fields(self, key: str | None) -> Json | None:
        """The fields of the session under ``key``, as they are stored or would begin.

        None where there is no session, or one that this bot cannot read.
        """
        from toolkit.errors import StorageError

        if key is None:
            return None
        try:
            return self.running_app.sessions.codec.load(key, await self.storage.inner.read(key))[1]
        except StorageError:
            return None
