"""A bot with a shop of its own, at a fixed time, so that tests can name services and days."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from bot.settings import Settings, offline_settings
from bot.shop import Shop, load_shop
from toolkit import MemorySessionStorage
from toolkit.harness import MakeBot, PersistentStorage, RunningBot


@pytest.fixture
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Change to an empty folder, with no settings in the environment."""
    for name in ("BOT_TOKEN", "BOT_TOKEN_FILE", "STORAGE_URL", "WEBHOOK_URL", "TELEGRAM_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings() -> Settings:
    """Settings with the shop of the tests, whatever yours is, and without admins."""
    shop_file = Path(__file__).parents[1] / "shop.toml"
    return offline_settings(shop_file=shop_file, admin_ids=frozenset())


@pytest.fixture
def shop(settings: Settings) -> Shop:
    """The shop of the tests."""
    return load_shop(settings.shop_file)


@pytest.fixture
def now(shop: Shop) -> datetime:
    """When tests begin: at half past ten on Monday, 23 November 2026."""
    return datetime(2026, 11, 23, 10, 30, tzinfo=shop.time_zone)


@pytest.fixture
def storage() -> MemorySessionStorage:
    """Where the bot keeps sessions and bookings; a second bot may go on with it."""
    return MemorySessionStorage()


@pytest.fixture
def make_bot(settings: Settings, storage: MemorySessionStorage) -> MakeBot:
    """Makes the booking bot with this shop and this storage."""
    from bot.app import make_bot

    return partial(make_bot, settings, storage=PersistentStorage(storage))


@pytest.fixture
async def running_bot(make_bot: MakeBot, now: datetime) -> AsyncIterator[RunningBot]:
    """That bot, started; its people are the fixtures `person` and `another_person`.

    They have been asked for their phone numbers. Time stands still, but for
    `await running_bot.advance("24h")`.
    """
    async with RunningBot(make_bot, now=now, session={"asked_for_phone": True}) as running:
        yield running
