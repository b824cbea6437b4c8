"""A session equals that of a model of twenty lines, in any order of events."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import pytest
from aiogram.types import CallbackQuery, Message, Update
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.delivery_kit.failing import Crash, MortalStorage
from toolkit import BotApp, BotContext, MemorySessionStorage, create_bot
from toolkit.delivery.attempts import Attempts, UpdateTasks
from toolkit.delivery.shutdown import drain
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.storage.sqlite import SqliteSessionStorage

pytestmark = pytest.mark.slow

T = TypeVar("T")
Json = dict[str, Any]

TOKEN = "42:model"
EXPIRES_IN = 60.0
USERS = st.integers(1, 3)


@dataclass
class Session:
    """What the bot remembers."""

    count: int = 0


def make_bot(storage: Any) -> BotApp[Session]:
    """A bot that adds, looks, forgets and fails, as it is told."""
    app = create_bot(TOKEN, initial=Session, storage=storage, expires_in=EXPIRES_IN)

    @app.message()
    async def do(message: Message, session: Session, context: BotContext[Session]) -> None:
        await asyncio.sleep(0)
        if message.text == "forget":
            del context.session
        elif message.text != "look":
            session.count += 1
        if message.text == "fail":
            raise RuntimeError("as told")

    @app.callback_query()
    async def add_ten(query: CallbackQuery, session: Session) -> None:
        session.count += 10

    return app


@dataclass
class Remembered:
    """The model: what a user's record must hold."""

    count: int = 0
    updates: list[int] = field(default_factory=list)
    until: float = 0.0

    def after(self, update: Json, now: float) -> Remembered:
        """The record after `update` was delivered: a session, or `Remembered()` for none."""
        alive = self if now < self.until else Remembered()
        told = update["message"]["text"] if "message" in update else "tap"
        if update["update_id"] in alive.updates or told in ("look", "fail"):
            return alive
        if told == "forget":
            return Remembered()
        count = alive.count + (10 if told == "tap" else 1)
        return Remembered(count, [*alive.updates, update["update_id"]], now + EXPIRES_IN)


class Conversations(RuleBasedStateMachine):
    """Users talk, the bot dies and is started again, time passes, Telegram repeats itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = 1_000_000.0
        self.clock = mock.patch("time.time", self.time)
        self.clock.start()
        self.telegram = FakeTelegram(token=TOKEN, history=5)
        self.model: defaultdict[str, Remembered] = defaultdict(Remembered)
        self.waiting: list[Json] = []
        self.delivered: list[Json] = []
        self.start()

    def time(self) -> float:
        """What the clock shows."""
        return self.now

    def open(self) -> Any:
        """The store as the next process finds it."""
        raise NotImplementedError

    def start(self) -> None:
        """Start a process."""
        self.storage = MortalStorage(self.open())
        self.app = make_bot(self.storage)
        self.telegram.attach(self.app.bot)
        self.attempts = Attempts(self.app)

    def end(self) -> None:
        """End it, and let go of the file."""
        self.run(self.storage.inner.close())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the bot's event loop."""
        return self.loop.run_until_complete(work)

    @rule(user=USERS, text=st.sampled_from(["add", "look", "forget", "fail"]))
    def say(self, user: int, text: str) -> None:
        """A user writes."""
        self.waiting.append(self.telegram.send_text(user, text))

    @rule(user=USERS)
    def tap(self, user: int) -> None:
        """A user taps a button."""
        self.waiting.append(self.telegram.tap(user, message_id=1, callback_data="ten"))

    @rule()
    def deliver(self) -> None:
        """Telegram delivers what waits, and the bot lives to confirm it."""
        self.run(self._settle(self.waiting))
        self._apply(self.waiting)
        self.delivered += self.waiting
        self.waiting = []

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        """Telegram delivers again what was confirmed."""
        again = data.draw(st.lists(st.sampled_from(self.delivered), min_size=1, max_size=3))
        self.run(self._settle(again))
        self._apply(again)

    @precondition(lambda self: self.waiting)
    @rule(calls=st.integers(1, 12), after=st.booleans())
    def crash_during_delivery(self, calls: int, after: bool) -> None:
        """The process dies at some call to the store; nothing of that was confirmed."""
        self.storage.dies_in, self.storage.dies_after = calls, after
        self.run(self._settle(self.waiting))
        self.end()
        self.start()
        self.learn_what_a_crash_left()

    @rule()
    def restart(self) -> None:
        """The process ends in order, and another one begins."""
        self.end()
        self.start()
        self.learn_what_an_end_left()

    @rule(seconds=st.sampled_from([1.0, EXPIRES_IN - 1.0, EXPIRES_IN + 1.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    def learn_what_an_end_left(self) -> None:
        """Everything."""

    def learn_what_a_crash_left(self) -> None:
        """Of each user's updates the first few have taken effect, and no others."""
        for key, updates in self._by_key(self.waiting).items():
            reached = [self.model[key]]
            for update in updates:
                reached.append(reached[-1].after(update, self.now))
            found = self._stored(key)
            matching = [state for state in reached if self._as_stored(state) == found]
            assert matching, f"{key} is {found}; one after another it should be {reached}"
            self.model[key] = matching[-1]

    @invariant()
    def every_session_is_what_the_model_says(self) -> None:
        """What is stored is neither more nor less."""
        for user in (1, 2, 3):
            key = f"{user}_{user}"
            assert self._stored(key) == self._as_stored(self.model[key]), key

    @invariant()
    def nobody_holds_anything(self) -> None:
        """No lock and no lease is left."""
        assert len(self.app.sessions.checkouts.lock) == 0
        assert len(self.storage.inner._leases) == 0

    def teardown(self) -> None:
        """Close everything."""
        self.end()
        self.clock.stop()
        self.loop.close()

    async def _settle(self, updates: list[Json]) -> None:
        async def work(update: Update) -> None:
            with contextlib.suppress(Crash):
                await self.attempts.settle(update)

        async def given_up(update: Update) -> None:
            raise AssertionError(f"update {update.update_id} was given up")

        tasks = UpdateTasks(work, given_up)
        for raw in updates:
            update = Update.model_validate(raw, context={"bot": self.app.bot})
            tasks.put(self.app.session_key(update), update)
        await drain(60.0, tasks)

    def _apply(self, updates: list[Json]) -> None:
        for key, its in self._by_key(updates).items():
            for update in its:
                self.model[key] = self.model[key].after(update, self.now)

    @staticmethod
    def _by_key(updates: list[Json]) -> dict[str, list[Json]]:
        found: defaultdict[str, list[Json]] = defaultdict(list)
        for update in updates:
            user = (update.get("message") or update["callback_query"])["from"]["id"]
            found[f"{user}_{user}"].append(update)
        return found

    def _as_stored(self, state: Remembered) -> Json | None:
        if self.now >= state.until:
            return None
        return {"session": {"count": state.count}, "updates": state.updates}

    def _stored(self, key: str) -> Json | None:
        record: Json | None = self.run(self.storage.inner.read(key))
        return record


class InMemory(Conversations):
    """In memory: every process begins with nothing."""

    def open(self) -> Any:
        return MemorySessionStorage()

    def learn_what_an_end_left(self) -> None:
        self.model.clear()

    learn_what_a_crash_left = learn_what_an_end_left


class InAFile(Conversations):
    """In an SQLite file."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open(self) -> Any:
        return SqliteSessionStorage(Path(self.folder.name) / "bot.db")

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


OFTEN = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestInMemory = InMemory.TestCase
TestInMemory.settings = OFTEN
TestInAFile = InAFile.TestCase
TestInAFile.settings = OFTEN
