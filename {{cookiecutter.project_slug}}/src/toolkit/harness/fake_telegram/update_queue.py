"""The updates that wait for the bot: numbered, filtered, confirmed by offset, waited for.

https://core.telegram.org/bots/api#getting-updates
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from toolkit.harness.fake_telegram.errors import conflict
from toolkit.harness.types import Json

# Update types that come only when asked for.
ON_REQUEST = frozenset(("chat_member", "message_reaction", "message_reaction_count"))
MAX_WAIT = 50.0


@dataclass
class Webhook:
    """Where updates are delivered to, and how that goes."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""
    has_certificate: bool = False
    last_error_date: int = 0
    last_error_message: str = ""


class UpdateQueue:
    """Updates in order, kept until confirmed; a new one ends the poll that waits."""

    def __init__(self, first_id: int = 1) -> None:
        self._pending: OrderedDict[int, Json] = OrderedDict()
        self._next_id = first_id
        self._poll: asyncio.Future[None] | None = None
        self._webhook_watchers: list[asyncio.Future[None]] = []
        self._subscriber: Callable[[Json], None] | None = None
        self.allowed: frozenset[str] | None = None
        self.webhook: Webhook | None = None
        self.webhook_set_at: float | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, kind: str, content: Json) -> Json:
        """Give an update its number and return it; queue it if the bot asked for its kind."""
        update_id = self._next_id
        self._next_id += 1
        update = {"update_id": update_id, kind: content}
        if kind in self.allowed if self.allowed else kind not in ON_REQUEST:
            self._add(update)
        return update

    def put_raw(self, update: Json) -> Json:
        """Queue a complete update; it is numbered if it has no number."""
        update_id = update.get("update_id", self._next_id)
        self._next_id = max(self._next_id, update_id + 1)
        numbered = {**update, "update_id": update_id}
        self._add(numbered)
        return numbered

    def repeat(self, update: Json) -> None:
        """Queue an update again under its own number, as a redelivery."""
        self._add(update)

    def _add(self, update: Json) -> None:
        late = bool(self._pending) and update["update_id"] < next(reversed(self._pending))
        self._pending[update["update_id"]] = update
        if late:
            self._pending = OrderedDict(sorted(self._pending.items()))
        if self._subscriber is not None:
            self._subscriber(update)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def subscribe(self, subscriber: Callable[[Json], None] | None) -> None:
        """Give everything that waits, and then every new update, to this function."""
        self._subscriber = subscriber
        if subscriber is not None:
            for update in list(self._pending.values()):
                subscriber(update)

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Queue these kinds from now on; None changes nothing, an empty list means default."""
        if kinds is not None:
            self.allowed = frozenset(kinds)

    def confirm(self, before: int) -> None:
        """Forget every update with an id lower than `before`."""
        while self._pending and next(iter(self._pending)) < before:
            self._pending.popitem(last=False)

    def keep_last(self, count: int) -> None:
        """Forget all but the last `count` updates."""
        while len(self._pending) > count:
            self._pending.popitem(last=False)

    def discard(self, update_id: int) -> None:
        """Forget one update: it was delivered."""
        self._pending.pop(update_id, None)

    def take(self) -> list[Json]:
        """Remove and return everything that waits."""
        waiting = list(self._pending.values())
        self._pending.clear()
        return waiting

    def peek(self, limit: int = 100) -> list[Json]:
        """Return the first `limit` updates, left in the queue."""
        return list(islice(self._pending.values(), limit))

    async def poll(self, offset: int = 0, limit: int = 100, timeout: float = 0) -> list[Json]:
        """Confirm up to `offset`, then answer at once or wait for an update.

        Raise ApiError 409 while a webhook is set, and in a poll that a newer one replaces.
        """
        if self.webhook is not None:
            raise conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        self.end_poll(
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        if offset < 0:
            self.keep_last(-offset)
        self.confirm(offset)
        if not self._pending and timeout > 0:
            await self._wait_as_poll(min(timeout, MAX_WAIT))
        return self.peek(limit)

    async def _wait_as_poll(self, timeout: float) -> None:
        self._poll = poll = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((poll,), timeout=timeout)
            if poll.done():
                poll.result()
        finally:
            if poll.done():
                poll.exception()  # retrieved, even if the client has gone
            if self._poll is poll:
                self._poll = None

    def end_poll(self, reason: str) -> None:
        """Answer the poll that waits now with 409."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(conflict(reason))

    def set_webhook(self, webhook: Webhook | None) -> None:
        """Deliver to this webhook from now on, or to none."""
        self.webhook = webhook
        if webhook is not None:
            self.end_poll("terminated by setWebhook request")
        watchers, self._webhook_watchers = self._webhook_watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def wait_for_webhook(self) -> None:
        """Return when the webhook was set or deleted."""
        watcher = asyncio.get_running_loop().create_future()
        self._webhook_watchers.append(watcher)
        await watcher
