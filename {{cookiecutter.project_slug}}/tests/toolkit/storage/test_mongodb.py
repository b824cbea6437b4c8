"""The MongoDB store passes what every store passes."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionPoolListener,
)

from toolkit.errors import SessionUndecodable
from toolkit.harness.conformance import (
    DurableStorageConformance,
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    WakingStorageConformance,
    all_keys,
    until_absent,
)
from toolkit.storage.base import UNCHANGED
from toolkit.storage.mongodb import MongoSessionStorage

from .outages import Connect, OutageConformance
from .servers import running
from .servers.mongodb import MongoDB
from .urls import UrlConformance


@pytest.fixture(scope="module")
def mongodb() -> Iterator[MongoDB]:
    with running(MongoDB()) as server:
        yield server


@pytest.fixture(scope="module")
def any_url(request: pytest.FixtureRequest) -> str:
    """The server that TEST_MONGODB_URL names, or one of our own."""
    return os.environ.get("TEST_MONGODB_URL") or str(request.getfixturevalue("mongodb").url)


@pytest.fixture
async def records(any_url: str) -> AsyncIterator[Any]:
    """The collection, empty at first, as another program would see it."""
    async with AsyncMongoClient[dict[str, Any]](any_url) as client:
        await client.get_default_database("bot").bot_sessions.delete_many({})
        yield client.get_default_database("bot").bot_sessions


@pytest.fixture
async def storage(any_url: str, records: object) -> AsyncIterator[MongoSessionStorage]:
    storage = MongoSessionStorage(any_url)
    yield storage
    await storage.close()


class TestMongoDB(
    SharedStorageConformance,
    DurableStorageConformance,
    PortableStorageConformance,
    WakingStorageConformance,
):
    @pytest.fixture
    def open_store(self, any_url: str, records: object) -> OpenStore:
        return lambda: MongoSessionStorage(any_url, patience=30.0)


class TestOutages(OutageConformance):
    @pytest.fixture
    def server(self, mongodb: MongoDB) -> MongoDB:
        with MongoClient[dict[str, Any]](mongodb.url) as client:
            client["bot"].bot_sessions.delete_many({})
        return mongodb

    @pytest.fixture
    def connect(self) -> Connect:
        # Else the driver asks the server where it is, and goes there past the proxy.
        url = "mongodb://127.0.0.1:{}/bot?directConnection=true"
        return lambda port: MongoSessionStorage(url.format(port), patience=3.0)


# What it leaves


async def test_records_and_leases_are_purged_when_both_have_ended(
    storage: MongoSessionStorage, records: Any
) -> None:
    async def purged_at(key: str) -> float:
        document = await records.find_one({"_id": key})
        return float(document["purge_at"].timestamp())

    now = time.time()
    await storage.write("short", {}, expires_in=60)
    await storage.checkout("short", holder="Ann", lease_for=600)
    await storage.write("long", {}, expires_in=6000)
    await storage.checkout("long", holder="Ann", lease_for=600)
    await storage.write("stays", {})
    await storage.checkout("stays", holder="Ann", lease_for=600)
    lease = await storage.checkout("absent", holder="Ann", lease_for=60)
    await storage.renew(lease, lease_for=600)
    ages = {key: await purged_at(key) - now for key in ("short", "long", "stays", "absent")}
    assert ages == pytest.approx({**ages, "short": 600, "long": 6000, "absent": 600}, abs=60)
    assert ages["stays"] > 1e9
    assert (await records.index_information())["purge_at_1"]["expireAfterSeconds"] == 0


async def test_keys_and_values_are_readable_for_people(
    storage: MongoSessionStorage, records: Any
) -> None:
    await storage.write("12345_67890", {"n": 1})
    document = await records.find_one()
    assert (document["_id"], document["value"]) == ("12345_67890", '{"n":1}')


async def test_only_what_wants_to_be_woken_is_in_the_index_of_that(
    storage: MongoSessionStorage, records: Any
) -> None:
    await storage.write("1_2", {"n": 1})
    await storage.write("bots:7:1_2", {"wake_at": 5}, expires_in=0.05)
    await until_absent(storage, "bots:7:1_2")
    await storage.checkout("bots:7:1_2", holder="Ann", lease_for=30)
    assert await storage.due(math.inf, 9, prefix="bots:7:") == []
    await storage.write("bots:7:1_2", {"wake_at": 5})
    documents = [document async for document in records.find(sort=["_id"])]
    assert "wake_at" not in documents[0]
    assert (documents[1]["bot"], documents[1]["wake_at"]) == ("bots:7:", 5.0)
    index = (await records.index_information())["bot_1_wake_at_1"]
    assert (index["key"], index["sparse"]) == ([("bot", 1), ("wake_at", 1)], True)


@pytest.mark.parametrize("text", ["{", "[1]", "NaN", ""])
async def test_a_record_that_is_not_json_is_undecodable(
    storage: MongoSessionStorage, records: Any, text: str
) -> None:
    await storage.write("1_2", {})
    await records.update_one({"_id": "1_2"}, {"$set": {"value": text}})
    with pytest.raises(SessionUndecodable) as error:
        await storage.read("1_2")
    assert error.value.raw == text
    with pytest.raises(SessionUndecodable):
        await storage.checkout("1_2", holder="Ann", lease_for=30)
    await storage.delete("1_2")
    assert (await storage.checkout("1_2", holder="Ann", lease_for=30)).value is None


# What it costs


class Commands(CommandListener):
    """Notes what is sent to the server."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


