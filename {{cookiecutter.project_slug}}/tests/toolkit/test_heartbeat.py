"""The file that a container's health check looks at."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toolkit import create_bot
from toolkit.delivery import heartbeat


@dataclass
class Session:
    pass


async def test_the_file_is_fresh_while_the_bot_runs(
    tmp_path: Path, talk_to: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0)
    app = create_bot("42:token", initial=Session)
    talk_to(app)
    file = tmp_path / "heartbeat"
    heartbeat.keep_heartbeat(app, file)

    async with app.running(), asyncio.timeout(10):
        os.utime(file, (0, 0))
        while file.stat().st_mtime == 0:  # noqa: ASYNC110 - a file tells nobody that it was touched
            await asyncio.sleep(0)


async def test_a_file_that_cannot_be_written_ends_the_start(
    tmp_path: Path, talk_to: Callable[[Any], Any]
) -> None:
    app = create_bot("42:token", initial=Session)
    talk_to(app)
    heartbeat.keep_heartbeat(app, tmp_path / "missing" / "heartbeat")

    with pytest.raises(FileNotFoundError, match="missing"):
        async with app.running():
            pass
