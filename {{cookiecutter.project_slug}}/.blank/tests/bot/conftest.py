"""What the tests of the bot share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Change to an empty folder, with no settings in the environment."""
    for name in ("BOT_TOKEN", "BOT_TOKEN_FILE", "STORAGE_URL", "WEBHOOK_URL", "TELEGRAM_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path
