"""Whatever a driver raises, a store on a server raises StorageUnavailable."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import pytest

from toolkit.errors import StorageUnavailable
from toolkit.storage.connection import Connection, within


class Strange(Exception):
    """What no list of a driver's errors has."""


def connected(*, closing: BaseException | None = None) -> Connection[str]:
    """A connection whose client closes with an error."""

    async def open_client() -> str:
        return "client"

    async def close_client(client: str) -> None:
        if closing:
            raise closing

    return Connection("db://here", opening=open_client, closing=close_client, patience=5.0)


async def fail(error: BaseException) -> Any:
    raise error


ODD = (Strange("odd"), ExceptionGroup("odd", [Strange("odd")]), asyncio.CancelledError("odd"))


@pytest.mark.parametrize("error", ODD)
async def test_whatever_a_driver_raises_is_an_outage(error: BaseException) -> None:
    connection = connected()
    with pytest.raises(StorageUnavailable, match="db://here: "):
        await connection.run(lambda client: fail(error))
    assert await connection.run(lambda client: asyncio.sleep(0, client)) == "client"


async def test_a_cancellation_from_outside_is_one() -> None:
    connection = connected()
    task = asyncio.create_task(connection.run(lambda client: asyncio.sleep(3600)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()


@pytest.mark.parametrize("error", ODD)
async def test_a_client_that_does_not_close_is_an_outage(error: BaseException) -> None:
    connection = connected(closing=error)
    await connection.run(lambda client: asyncio.sleep(0))
    with pytest.raises(StorageUnavailable, match="db://here: "):
        await connection.close()
    await connection.close()


class Client:
    """A driver's client, which may be stuck."""

    def __init__(self, *, stuck: bool) -> None:
        self.stuck = stuck
        self.closed = False


def replaced(clients: list[Client]) -> Connection[Client]:
    """A connection that opens these clients, one after the other."""
    unopened = iter(clients)

    async def open_client() -> Client:
        return next(unopened)

    async def close_client(client: Client) -> None:
        client.closed = True

    return Connection("db://here", opening=open_client, closing=close_client, patience=0.05)


async def ask(client: Client) -> Client:
    """Get an answer, unless the client is stuck."""
    if client.stuck:
        await asyncio.sleep(3600)
    return client


async def test_a_client_that_answers_nothing_is_replaced_once() -> None:
    stuck, fresh, spare = clients = [Client(stuck=True), Client(stuck=False), Client(stuck=False)]
    connection = replaced(clients)

    together = [connection.run(ask) for _ in range(5)]
    for outcome in await asyncio.gather(*together, return_exceptions=True):
        assert isinstance(outcome, StorageUnavailable)

    assert await connection.run(ask) is fresh
    await connection.close()
    assert [client.closed for client in (stuck, fresh, spare)] == [True, True, False]


async def test_a_client_that_answers_others_is_kept() -> None:
    client = Client(stuck=False)
    connection = replaced([client])

    async def too_long(client: Client) -> None:
        await asyncio.sleep(3600)

    slow = asyncio.create_task(connection.run(too_long))
    while not slow.done():
        assert await connection.run(ask) is client
        await asyncio.sleep(0.01)
    with pytest.raises(StorageUnavailable):
        await slow
    assert await connection.run(ask) is client


async def test_an_opening_that_never_ends_is_tried_again() -> None:
    openings = 0

    async def open_client() -> str:
        nonlocal openings
        openings += 1
        if openings == 1:
            await asyncio.sleep(3600)
        return "client"

    connection = Connection(
        "db://here", opening=open_client, closing=lambda client: asyncio.sleep(0), patience=0.01
    )
    while True:
        try:
            answer = await connection.run(lambda client: asyncio.sleep(0, client))
        except StorageUnavailable:
            continue
        break
    assert (answer, openings) == ("client", 2)


async def hang(until: asyncio.Event) -> str:
    """Swallow every cancellation, as a driver in a lock of its own."""
    while not until.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await until.wait()
    return "client"


async def test_a_client_whose_opening_hangs_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("toolkit.storage.connection.OPENING", 1)
    end = asyncio.Event()
    openings = [hang(end), asyncio.sleep(0, "client")]

    async def close_client(client: str) -> None:
        """Nothing is open."""

    connection = Connection[str](
        "db://here", opening=lambda: openings.pop(0), closing=close_client, patience=0.02
    )
    with pytest.raises(StorageUnavailable, match="no answer within"):
        await connection.run(lambda client: asyncio.sleep(0, client))
    await asyncio.sleep(0.02)
    assert await connection.run(lambda client: asyncio.sleep(0, client)) == "client"
    end.set()


async def test_work_that_heeds_no_cancellation_is_left_behind() -> None:
    end = asyncio.Event()
    with pytest.raises(TimeoutError):
        await within(0.01, hang(end))
    task = asyncio.create_task(within(3600, hang(end)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    end.set()
    assert await within(1, hang(end)) == "client"
    with pytest.raises(Strange):
        await within(1, fail(Strange("odd")))


async def test_what_fails_in_the_moment_of_a_cancellation_is_not_reported() -> None:
    strays: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: strays.append(context))
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        raise ConnectionError("cut off")

    task = asyncio.create_task(within(3600, work()))
    await asyncio.sleep(0.01)
    gate.set()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    await asyncio.sleep(0)
    assert strays == []
