"""A bot's records move from store to store as docs/storage.md says."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery_kit import SOURCE
from tests.stores import SERVERS, store_url
from tests.support import ROOT
from tests.test_cruft import Shell, create, shell, template, terminal  # noqa: F401 - fixtures
from tests.test_render import files
from toolkit.harness.conformance import ODD_KEYS, ODD_VALUES
from toolkit.storage import open_storage
from toolkit.storage.base import PortableSessionStorage

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "storage.md").read_text()
EDIT = 'monday = ["08:00-18:00"]'


def commands_of_the_guide() -> list[str]:
    """The commands of the section about moving."""
    section = GUIDE.partition("## Moving")[2].partition("\n## ")[0]
    return re.findall(r"^\$ (.*)$", section, re.MULTILINE)


def chat(shell: Shell, project: Path, url: str, *lines: str) -> str:  # noqa: F811
    """Say these lines to the bot, and return its answers."""
    talk = " ".join(map(shlex.quote, lines))
    return shell(project, "sh", "-c", f"printf '%s\\n' {talk} | python -m bot chat --storage {url}")


def to_the_minute(exported: str) -> list[str]:
    """The lines without the seconds of their expiry, of which each move takes a few thousandths."""
    return sorted(re.sub(r":\d\d\.\d{3}\+", "+", line) for line in exported.splitlines())


@pytest.fixture(params=SERVERS)
def server_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    with store_url(request.param, tmp_path, monkeypatch) as url:
        yield url


async def fill(url: str) -> None:
    """Write all kinds of records, some of which expire."""
    storage = open_storage(url)
    for key in ODD_KEYS:
        await storage.write(f"odd {key}"[:120], {"key": key})
    for name, value in ODD_VALUES.items():
        await storage.write(f"value {name}", value)
    await asyncio.gather(
        *(storage.write(f"{n}_{n}", {"session": {"n": n}, "updates": [n]}) for n in range(300))
    )
    await storage.add("slot:2030-01-01T12:00+00:00", {"owner": 1}, expires_in=40 * 86_400)
    await storage.write("dead:7", {"update": {"update_id": 7}}, expires_in=30 * 86_400)
    await storage.close()


async def content(url: str) -> dict[str, tuple[str, int | None]]:
    """All records, with the hours that they have left."""
    storage = open_storage(url)
    assert isinstance(storage, PortableSessionStorage)
    found = {}
    async for key in storage.read_all_keys():
        entry = await storage.read_entry(key)
        assert entry is not None
        hours = None if entry.expires_in is None else round(entry.expires_in / 3600)
        found[key] = (repr(entry.value), hours)
    await storage.close()
    return found


def environment() -> dict[str, str]:
    """What `python -m bot` of the template needs."""
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


def sessions(folder: Path, *arguments: str) -> str:
    """Run `python -m bot sessions`, which must succeed; returns what it says."""
    command = [sys.executable, "-m", "bot", "sessions", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_records_move_from_a_file_to_any_server_and_back(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, back = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/back.db"
    asyncio.run(fill(here))
    expected = asyncio.run(content(here))

    number = f"{len(expected):,}"
    for source, goal in ((here, server_url), (server_url, back)):
        exported = sessions(tmp_path, "export", "all.jsonl", "--overwrite", "--storage", source)
        assert exported == f"exported {number} records\n"
        for summary in ("imported {} records", "imported 0 records; {} records there already"):
            imported = sessions(tmp_path, "import", "all.jsonl", "--storage", goal)
            assert imported == summary.format(number) + "\n"
        assert asyncio.run(content(goal)) == expected


# How it goes on is the same code for every store.
@pytest.mark.parametrize("server_url", ["postgres"], indirect=True)
def test_an_import_that_is_killed_is_continued_by_running_it_again(
    server_url: str, tmp_path: Path
) -> None:
    lines = [f'{{"key":"{n}_{n}","value":{{"n":{n}}}}}\n' for n in range(2_000)]
    (tmp_path / "all.jsonl").write_text("".join(lines) + '{"records":2000}\n')
    command = [sys.executable, "-m", "bot", "sessions", "import", "-", "--storage", server_url]
    with subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE) as importing:
        assert importing.stdin is not None
        importing.stdin.write("".join(lines[:1_000]).encode())
        importing.stdin.flush()
        asyncio.run(until_there(server_url, "100_100"))
        importing.kill()

    done = sessions(tmp_path, "import", "all.jsonl", "--storage", server_url)

    there = re.fullmatch(r"imported ([\d,]+) records; ([\d,]+) records there already\n", done)
    assert there, done
    assert sum(int(number.replace(",", "")) for number in there.groups()) == 2_000
    assert len(asyncio.run(content(server_url))) == 2_000


async def until_there(url: str, key: str) -> None:
    """Wait until another process has written the record."""
    storage = open_storage(url)
    async with asyncio.timeout(60):
        while not await storage.has(key):  # noqa: ASYNC110 - a store raises no event
            await asyncio.sleep(0.01)
    await storage.close()


def test_a_pipe_moves_records_too_and_who_stops_reading_sees_no_traceback(tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    asyncio.run(fill(here))
    pipe = f"export --storage {here} | {sys.executable} -m bot sessions import - --storage {there}"
    for command in (
        pipe,
        f"export --storage {here} | head -c 100",
        f"list --storage {here} | head",
    ):
        done = subprocess.run(
            ["sh", "-c", f"{sys.executable} -m bot sessions {command}"],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr
    assert asyncio.run(content(there)) == asyncio.run(content(here))


def test_a_living_project_moves_from_a_file_to_a_server(
    tmp_path: Path,
    template: Path,  # noqa: F811
    shell: Shell,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = create(shell, tmp_path / "projects", template)
    shell.environment["PYTHONPATH"] = "src"
    here = "sqlite:///data/bot.db"

    # Its owner opens at eight, and a user books a visit.
    shop = project / "src/bot/shop.toml"
    shop.write_text(shop.read_text().replace("09:00-", "08:00-"))
    assert EDIT in shop.read_text()
    shell.commit(project)
    said = chat(shell, project, here, "I want to book", "Haircut", "Tomorrow 8am")
    booked = re.search(r"Booked! (Haircut on .* at 08:00)", said)
    assert booked, said
    asked = chat(shell, project, here, "/book")
    assert "What service?" in asked

    export, update, _, bring, look, _ = commands_of_the_guide()
    assert export.startswith("python -m bot sessions export")
    shell(project, *shlex.split(export))
    before = shell(project, *shlex.split(export.replace("data/move.jsonl", "-")))
    # As if everything had been installed before.
    (project / ".venv").mkdir()
    (project / ".venv/.ready").touch()
    terminal(shell, project, update, "[y]: ", "y")

    for name in files(project) - {".cruft.json", "data/bot.db", "data/move.jsonl"}:
        assert "sqlite" not in f"{name} {(project / name).read_text(errors='replace')}".lower(), (
            name
        )
    assert EDIT in shop.read_text()
    shell.commit(project)
    with store_url("redis", tmp_path, monkeypatch) as url:
        shell.environment["STORAGE_URL"] = url
        shell(project, *shlex.split(bring))
        assert shell(project, *shlex.split(look)).startswith("day:")
        after = shell(project, *shlex.split(export.replace("data/move.jsonl", "-")))
        assert to_the_minute(after) == to_the_minute(before)

        assert booked[1] in chat(shell, project, url, "/bookings")
        # The dialogue goes on where it was: the service is the next thing to say.
        assert "When?" in chat(shell, project, url, "Shave")
