"""Whatever a driver raises, a store on a server raises StorageUnavailable."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toolkit.errors import StorageUnavailable
from toolkit.storage.connection import Connection


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
