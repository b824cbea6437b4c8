"""The SQLite store passes what every store passes, survives what files suffer, and says what is wrong."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from toolkit.storage.base import SessionConflict, SessionUndecodable, StorageUnavailable
from toolkit.storage.conformance import (
    DurableStorageConformance,
    OpenStore,
    SharedStorageConformance,
    all_keys,
    until_absent,
)
from toolkit.storage.sqlite import SqliteSessionStorage


class TestSqlite(SharedStorageConformance, DurableStorageConformance):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda: SqliteSessionStorage(tmp_path / "data" / "bot.db")
