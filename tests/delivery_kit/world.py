"""Telegram and a crowd of users in this process, and the bot in others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.delivery_kit import SOURCE
from tests.delivery_kit.counting_bot import TOKEN, make_bot
from tests.stores import free_port
from tests.support import ROOT
from toolkit import SessionStorage
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.server import serve

PATIENCE = 300.0
"""Seconds without which no proof is given up."""


class BotProcess:
    """A bot in a process of its own, started and ended any number of times."""

    def __init__(self, nursery: asyncio.subprocess.Process) -> None:
        self._nursery = nursery
        self._pid: int | None = None

    async def start(self) -> None:
        """Start the bot; it is not necessarily ready when this returns."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(b"\n")
        self._pid = int(await self._line())

    async def end(self, signum: signal.Signals) -> int:
        """Send the bot a signal and wait for its end; returns its exit status."""
        self.signal(signum)
        return await self.ended()

    def signal(self, signum: signal.Signals) -> None:
        """Send the bot a signal, if it runs."""
        if self._pid is not None:
            os.kill(self._pid, signum)

    async def ended(self) -> int:
        """Wait until the bot has ended; returns its exit status."""
        status = int(await self._line())
        self._pid = None
        return status

    async def _line(self) -> str:
        assert self._nursery.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self._nursery.stdout.readline()).decode()


class World:
    """The users' side: what they say, and how often the bot has answered what."""

    def __init__(self) -> None:
        self.telegram = FakeTelegram(token=TOKEN, keep_calls=0, history=5)
        self.answers: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self.telegram.observe(self._notice)
        updates: Any = self.telegram.updates
        updates.discard = self._then_look(updates.discard)
        updates.confirm = self._then_look(updates.confirm)

    def _notice(self, event: Any) -> None:
        if event.kind == "call" and event.data.method == "sendMessage":
            self.answers[event.data.payload["text"]] += 1
            self._changed.set()

    def _then_look(self, change: Callable[[int], None]) -> Callable[[int], None]:
        def changed(update_id: int) -> None:
            change(update_id)
            self._changed.set()

        return changed

    def say(self, users: int, each: int) -> None:
        """Have every user send that many messages, all different."""
        for number in range(each):
            for user in range(1, users + 1):
                self.telegram.send_text(user, f"message {number} of {user}:")

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until `what()` holds."""
        async with asyncio.timeout(PATIENCE):
            while not what():
                self._changed.clear()
                await self._changed.wait()

    async def until_answered(self, times: int) -> None:
        """Wait until the bot has answered that often."""
        await self.until(lambda: self.answers.total() >= times)

    def answers_with(self, text: str) -> int:
        """How many answers had `text` in them."""
        return sum(times for answer, times in self.answers.items() if text in answer)

    async def until_confirmed(self) -> None:
        """Wait until Telegram has nothing left to deliver."""
        await self.until(lambda: not len(self.telegram.updates))

    @contextlib.asynccontextmanager
    async def bot_here(self, storage: SessionStorage, **options: Any) -> AsyncIterator[Any]:
        """A bot that polls in this process, without sockets."""
        app = make_bot(storage, **options)
        self.telegram.attach(app.bot)
        stop = asyncio.Event()
        polling = asyncio.create_task(app.start_polling(stop=stop, handle_signals=False))
        try:
            yield app
        finally:
            stop.set()
            await polling

    @contextlib.asynccontextmanager
    async def bot(
        self, storage_url: str, mode: str, **environment: str
    ) -> AsyncIterator[BotProcess]:
        """A bot that gets its updates by "polling" or "webhook", or does a "broadcast"."""
        port = [str(free_port())] if mode == "webhook" else [mode] if mode == "broadcast" else []
        async with serve(self.telegram, retry_delay=0.02, max_retry_delay=0.2) as address:
            nursery = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.delivery_kit.nursery"),
                *(address, storage_url, *port),
                cwd=ROOT,
                env={**os.environ, **environment, "PYTHONPATH": f"{SOURCE}:{ROOT}"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            bot = BotProcess(nursery)
            try:
                assert await bot._line() == "ready\n"
                yield bot
            finally:
                os.killpg(nursery.pid, signal.SIGKILL)
                await nursery.wait()


async def counts(storage: SessionStorage) -> dict[str, int]:
    """What the bot remembers of whom; fails if the store holds anything else."""
    found = {}
    async for key in storage.read_all_keys():
        if key == "polling:start":
            continue  # what the next start is suspicious of; deleting it may have failed
        record = await storage.read(key)
        assert record is not None, key
        assert "session" in record, (key, record)
        found[key] = record["session"]["count"]
    return found
