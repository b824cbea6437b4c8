"""Overload: twice as many updates as a webhook can take, each on a connection of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import Progress, Reach, Report, arguments, free_port, quantile, taking_turns

STORES = ("memory", "sqlite")
TOKEN = "42:overload"  # noqa: S105 - of nobody
WORK = 0.002
"""Seconds of processor that the handler takes."""

USERS = 1000
TELEGRAM = 40
"""Connections of Telegram, where nothing else is set."""


async def child(store: str, port: int) -> None:
    """Serve a bot that counts; a line on standard input asks how much it has counted."""
    from dataclasses import dataclass

    from aiogram.types import Message

    from toolkit import create_bot, open_storage
    from toolkit.harness import FakeTelegram

    @dataclass
    class Session:
        count: int = 0

    place = Path(tempfile.mkdtemp(prefix="bench-"))
    storage = open_storage("memory:" if store == "memory" else f"sqlite:///{place}/bot.db")
    app = create_bot(TOKEN, initial=Session, storage=storage)
    FakeTelegram(token=TOKEN, keep_calls=0, history=5).attach(app.bot)

    @app.message()
    async def count(message: Message, session: Session) -> None:
        end = time.process_time() + WORK
        while time.process_time() < end:
            pass
        session.count += 1

    @app.startup()
    async def talk() -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

        async def answer() -> None:
            while await reader.readline():
                keys = [key async for key in storage.read_all_keys()]
                records = [await storage.read(key) for key in keys]
                print(sum(record["session"]["count"] for record in records if record), flush=True)
            stop.set()

        asking.append(asyncio.create_task(answer()))

    stop, asking = asyncio.Event(), []
    url = f"http://127.0.0.1:{port}/webhook"
    await app.start_webhook(url=url, host="127.0.0.1", port=port, stop=stop)
    shutil.rmtree(place)


class Bot:
    """A bot in its own process, and what Telegram and a crowd send it."""

    def __init__(self, store: str) -> None:
        from toolkit.delivery.webhook import HEADER, secret_for

        self.port = free_port()
        command = [sys.executable, __file__, "--child", f"{store}:{self.port}"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.head = (
            "POST /webhook HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n"
            f"{HEADER}: {secret_for(TOKEN)}\r\nContent-Length: "
        )
        self.sent = 0
        self.took: list[float] = []
        self.refused: list[bytes] = []

    def memory_mb(self) -> float:
        """Resident memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def applied(self) -> int:
        """How many updates the sessions have counted."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("count\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> None:
        """Close its input, and wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)

    def update(self) -> bytes:
        """Return the request of the next update."""
        self.sent += 1
        user = self.sent % USERS + 1
        body = json.dumps(
            {
                "update_id": self.sent,
                "message": {
                    "message_id": self.sent,
                    "date": 1,
                    "chat": {"id": user, "type": "private", "first_name": "A"},
                    "from": {"id": user, "is_bot": False, "first_name": "A"},
                    "text": "hello",
                },
            }
        )
        return f"{self.head}{len(body)}\r\n\r\n{body}".encode()

    async def post(self, request: bytes) -> bool:
        """Deliver once; tell whether it was taken."""
        begun = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(request)
                async with asyncio.timeout(60):
                    answer = await reader.read()
            finally:
                writer.close()
        except OSError:
            return False
        if not answer.startswith(b"HTTP/1.1 200"):
            return False
        self.took.append(time.perf_counter() - begun)
        return True

    async def until_ready(self) -> None:
        """Wait until the process takes updates. Raises RuntimeError when it has ended instead."""
        while not await self.post(self.update()):
            if self.process.poll() is not None:
                raise RuntimeError(f"the bot has ended with status {self.process.returncode}")
            self.sent = 0
            await asyncio.sleep(0.1)

    async def capacity(self, seconds: float) -> float:
        """Return how many updates a second it takes over the connections of Telegram."""
        end, before = time.perf_counter() + seconds, self.sent

        async def connection() -> None:
            while time.perf_counter() < end:
                await self._deliver(self.update())

        await asyncio.gather(*(connection() for _ in range(TELEGRAM)))
        return (self.sent - before) / seconds

    async def _deliver(self, request: bytes) -> None:
        while not await self.post(request):  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(0.1)

    async def storm(self, rate: float, seconds: float) -> float:
        """Send `rate` updates a second, whatever is answered; return the most memory, in MB."""

        async def once(request: bytes) -> None:
            if not await self.post(request):
                self.refused.append(request)

        begun, most, tasks = time.perf_counter(), 0.0, []
        while (passed := time.perf_counter() - begun) < seconds:
            while len(tasks) < rate * passed:
                tasks.append(asyncio.create_task(once(self.update())))
            most = max(most, self.memory_mb())
            await asyncio.sleep(0.01)
        self.rest = asyncio.gather(*tasks)
        return most

    async def recovery(self) -> float:
        """Seconds until three updates in a row are answered within a second each.

        What was refused is delivered meanwhile, as Telegram does.
        """
        waiting = iter(self.refused)
        begun, good = time.perf_counter(), 0

        async def connection() -> None:
            for request in waiting:
                await self._deliver(request)

        async def redeliver() -> None:
            await self.rest
            await asyncio.gather(*(connection() for _ in range(TELEGRAM)))

        redelivery = asyncio.create_task(redeliver())
        while good < 3:
            one = time.perf_counter()
            request = self.update()
            first = await self.post(request)
            good = good + 1 if first and time.perf_counter() - one < 1.0 else 0
            if not first:
                await self._deliver(request)
        recovered = time.perf_counter() - begun
        await redelivery
        return recovered


