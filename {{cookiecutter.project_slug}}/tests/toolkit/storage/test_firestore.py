"""The Firestore store passes what every store passes."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import ClassVar

import pytest
from google.cloud import firestore as google

from toolkit.errors import SessionBusy, SessionUndecodable, StorageUnavailable
from toolkit.harness.conformance import (
    DurableStorageConformance,
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    WakingStorageConformance,
    all_keys,
    until_absent,
)
from toolkit.storage.base import Due
from toolkit.storage.firestore import FirestoreSessionStorage

from .outages import Connect, OutageConformance
from .servers import running
from .servers.firestore import Firestore
from .urls import UrlConformance

projects = count(1)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Firestore]:
    with running(Firestore()) as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database of the emulator that TEST_FIRESTORE_EMULATOR_HOST names, or of our own."""
    host = os.environ.get("TEST_FIRESTORE_EMULATOR_HOST")
    if not host:
        emulator: Firestore = request.getfixturevalue("emulator")
        host = emulator.host
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    return f"firestore://demo-{os.getpid()}-{next(projects)}"


@pytest.fixture
async def storage(url: str) -> AsyncIterator[FirestoreSessionStorage]:
    storage = FirestoreSessionStorage(url)
    yield storage
    await storage.close()


def documents(url: str) -> google.CollectionReference:
    """The collection as another program sees it."""
    return google.Client(project=url.removeprefix("firestore://")).collection("bot_sessions")


class TestFirestore(
    SharedStorageConformance,
    DurableStorageConformance,
    PortableStorageConformance,
    WakingStorageConformance,
):
    holders = 10

    @pytest.fixture
    def open_store(self, url: str) -> OpenStore:
        return lambda: FirestoreSessionStorage(url, patience=60)


class TestOutages(OutageConformance):
    keeps_data = False

    @pytest.fixture
    def server(self, emulator: Firestore) -> Firestore:
        return emulator

    @pytest.fixture
    def connect(self, url: str, monkeypatch: pytest.MonkeyPatch) -> Connect:
        def connect(port: int) -> FirestoreSessionStorage:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
            return FirestoreSessionStorage(url, patience=1.0)

        return connect


async def test_a_record_is_a_document_that_a_ttl_policy_can_expire(
    url: str, storage: FirestoreSessionStorage
) -> None:
    await storage.write("a/b", {"n": 1}, expires_in=600)
    (document,) = documents(url).stream()
    fields = document.to_dict() or {}
    assert (document.id, fields["key"], fields["value"]) == (":a%2Fb", "a/b", '{"n":1}')
    assert datetime.now(UTC) < fields["expires_at"]


async def test_each_bot_has_a_field_of_its_own_for_what_wants_to_be_woken(
    url: str, storage: FirestoreSessionStorage
) -> None:
    await storage.write("1_2", {"wake_at": 5})
    await storage.write("bots:7:1_2", {"wake_at": 6})
    plain, apart = (document.to_dict() or {} for document in documents(url).stream())
    assert (plain["wake_at"], plain.get("wake_at_7")) == (5.0, None)
    assert (apart["wake_at_7"], apart.get("wake_at")) == (6.0, None)


async def test_expired_records_that_are_still_there_do_not_hide_what_is_due(
    storage: FirestoreSessionStorage,
) -> None:
    for number in range(9):
        await storage.write(f"{number}", {"wake_at": number}, expires_in=0.05)
    await storage.write("stays", {"wake_at": 99})
    for number in range(9):
        await until_absent(storage, f"{number}")
    await storage.checkout("0", holder="Ann", lease_for=30)
    assert await storage.due(math.inf, 2) == [Due(99, "stays")]


async def test_a_lease_of_an_absent_record_leaves_nothing(
    url: str, storage: FirestoreSessionStorage
) -> None:
    lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
    assert len(list(documents(url).stream())) == 1
    await storage.checkin(lease, None)
    assert list(documents(url).stream()) == []


async def test_a_renewed_lease_is_still_the_same(storage: FirestoreSessionStorage) -> None:
    await storage.write("1_2", {"n": 1})
    lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
    for _ in range(3):
        await storage.renew(lease, lease_for=30)
    with pytest.raises(SessionBusy) as refusal:
        await storage.checkout("1_2", holder="Bob", lease_for=30)
    assert refusal.value.remaining is not None
    assert 0 < refusal.value.remaining <= 30
    await storage.checkin(lease, {"n": 2})
    assert await storage.read("1_2") == {"n": 2}


async def test_a_torn_record_is_an_error_that_holds_what_was_found(
    url: str, storage: FirestoreSessionStorage
) -> None:
    await storage.write("1_2", {"n": 1})
    documents(url).document(":1_2").update({"value": '{"n": 1'})
    with pytest.raises(SessionUndecodable) as failure:
        await storage.read("1_2")
    assert (failure.value.key, failure.value.raw) == ("1_2", '{"n": 1')
    with pytest.raises(SessionUndecodable):
        await storage.checkout("1_2", holder="Ann", lease_for=30)
    await storage.delete("1_2")
    assert await all_keys(storage) == []


async def test_without_credentials_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", f"{tmp_path}/missing.json")
    storage = FirestoreSessionStorage("firestore://my-project")
    with pytest.raises(StorageUnavailable, match=r"missing\.json"):
        await storage.read("1_2")
    await storage.close()


class TestUrls(UrlConformance):
    good = (
        "firestore://",
        "firestore://example.com:project/database",
    )
    broken: ClassVar = {
        "firestore://u:my-secret@p/d": "firestore://PROJECT/DATABASE",
        "firestore://p/d/e": "firestore://PROJECT/DATABASE",
        "firestore://p?x=1": "unknown option 'x'",
    }
