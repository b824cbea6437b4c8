"""One holder per key, in arrival order, for a bounded time, without leaks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

import pytest

from toolkit.errors import (
    SessionBusy,
    SessionConflict,
    SessionDeadlock,
    SessionReentered,
    StorageUnavailable,
)
from toolkit.sessions.checkout import BACKGROUND_CALLS, Checkouts
from toolkit.storage.base import UNCHANGED
from toolkit.storage.memory import MemorySessionStorage
from toolkit.waiting import KeyedLock

T = TypeVar("T")


def elsewhere(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that did not inherit what its creator holds."""
    return asyncio.create_task(work, context=Context())


class Plain:
    """A store with only the plain verbs."""

    def __init__(self, storage: MemorySessionStorage) -> None:
        for verb in ("read", "write", "delete", "has", "read_all_keys", "add", "close"):
            setattr(self, verb, getattr(storage, verb))


@pytest.fixture(params=["shared", "plain"])
def checkouts(request: pytest.FixtureRequest) -> Checkouts:
    storage: Any = MemorySessionStorage()
    return Checkouts(Plain(storage) if request.param == "plain" else storage)  # type: ignore[arg-type]


async def test_holders_of_one_key_follow_in_arrival_order(checkouts: Checkouts) -> None:
    order = []

    async def visit(number: int) -> None:
        held = await checkouts.take("k", f"visitor {number}")
        order.append(number)
        await asyncio.sleep(0)
        count = (held.value or {"count": 0})["count"]
        await checkouts.put(held, {"count": count + 1}, None)

    await asyncio.gather(*(visit(number) for number in range(100)))

    assert order == list(range(100))
    assert await checkouts.storage.read("k") == {"count": 100}
    assert len(checkouts.lock) == 0


async def test_holders_of_different_keys_do_not_wait_for_each_other(checkouts: Checkouts) -> None:
    first = await checkouts.take("a", "first")
    second = await elsewhere(checkouts.take("b", "second"))

    await checkouts.put(first, UNCHANGED, None)
    await checkouts.put(second, UNCHANGED, None)


async def test_waiting_is_bounded_and_the_error_names_the_holder(checkouts: Checkouts) -> None:
    checkouts.patience = 0.01
    held = await checkouts.take("k", "update 7")

    with pytest.raises(SessionBusy, match="update 7"):
        await elsewhere(checkouts.take("k", "update 8"))

    await checkouts.put(held, UNCHANGED, None)
    assert len(checkouts.lock) == 0


async def test_checking_out_what_one_holds_raises_instead_of_hanging(checkouts: Checkouts) -> None:
    held = await checkouts.take("k", "me")

    with pytest.raises(SessionReentered, match="already checked out"):
        await checkouts.take("k", "me again")

    await checkouts.put(held, UNCHANGED, None)
    await checkouts.abandon(await checkouts.take("k", "me later"))


async def test_who_closes_a_circle_of_waiting_is_refused_at_once(checkouts: Checkouts) -> None:
    circle = ["a", "b", "c"]
    ready = asyncio.Barrier(len(circle))
    refused = []

    async def visit(mine: str, theirs: str) -> None:
        held = await checkouts.take(mine, f"update {mine}")
        await ready.wait()
        try:
            await checkouts.abandon(await checkouts.take(theirs, f"update {mine}"))
        except SessionDeadlock as error:
            refused.append(str(error))
        await checkouts.abandon(held)

    pairs = zip(circle, [*circle[1:], circle[0]], strict=True)
    async with asyncio.timeout(5):
        await asyncio.gather(*(elsewhere(visit(*pair)) for pair in pairs))

    assert len(refused) == 1
    assert sum(f"update {key}" in refused[0] for key in circle) == 2
    assert len(checkouts.lock) == 0
    assert not checkouts._wanted


async def test_a_line_without_a_circle_is_waited_in(checkouts: Checkouts) -> None:
    order = []

    async def visit(*keys: str) -> None:
        held = [await checkouts.take(key, f"visitor of {keys}") for key in keys]
        await asyncio.sleep(0)
        order.append(keys)
        for one in held:
            await checkouts.abandon(one)

    await asyncio.gather(*(elsewhere(visit(*keys)) for keys in ("ab", "bc", "ac", "c", "abc")))

    assert len(order) == 5


async def test_two_processes_that_want_each_others_record_do_not_wait_for_long() -> None:
    storage = MemorySessionStorage()
    here, there = Checkouts(storage, patience=10.0), Checkouts(storage, patience=10.0)
    ready = asyncio.Barrier(2)

    async def visit(checkouts: Checkouts, mine: str, theirs: str) -> None:
        held = await checkouts.take(mine, "me")
        await ready.wait()
        try:
            await checkouts.abandon(await checkouts.take(theirs, "me"))
        finally:
            await checkouts.abandon(held)

    async with asyncio.timeout(9):
        ends = await asyncio.gather(
            elsewhere(visit(here, "a", "b")),
            elsewhere(visit(there, "b", "a")),
            return_exceptions=True,
        )

    assert any(isinstance(end, SessionBusy) for end in ends)


