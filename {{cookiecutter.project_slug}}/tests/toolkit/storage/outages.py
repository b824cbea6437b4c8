"""What every store on a server does when the server is away, silent, or back again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from toolkit.errors import StorageUnavailable
from toolkit.harness.conformance import all_keys
from toolkit.storage.base import OWNER, SharedSessionStorage, WakingSessionStorage

from .servers import Server, free_port
from .servers.proxy import Proxy

Connect = Callable[[int], SharedSessionStorage]
"""Opens a store on the server at a port of this machine, with a patience of a few seconds and,
where the server takes passwords, with the password `secret`."""


async def fails(storage: SharedSessionStorage) -> None:
    """Expect every verb to fail, and none to answer that nothing is there."""
    outcomes = await asyncio.gather(
        storage.read("1_2"),
        storage.has("1_2"),
        storage.write("1_2", {}),
        storage.delete("1_2"),
        storage.add("1_2", {}),
        storage.checkout("1_2", holder="Ann", lease_for=30),
        all_keys(storage),
        *((storage.due(1e9, 9),) if isinstance(storage, WakingSessionStorage) else ()),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}, outcomes
    assert "secret" not in str(outcomes)


async def works_again(storage: SharedSessionStorage) -> None:
    """Wait until the store answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                await storage.has("1_2")
            except StorageUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


class OutageConformance:
    """Give it the fixtures `server`, which runs and has no records, and `connect`."""

    keeps_data = True
    """Whether the server has its data again after a kill."""

    async def test_an_outage_is_told_and_survived(self, server: Server, connect: Connect) -> None:
        storage = connect(server.port)
        lease = await storage.checkout("3_4", holder="Ann", lease_for=600)
        # A lease may be as safe as the write that follows it, and no safer.
        await storage.write("1_2", {"n": 1})
        server.kill()
        try:
            await fails(storage)
            with pytest.raises(StorageUnavailable):
                await storage.checkin(lease, {"n": 2})
            with pytest.raises(StorageUnavailable):
                await storage.renew(lease, lease_for=60)
        finally:
            server.start()
        await works_again(storage)
        if self.keeps_data:
            await storage.checkin(lease, {"n": 2})
            assert await all_keys(storage) == ["1_2", "3_4"]
            assert await storage.read("1_2") == {"n": 1}
        await storage.write("1_2", {"n": 3})
        assert await storage.read("1_2") == {"n": 3}
        await storage.close()

    async def test_a_store_may_be_opened_before_its_server_runs(
        self, server: Server, connect: Connect
    ) -> None:
        server.kill()
        storage = connect(server.port)
        try:
            await fails(storage)
        finally:
            server.start()
        await works_again(storage)
        await storage.close()

    async def test_a_silent_server_is_given_up_and_found_again(
        self, server: Server, connect: Connect
    ) -> None:
        async with Proxy(server.port) as proxy:
            storage = connect(proxy.port)
            await storage.write("1_2", {"n": 1})
            proxy.speaks.clear()
            await fails(storage)
            proxy.speaks.set()
            await works_again(storage)
            await storage.close()

    async def test_a_store_on_a_server_that_is_away_closes(self, connect: Connect) -> None:
        storage = connect(free_port())
        with pytest.raises(StorageUnavailable):
            await storage.read("1_2")
        await storage.close()
        with pytest.raises(StorageUnavailable, match="closed"):
            await storage.read("1_2")

    async def test_the_record_of_the_owner_is_there_and_not_listed(
        self, server: Server, connect: Connect
    ) -> None:
        storage = connect(server.port)
        await storage.write("1_2", {})
        assert await storage.add(OWNER, {"bot": 1})
        assert not await storage.add(OWNER, {"bot": 2})
        assert await all_keys(storage) == ["1_2"]
        assert await all_keys(storage, "bots:") == []
        await storage.delete(OWNER)
        await storage.delete("1_2")
        await storage.close()

    def test_one_store_serves_one_event_loop_after_another(
        self, server: Server, connect: Connect
    ) -> None:
        storage = connect(server.port)
        asyncio.run(storage.write("1_2", {"n": 1}))
        assert asyncio.run(storage.read("1_2")) == {"n": 1}

        async def use_and_close() -> None:
            assert await storage.has("1_2")
            await storage.close()

        asyncio.run(use_and_close())
