"""The connection of a store to its server: opened by the first use, and bounded in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib import import_module
from textwrap import shorten
from time import monotonic
from typing import Any, Generic, TypeVar

from toolkit.errors import StorageError, StorageUnavailable

logger = logging.getLogger(__name__)

Client = TypeVar("Client")
Answer = TypeVar("Answer")

OPENING = 6
"""How many times as long as a call the opening of a client may take."""


class Connection(Generic[Client]):
    """Opens the driver's client when it is needed, and again where that has failed.

    A client serves one event loop; on another loop another one is opened. Everything has to be done
    within `patience` seconds. Whatever fails raises StorageUnavailable: no list of a driver's
    errors was ever complete, and an error that escaped would count as the handler's fault.
    A client that has not answered anybody for so long is replaced: a driver whose pool has lost
    count of its connections waits for ever, in front of a server that has long been back.
    """

    def __init__(
        self,
        target: str,
        *,
        opening: Callable[[], Awaitable[Client]],
        closing: Callable[[Client], Awaitable[None]],
        patience: float,
    ) -> None:
        self.target = target
        self.patience = patience
        self._opening = opening
        self._closing = closing
        self._client: asyncio.Future[Client] | None = None
        self._answered_at = 0.0
        self._running: set[asyncio.Future[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, action: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Do something with the client."""
        self.check_open()
        running = asyncio.get_running_loop().create_future()
        self._running.add(running)
        began = monotonic()
        limit = asyncio.timeout(self.patience)
        client: Client | None = None
        try:
            async with limit:
                client = await self._open()
                return await action(client)
        except StorageError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if _is_asked_to_stop(error):
                raise
            raise self.unavailable(error) from error
        finally:
            if not limit.expired():
                self._answered_at = monotonic()
            elif client is not None and self._answered_at < began:
                self._replace(client)
            self._running.discard(running)
            running.set_result(None)

    def check_open(self) -> None:
        """Raise StorageUnavailable once the store is closed."""
        if self._closed:
            raise StorageUnavailable(self.target, "the store is closed")

    def unavailable(self, error: BaseException) -> StorageUnavailable:
        """Return a new error that says why the server did not do what it was asked to."""
        if isinstance(error, StorageUnavailable):
            return StorageUnavailable(error.target, error.reason)
        silent = isinstance(error, TimeoutError)
        reason = f"no answer within {self.patience:g} seconds" if silent else str(error)
        return StorageUnavailable(self.target, shorten(reason or repr(error), 300))

    async def close(self) -> None:
        """Let what was begun end, and close the client. A second call does nothing.

        Raises StorageUnavailable when the client does not close in order.
        """
        self._closed = True
        here = asyncio.get_running_loop()
        begun: list[asyncio.Future[None]] = [*self._running, *self._leaving]
        if running := [future for future in begun if future.get_loop() is here]:
            await asyncio.wait(running)
        client, self._client = self._client, None
        if client is not None and client.get_loop() is here and _is_open(client):
            try:
                await self._closing(client.result())
            except (Exception, asyncio.CancelledError) as error:
                if _is_asked_to_stop(error):
                    raise
                raise self.unavailable(error) from error

    async def _open(self) -> Client:
        client = self._client
        if (
            client is None
            or client.get_loop() is not asyncio.get_running_loop()
            or (client.done() and not _is_open(client))
        ):
            # It may take longer than a call, as a table is created; but not for ever.
            opening = within(OPENING * self.patience, self._opening())
            client = self._client = asyncio.ensure_future(opening)
        # Others wait for the same client: one that gives up must not take it from them.
        return await asyncio.shield(client)

    def _replace(self, client: Client) -> None:
        """Let the next call open another one, unless that has happened already."""
        current = self._client
        if current is None or not _is_open(current) or current.result() is not client:
            return
        self._client = None
        task = asyncio.create_task(self._leave(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave(self, client: Client) -> None:
        logger.warning("%s: a client that answers nothing is replaced", self.target)
        try:
            await within(self.patience, self._closing(client))
        except Exception as error:  # noqa: BLE001 - nobody uses it any longer
            logger.warning("%s: it was not closed in order: %r", self.target, error)


async def within(seconds: float, work: Awaitable[Answer]) -> Answer:
    """Await `work` for so many seconds at most. Raises TimeoutError.

    It is cancelled then, and when the caller is, and not waited for: drivers of databases were seen
    to swallow their cancellation and to hang.
    """
    task = asyncio.ensure_future(work)
    # It may also fail in the moment in which the caller is cancelled.
    task.add_done_callback(_look_away)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


def _look_away(task: asyncio.Future[Any]) -> None:
    """Keep asyncio from reporting an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _is_asked_to_stop(error: BaseException) -> bool:
    """Tell whether somebody cancels us: a driver may raise a cancellation of its own."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)


def _is_open(client: asyncio.Future[Any]) -> bool:
    return client.done() and not client.cancelled() and client.exception() is None


def driver(module: str, package: str) -> Any:
    """Import the module of a driver. Raises ModuleNotFoundError that says what to install."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        hint = f"{error.name} is missing: this storage needs the package {package}"
        raise ModuleNotFoundError(f"{hint} (pip install {package})", name=error.name) from error