async def test_who_gives_up_waiting_leaves_the_line(checkouts: Checkouts) -> None:
    held = await checkouts.take("k", "first")
    waiter = elsewhere(checkouts.take("k", "second"))
    await asyncio.sleep(0)

    waiter.cancel()
    await asyncio.wait((waiter,))
    await checkouts.put(held, UNCHANGED, None)

    assert len(checkouts.lock) == 0


async def test_a_turn_given_to_who_was_just_cancelled_goes_to_the_next() -> None:
    lock = KeyedLock()
    assert lock.try_acquire("k", "first")
    second = asyncio.create_task(lock.acquire("k", "second", patience=1))
    third = asyncio.create_task(lock.acquire("k", "third", patience=1))
    await asyncio.sleep(0)

    lock.release("k")
    second.cancel()
    await third
    lock.release("k")

    assert second.cancelled()
    assert len(lock) == 0


async def test_a_commit_that_has_begun_completes_though_its_caller_is_cancelled() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(MemorySessionStorage):
        async def checkin(self, *args: Any, **options: Any) -> None:
            begun.set()
            await go_on.wait()
            await super().checkin(*args, **options)

    checkouts = Checkouts(Slow())

    async def work() -> None:
        held = await checkouts.take("k", "me")
        await checkouts.put(held, {"done": True}, None)

    worker = asyncio.create_task(work())
    await begun.wait()
    worker.cancel()
    await asyncio.sleep(0)
    assert not worker.done()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await checkouts.storage.read("k") == {"done": True}
    assert len(checkouts.lock) == 0


@pytest.mark.parametrize("wrapped", [lambda storage: storage, Plain], ids=["shared", "plain"])
async def test_a_store_that_hangs_is_given_up(wrapped: Any) -> None:
    class Hanging(MemorySessionStorage):
        async def read(self, key: str) -> Any:
            await asyncio.Event().wait()

        async def checkout(self, key: str, *, holder: str, lease_for: float) -> Any:
            await asyncio.Event().wait()

    checkouts = Checkouts(wrapped(Hanging()))
    checkouts._deadlines.seconds = 0.01

    with pytest.raises(StorageUnavailable, match="no answer within"):
        await checkouts.take("k", "me")
    assert len(checkouts.lock) == 0


async def test_a_failed_commit_leaves_the_key_free(checkouts: Checkouts) -> None:
    held = await checkouts.take("k", "me")

    with pytest.raises(TypeError, match="cannot be stored"):
        await checkouts.put(held, {"bad": object()}, None)

    await checkouts.abandon(await checkouts.take("k", "me again"))
    assert not await checkouts.storage.has("k")


async def test_a_lost_lease_is_a_conflict_and_overwrites_nothing() -> None:
    storage = MemorySessionStorage()
    slow = Checkouts(storage, lease_for=30.0)
    held = await slow.take("k", "slow")

    await storage.write("k", {"by": "somebody else"})

    with pytest.raises(SessionConflict):
        await slow.put(held, {"by": "slow"}, None)
    assert await storage.read("k") == {"by": "somebody else"}


async def test_a_slow_holder_keeps_its_lease() -> None:
    renewed = asyncio.Event()

    class Watched(MemorySessionStorage):
        renewals = 0

        async def renew(self, *args: Any, **options: Any) -> None:
            await super().renew(*args, **options)
            self.renewals += 1
            if self.renewals == 3:
                renewed.set()

    checkouts = Checkouts(Watched(), lease_for=0.3)
    held = await checkouts.take("k", "slow")
    await renewed.wait()

    await checkouts.put(held, {"done": True}, None)
    assert await checkouts.storage.read("k") == {"done": True}


async def test_leases_are_renewed_a_few_at_a_time() -> None:
    renewed = asyncio.Event()

    class Slow(MemorySessionStorage):
        renewals = at_once = most = 0

        async def renew(self, *args: Any, **options: Any) -> None:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0.001)
            await super().renew(*args, **options)
            self.at_once -= 1
            self.renewals += 1
            if self.renewals == 50:
                renewed.set()

    checkouts = Checkouts(storage := Slow(), lease_for=0.6)
    for number in range(50):
        await elsewhere(checkouts.take(str(number), "slow"))
    await renewed.wait()

    assert 1 < storage.most <= BACKGROUND_CALLS


async def test_two_processes_that_share_a_store_wait_for_each_other() -> None:
    storage = MemorySessionStorage()
    here, there = Checkouts(storage), Checkouts(storage)
    held = await here.take("k", "here")
    waiting = elsewhere(there.take("k", "there"))
    await asyncio.sleep(0)

    await here.put(held, {"by": "here"}, None)

    assert (await waiting).value == {"by": "here"}