class Pool(ConnectionPoolListener):
    """Counts the connections that are opened."""

    opened = 0

    def connection_created(self, event: object) -> None:
        self.opened += 1

    def _ignored(self, event: object) -> None:
        pass

    pool_created = pool_ready = pool_cleared = pool_closed = _ignored
    connection_ready = connection_closed = _ignored
    connection_check_out_started = connection_check_out_failed = _ignored
    connection_checked_out = connection_checked_in = _ignored


async def test_each_step_of_an_update_is_one_command(any_url: str, records: object) -> None:
    commands = Commands()
    storage = MongoSessionStorage(any_url, event_listeners=[commands])
    await storage.read("1_2")
    commands.names.clear()
    for value in ({"n": 1}, UNCHANGED, None, UNCHANGED):
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.renew(lease, lease_for=30)
        await storage.checkin(lease, value)
    assert commands.names == [
        *("findAndModify", "update", "update"),
        *("findAndModify", "update", "update"),
        *("findAndModify", "update", "delete"),
        *("findAndModify", "update", "delete"),
    ]
    await storage.close()


@pytest.mark.parametrize(("options", "at_most"), [("", 10), ("?maxPoolSize=3", 3)])
async def test_a_slow_server_is_not_asked_everything_at_once(
    any_url: str, records: object, options: str, at_most: int
) -> None:
    pool = Pool()
    url = urlsplit(any_url)._replace(path="/bot").geturl() + options
    storage = MongoSessionStorage(url, event_listeners=[pool])
    await asyncio.gather(*(storage.write(f"1_{number}", {}) for number in range(40)))
    assert 2 <= pool.opened <= at_most
    await storage.close()


async def test_the_database_is_the_one_in_the_url(any_url: str, records: Any) -> None:
    url = urlsplit(any_url)._replace(path="/another").geturl()
    storage = MongoSessionStorage(url)
    await storage.write("1_2", {"n": 1})
    assert await records.find_one() is None
    other = records.database.client["another"].bot_sessions
    assert (await other.find_one())["value"] == '{"n":1}'
    await other.drop()
    await storage.close()


@pytest.mark.slow
async def test_all_of_very_many_keys_are_read_once_each(
    storage: MongoSessionStorage, records: Any
) -> None:
    # SecantusDB uses no index for them: each page costs it a look at every record.
    number = 100_000 if "TEST_MONGODB_URL" in os.environ else 10_000
    await storage.write("0_0", {})
    record = {key: value for key, value in (await records.find_one()).items() if key != "_id"}
    documents = [{"_id": f"{n % 7}_{n}", **record} for n in range(1, number)]
    await records.insert_many(documents, ordered=False)
    assert len(keys := await all_keys(storage)) == len(set(keys)) == number
    assert len(await all_keys(storage, "3_")) == len([key for key in keys if key[0] == "3"])


class TestUrls(UrlConformance):
    password = "mongodb"
    good = (
        "mongodb://u:p@a:1,b/bot?replicaSet=rs&w=majority",
        "mongodb://%2Ftmp%2Fmongodb.sock/bot",
        "mongodb+srv://u:p@a.b.example.com/bot?retryWrites=true",
    )
    broken: ClassVar = {
        "mongodb://h:x/bot": "no number from 1 to 65535",
        "mongodb:///bot": "names no host",
        "mongodb://h/bo.t": "the name of a database",
        "mongodb://h/bot?foo=1": "an option of the URL is wrong",
        "mongodb://h/bot?w=most&journal=maybe": "an option of the URL is wrong",
        "mongodb://u:my:secret@h/bot": "is not quoted",
        "mongodb+srv://a.example.com,b.example.com/bot": "names 1 host, and this one 2",
        "mongodb+srv://a.b.example.com:27017/bot": "no port",
    }
