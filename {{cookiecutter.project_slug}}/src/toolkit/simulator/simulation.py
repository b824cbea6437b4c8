"""One bot, the people around it, and all that can happen to them.

The bot is real, the Telegram is not: people act on a `FakeTelegram`, every action becomes an update,
the update goes through the bot as a delivered one does, and a `Recorder` keeps what came of it. The
store outlives the bot, so it can be restarted, reloaded, and set back to an earlier turn.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from toolkit.fake_telegram import Event, FakeTelegram, snapshots
from toolkit.harness.settling import settle

from .actions import title_of
from .faults import Switches
from .recorder import Recorder, Turn
from .store import SimulatedStorage

if TYPE_CHECKING:
    from toolkit.app import BotApp

Json = dict[str, Any]
Changed = Callable[[str, Any], object]

PEOPLE = {1: "Ann", 2: "Ben", 3: "Cleo"}
GROUP = (-1000000000001, "Friends")
OFFLINE_TOKEN = "42:offline"  # noqa: S105 - a placeholder; only its number shows, as the bot's id


class SimulatorError(Exception):
    """What was asked for cannot be done; the message says why, in words for whoever asked."""


class Simulation:
    """Runs the bots that the factory returned by ``load()`` makes; it is given ``storage``.

    ``changed`` is called with ``"turn"`` and a `Turn`, with ``"event"`` and an `Event` of the fake
    Telegram, with ``"status"`` when the bot came up or broke, and with ``"world"`` when nothing is
    as it was.
    """

    def __init__(
        self, load: Callable[[], Any], changed: Changed = lambda kind, data: None
    ) -> None:
        self._load = load
        self._changed = changed
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
        self.storage = SimulatedStorage()
        self.telegram = FakeTelegram(token=token, keep_calls=0)
        self.recorder = Recorder(self.telegram, lambda turn: self._changed("turn", turn))
        self.deleted: set[tuple[int | None, int]] = set()
        self.telegram.observe(self._notice)
        for user_id, name in PEOPLE.items():
            self.telegram.user(user_id, name)
            self.telegram.private_chat(user_id)
        self.telegram.group(*GROUP, members=PEOPLE)

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
            raise SimulatorError("a start of the bot is no point to go back to; choose another turn")
        async with self._changing:
            await self._stop()
            telegram, records = turn.point
            snapshots.restore(self.telegram, telegram)
            self.storage.restore(records)
            self.recorder.forget(number)
            self._changed("world", None)
            await self._start("The bot was restarted at this point")

    async def _start(self, title: str) -> bool:
        try:
            # The first import of aiogram takes seconds; whoever looks on is answered meanwhile.
            make_bot = await asyncio.to_thread(self._load)
            app = make_bot(storage=self.storage)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a bot may raise anything
            self.broken = "".join(traceback.format_exception(error))
            self._changed("status", None)
            return False
        self.make_bot = make_bot
        unsettled = [turn for turn in self.recorder.turns if not turn.done]
        await self._stop()
        if app.bot.id != self.telegram.me["id"]:
            self._open_world(app.bot.token)
            self._changed("world", None)
            app = make_bot(storage=self.storage)
        turn = self.recorder.begin(title)
        await self.recorder.run(turn, self._enter(app))
        self.recorder.finish(turn)
        self.broken = turn.error
        self._changed("status", None)
        for each in unsettled:
            self._deliver(each)
        return self.broken is None

    async def _stop(self) -> None:
        self._ready.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stack, self._stack, self.app = self._stack, AsyncExitStack(), None
        await stack.aclose()

    async def _enter(self, app: BotApp[Any]) -> None:
        from toolkit.fake_telegram.client import FakeTelegramClient

        app.bot.session = FakeTelegramClient(self.telegram)
        self.recorder.watch_handlers(app)
        await self._stack.enter_async_context(app.running())
        self.app = app
        self._ready.set()

    def act(self, do: Callable[[FakeTelegram], tuple[Json, Json | None]]) -> Turn:
        """Let somebody do something, and give the bot the update that comes of it.

        ``do`` acts on the fake Telegram; it returns the update, and what a spec would ``send`` for
        it, None where that is the update itself. An update waits for a bot that is just starting.
        """
        point = snapshots.take(self.telegram), self.storage.snapshot()
        update, action = do(self.telegram)
        self.telegram.updates.take()
        if not update["update_id"]:
            raise SimulatorError("the bot is not in this chat, so it is not told")
        turn = self.recorder.begin(title_of(update), update=update, action=action, point=point)
        self._deliver(turn)
        return turn

    def redeliver(self) -> Turn:
        """Deliver the last update once more, as Telegram does when the answer to it was lost."""
        for turn in reversed(self.recorder.turns):
            if turn.update is not None and not turn.again:
                point = snapshots.take(self.telegram), self.storage.snapshot()
                again = self.recorder.begin(turn.title, update=turn.update, point=point, again=True)
                self._deliver(again)
                return again
        raise SimulatorError("there is no update yet that could come again")

    def _notice(self, event: Event) -> None:
        if event.kind == "deleted":
            self.deleted.add((event.chat_id, event.data))
        self._changed("event", event)

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

    def note(self, title: str, key: str) -> Turn:
        """Begin a turn for what is done to the session under ``key`` by hand."""
        point = snapshots.take(self.telegram), self.storage.snapshot()
        return self.recorder.begin(title, key=key, point=point)

    async def settle(self, turn: Turn) -> None:
        """Wait until the update is handled and what its handler floated has ended or waits."""
        before = asyncio.all_tasks() - self._tasks.keys()
        await asyncio.gather(*(task for task, mine in self._tasks.items() if mine is turn))
        await settle(before)

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
            turn.error = str(error)
            self.recorder.finish(turn)
            return
        turn.key = app.session_key(update)
        # As the bot's own poller does: the updates of one session one by one, others meanwhile.
        async with self._lines[turn.key]:
            turn.before = await self.fields(turn.key)
            await self.recorder.run(turn, app.feed_update(app.bot, update))
            turn.after = await self.fields(turn.key)
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
        from toolkit.storage import StorageError

        if key is None:
            return None
        try:
            return self.running_app.sessions.codec.load(key, await self.storage.peek(key))[1]
        except StorageError:
            return None