async def measure(store: str, seconds: float) -> dict[str, float]:
    """Take one bot through a storm."""
    bot = Bot(store)
    try:
        await bot.until_ready()
        capacity = await bot.capacity(max(1.0, seconds / 4))
        idle = bot.memory_mb()
        bot.took.clear()
        before = bot.sent
        most = await bot.storm(2 * capacity, seconds)
        offered = bot.sent - before
        recovered = await bot.recovery()
        most = max(most, bot.memory_mb())
        return {
            "most MB": most,
            "idle MB": idle,
            "capacity /s": capacity,
            "offered": float(offered),
            "refused": float(len(bot.refused)),
            "p99 ms": quantile(bot.took, 0.99) * 1e3,
            "recovery s": recovered,
            "lost or doubled": float(abs(bot.sent - bot.applied())),
        }
    finally:
        bot.end()


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        seconds={"type": float, "default": 15.0, "help": "how long the storm lasts"},
        child={"default": None, "help": "serve one bot, as STORE:PORT"},
    )
    parser.set_defaults(rounds=3)
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.seconds = 1, 1.0
    if settings.child:
        logging.disable(logging.CRITICAL)
        store, _, port = settings.child.partition(":")
        asyncio.run(child(store, int(port)))
        return
    report = Report("overload", settings)
    progress = Progress(settings.rounds * len(STORES))
    subject = "Memory at twice the capacity"
    for _, store in taking_turns(STORES, settings.rounds):
        progress.step(store)
        figures: dict[str, Any] = asyncio.run(measure(store, settings.seconds))
        report.row(subject, f"ours, {store}", "MB").add(figures.pop("most MB"), **figures)
    progress.end()
    rows = [report.rows[subject, f"ours, {store}"] for store in STORES]
    above = max(row.median - 1.3 * row.as_json()["details"]["idle MB"] for row in rows)
    report.reach = [
        Reach.at_most("memory beyond 1.3 × idle, MB", 50, above),
        Reach.at_most("recovery, s", 10, max(max(row.details["recovery s"]) for row in rows)),
        Reach.at_most(
            "updates lost or doubled", 0, max(max(row.details["lost or doubled"]) for row in rows)
        ),
    ]
    report.finish()


if __name__ == "__main__":
    main()
