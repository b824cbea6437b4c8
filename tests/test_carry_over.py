"""What the changelog says to do about bookings of an earlier version works."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.support import ROOT, TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit import open_storage


def test_bookings_of_an_earlier_version_are_carried_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    day = noon + timedelta(days=2)
    visits = {
        f"slot:{day.isoformat(timespec='minutes')}": {"owner": 7, "service": "Haircut"},
        f"slot:{(day + timedelta(hours=1)).isoformat(timespec='minutes')}": {
            **{"owner": 8, "service": "Perm"},
        },
    }
    asyncio.run(write(url, visits))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"   ```python\n(.*?)   ```", changelog, re.DOTALL)
    assert found is not None
    shown = subprocess.run(
        [sys.executable, "-c", dedent(found[1])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TEMPLATE / "src"), "STORAGE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    left = asyncio.run(read(url))
    perm = next(key for key, visit in visits.items() if visit["service"] == "Perm")
    assert shown.stdout == f"{perm} stays: the shop does not offer Perm\n"
    assert left.pop(perm) == visits[perm]
    [(key, record)] = left.items()
    assert key == f"day:{day:%Y-%m-%d}"
    [visit] = record["visits"]
    assert (visit["owner"], visit["service"], visit["minutes"]) == (7, "Haircut", 45)
    assert datetime.fromisoformat(visit["start"]) == day


async def write(url: str, records: dict[str, Any]) -> None:
    storage = open_storage(url)
    for key, value in records.items():
        await storage.write(key, value)
    await storage.close()


async def read(url: str) -> dict[str, Any]:
    storage = open_storage(url)
    found = {key: await storage.read(key) async for key in storage.read_all_keys()}
    await storage.close()
    return {key: value for key, value in found.items() if not key.startswith("bots:")}
