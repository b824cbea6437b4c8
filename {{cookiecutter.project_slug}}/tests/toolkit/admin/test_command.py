"""`sessions list, show, delete, export, import`: what they print, refuse and return.

Over 300 lines: five verbs share one way of being run and one store to look at.
"""

from __future__ import annotations

import asyncio
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from toolkit.admin import verbs
from toolkit.admin.command import run_session_verb
from toolkit.admin.progress import Progress
from toolkit.admin.transfer import read_records
from toolkit.admin.verbs import key_of, spell
from toolkit.errors import SessionUndecodable, StorageUnavailable
from toolkit.harness.conformance import ODD_KEYS
from toolkit.sessions.checkout import Checkouts
from toolkit.storage.base import Value
from toolkit.storage.per_bot import BotStorage

from .conftest import Run, parsed
from .doubles import ALL, Lasting, Verbs


def test_a_bot_sees_its_own_records_unless_all_bots_are_asked_for(
    here: Lasting, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill() -> None:
        for bot_id in (1001, 1002):
            bot = BotStorage(here, bot_id)
            await bot.write("1_1", {"session": {"of": bot_id}})
            await bot.write("dead:7", {})

    def run(*arguments: str, bot_id: int) -> str:
        assert run_session_verb(parsed(*arguments), "here:", bot_id) == 0
        return capsys.readouterr().out

    asyncio.run(fill())
    for bot_id in (1001, 1002):
        assert run("list", "--all", bot_id=bot_id).split() == ["1_1", "dead:7"]
        assert f'"of": {bot_id}' in run("show", "1_1", bot_id=bot_id)
        assert '{"records":2}' in run("export", bot_id=bot_id)
    everything = ["1_1", "dead:7", "bots:1002:1_1", "bots:1002:dead:7"]
    assert run("list", "--all", "--all-bots", bot_id=1002).split() == everything
    run("delete", "bots:owner", "--yes", "--all-bots", bot_id=1002)
    assert '"of": 1001' in run("show", "1_1", bot_id=1002)


def fill(store: Lasting, records: dict[str, Value], **options: Any) -> None:
    """Write records into a store."""

    async def write() -> None:
        for key, value in records.items():
            await store.write(key, value, **options)

    asyncio.run(write())


def test_list_prints_the_keys_that_begin_so(here: Lasting, run: Run) -> None:
    fill(here, {"1_1": {}, "-100_7": {}, "slot:9": {}})
    assert run("list", "--all") == (0, "1_1\n-100_7\nslot:9\n", "")
    assert run("list", "--prefix", "slot:") == (0, "slot:9\n", "")
    assert run("list", "--prefix", "dead:") == (0, "", "")


def test_list_goes_from_page_to_page(here: Lasting, run: Run) -> None:
    fill(here, {f"{number:03}": {} for number in range(10)})
    seen: list[str] = []
    pages = 0
    after: tuple[str, ...] = ()
    while True:
        code, out, err = run("list", "--all", "--limit", "4", *after)
        assert code == 0
        seen += out.split()
        pages += 1
        if not err:
            break
        after = ("--after", err.split()[-1])
        assert err == f"there are more: --after {seen[-1]}\n"
    assert (seen, pages) == ([f"{number:03}" for number in range(10)], 3)


def test_list_shows_sessions_and_counts_the_rest(here: Lasting, run: Run) -> None:
    sessions = {"5_5", "-100_5", "-100_5_t7", "5_5_babc"}
    others = {"slot:2026", "dead:7", "parked:8", "quarantine:5_5", "5", "5_5_x"}
    fill(here, {key: {} for key in sessions | others})

    code, out, err = run("list")

    assert (code, {*out.split()}) == (0, sessions)
    assert err == "6 records of other kinds: --all lists them too\n"
    assert {*run("list", "--all")[1].split()} == sessions | others
    assert run("list", "--prefix", "slot:")[1:] == ("slot:2026\n", "")


def test_a_page_is_the_same_in_whatever_order_the_store_has_its_keys(
    here: Lasting, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here, {f"{number:03}": {} for number in range(50)})
    in_order = here.read_all_keys

    async def shuffled(prefix: str = "") -> Any:
        for key in sorted([key async for key in in_order(prefix)], key=lambda key: key[::-1]):
            yield key

    monkeypatch.setattr(here, "read_all_keys", shuffled)
    assert run("list", "--all", "--limit", "2", "--after", "010")[1].split() == ["011", "012"]


def test_keys_that_are_not_plain_text_are_printed_in_quotes_and_understood_again(
    here: Lasting, run: Run
) -> None:
    fill(here, {key: {"is": key} for key in ODD_KEYS})
    lines = run("list", "--all")[1].splitlines()
    assert len(lines) == len(ODD_KEYS)
    assert sorted(map(key_of, lines)) == sorted(ODD_KEYS)
    for key in ODD_KEYS:
        assert spell(key).isprintable()
        assert json.loads(run("show", spell(key))[1])["value"] == {"is": key}


def test_show_prints_the_record_and_when_it_expires(here: Lasting, run: Run) -> None:
    fill(here, {"1_1": {"name": "Zoë", "bad": "\x1b[2J\x9b\ud800"}}, expires_in=600)
    code, out, err = run("show", "1_1")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["key"], found["value"]) == ("1_1", {"name": "Zoë", "bad": "\x1b[2J\x9b\ud800"})
    assert found["expires_at"].endswith("+00:00")
    assert "Zoë" in out
    assert out.replace("\n", "").isprintable()


def test_show_says_that_there_is_no_such_record(here: Lasting, run: Run) -> None:
    fill(here, {"1_1": {}})
    assert run("show", "-100200_7") == (1, "", "there is no record -100200_7\n")


def test_a_damaged_record_can_be_seen_and_deleted(
    here: Lasting, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(key: str) -> Any:
        raise SessionUndecodable(key, "it ends too early", '{"n": ')

    fill(here, {"1_1": {}})
    for verb in ("read", "read_entry", "checkout"):
        monkeypatch.setattr(here, verb, fail)

    code, out, err = run("show", "1_1")
    assert code == 1
    assert json.loads(out)["raw"] == '{"n": '
    assert err == "the record '1_1' cannot be read: it ends too early\n"
    assert run("delete", "1_1", "--yes") == (0, "deleted 1_1\n", "")
    assert run("list", "--all")[1] == ""


def test_delete_says_what_it_has_deleted_and_what_was_not_there(here: Lasting, run: Run) -> None:
    fill(here, {"1_1": {}, "-100_7": {}, "2_2": {}})
    code, out, err = run("delete", "--yes", "1_1", "9_9", "-100_7")
    assert (code, out, err) == (1, "deleted 1_1\ndeleted -100_7\n", "there is no record 9_9\n")
    assert run("list", "--all")[1] == "2_2\n"


def test_delete_does_nothing_where_nobody_can_be_asked(here: Lasting, run: Run) -> None:
    fill(here, {"1_1": {}})
    code, _, err = run("delete", "1_1")
    assert code == 2
    assert "--yes" in err
    assert run("list", "--all")[1] == "1_1\n"


@pytest.mark.parametrize(("answer", "left"), [("y", ""), ("n", "1_1\n"), ("", "1_1\n")])
def test_delete_asks_on_a_terminal(
    here: Lasting, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: str
) -> None:
    fill(here, {"1_1": {}})
    keyboard = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)
    code, _, err = run("delete", "1_1")
    assert err.startswith("Delete 1_1? [y/N] ")
    assert code == (2 if left else 0)
    assert run("list", "--all")[1] == left


def test_delete_waits_until_the_bot_has_put_the_session_back(here: Lasting) -> None:
    async def delete() -> None:
        bot = Checkouts(here)
        held = await bot.take("1_1", "update 7")
        deleting = asyncio.create_task(verbs.delete_records(here, parsed("delete", "1_1", "--yes")))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not deleting.done()
        await bot.put(held, {"by": "bot"}, None)
        assert await deleting == 0

    fill(here, {"1_1": {}})
    asyncio.run(delete())
    assert list(here._records) == []


def test_an_exported_file_is_imported_elsewhere(here: Lasting, run: Run, tmp_path: Path) -> None:
    fill(here, {f"{number}_{number}": {"n": number} for number in range(250)})
    fill(here, {"slot:9": {"owner": 1}}, expires_in=600)
    file = f"{tmp_path}/all.jsonl"

    assert run("export", file) == (0, "", "exported 251 records\n")
    assert run("import", file, storage="there:") == (0, "", "imported 251 records\n")
    again = (0, "", "imported 0 records; 251 records there already\n")
    assert run("import", file, storage="there:") == again

    assert run("list", "--all", storage="there:") == run("list", "--all")
    assert run("show", "slot:9", storage="there:")[0] == 0


def test_nobody_else_may_read_an_exported_file(here: Lasting, run: Run, tmp_path: Path) -> None:
    fill(here, {"1_1": {}})
    run("export", f"{tmp_path}/all.jsonl")
    assert stat.S_IMODE((tmp_path / "all.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("laid", ["file", "link", "dangling link"])
def test_what_lies_at_the_place_of_a_half_export_neither_decides_its_mode_nor_is_written(
    here: Lasting, run: Run, tmp_path: Path, laid: str
) -> None:
    fill(here, {"1_1": {}})
    partial, outside = tmp_path / "all.jsonl.partial", tmp_path / "outside"
    if laid == "file":
        partial.write_text("laid out")
        partial.chmod(0o666)
    else:
        partial.symlink_to(outside)
    if laid == "link":
        outside.write_text("precious")
        outside.chmod(0o666)

    assert run("export", f"{tmp_path}/all.jsonl")[0] == 0

    exported = tmp_path / "all.jsonl"
    assert stat.S_IMODE(exported.lstat().st_mode) == 0o600
    assert exported.read_text() == '{"key":"1_1","value":{}}\n{"records":1}\n'
    assert not partial.is_symlink()
    assert not partial.exists()
    assert [path.read_text() for path in tmp_path.glob("outside")] == ["precious"] * (
        laid == "link"
    )


def test_of_two_exports_to_one_file_none_gives_its_name_to_half_a_file(
    here: Lasting, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here, {"1_1": {}})

    async def overtaken(*arguments: Any) -> Any:
        partial = tmp_path / "all.jsonl.partial"
        partial.unlink()
        partial.write_text("half of an")
        async for record in read_records(*arguments):
            yield record

    monkeypatch.setattr(verbs, "read_records", overtaken)
    code, _, err = run("export", f"{tmp_path}/all.jsonl")

    assert (code, err) == (1, f"another export writes {tmp_path}/all.jsonl.partial\n")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["half of an"]


def test_export_replaces_a_file_only_when_told(here: Lasting, run: Run, tmp_path: Path) -> None:
    fill(here, {"1_1": {}})
    file = tmp_path / "all.jsonl"
    file.write_text("precious")
    code, _, err = run("export", str(file))
    assert (code, "--overwrite" in err, file.read_text()) == (1, True, "precious")
    assert run("export", str(file), "--overwrite")[0] == 0
    assert file.read_text() == '{"key":"1_1","value":{}}\n{"records":1}\n'


def test_an_export_that_fails_leaves_no_half_of_a_file(
    here: Lasting, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here, {"1_1": {}})
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("the disk is full")))
    assert run("export", f"{tmp_path}/all.jsonl") == (1, "", "the disk is full\n")
    assert not [path for path in tmp_path.iterdir() if "jsonl" in path.name]


def test_import_ends_with_1_when_something_was_left_out(
    here: Lasting, run: Run, tmp_path: Path
) -> None:
    fill(here, {"1_1": {"n": "here"}})
    file = tmp_path / "all.jsonl"
    file.write_text('{"key":"1_1","value":{}}\nnonsense\n{"key":"2_2","value":{}}\n{"records":3}\n')
    code, out, err = run("import", str(file))
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        "imported 1 record; 1 record kept that differed: --overwrite replaces; 1 record refused"
    )
    assert "line 2: it is not JSON" in err


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_shows_how_far_it_is(
    here: Lasting,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
) -> None:
    fill(here, {f"{number}": {} for number in range(3)})
    monkeypatch.setattr(Progress, "every", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    exported = run("export", f"{tmp_path}/all.jsonl")[2]
    imported = run("import", f"{tmp_path}/all.jsonl", storage="there:")[2]
    if not is_terminal:
        assert (exported, imported) == ("exported 3 records\n", "imported 3 records\n")
        return
    assert exported.startswith("\rexporting record 1\rexporting record 2\rexporting record 3\r ")
    assert exported.endswith(" \rexported 3 records\n")
    assert "\rimporting line 3 [####################....] 83%" in imported
    assert imported.endswith(" \rimported 3 records\n")


@pytest.mark.parametrize(
    ("storage", "says"),
    [
        ("shelf:", "no storage for a URL"),
        ("memory:", "name another store by --storage"),
    ],
)
def test_a_store_that_cannot_be_meant_is_refused(run: Run, storage: str, says: str) -> None:
    code, out, err = run("list", storage=storage)
    assert (code, out) == (2, "")
    assert says in err


def test_a_file_that_is_not_there_is_made_by_an_import_alone(tmp_path: Path) -> None:
    class InFile(Lasting):
        path = tmp_path / "bot.db"

    for arguments in (["list"], ["show", "1_1"], ["delete", "1_1", "--yes"], ["export"]):
        with pytest.raises(ValueError, match="there is no file"):
            verbs.check_use(Verbs(InFile(), *ALL, "path"), parsed(*arguments))
    verbs.check_use(Verbs(InFile(), *ALL, "path"), parsed("import", "-"))


def test_a_store_that_fails_is_one_sentence(
    here: Lasting, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(key: str) -> Any:
        raise StorageUnavailable("here:", "the disk is full")

    monkeypatch.setattr(here, "read_entry", fail)
    assert run("show", "1_1") == (1, "", "here:: the disk is full\n")


def test_a_file_that_cannot_be_imported_is_one_sentence(run: Run) -> None:
    code, _, err = run("import", "nowhere.jsonl")
    assert code == 1
    assert "nowhere.jsonl" in err


def test_an_import_that_ends_early_says_how_to_go_on(
    here: Lasting, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(key: str, *_: Any, **__: Any) -> Any:
        raise StorageUnavailable("here:", "the disk is full")

    monkeypatch.setattr(here, "add", fail)
    (tmp_path / "all.jsonl").write_text('{"key":"1_1","value":{}}\n{"records":1}\n')
    code, _, err = run("import", f"{tmp_path}/all.jsonl")
    assert code == 1
    assert err == (
        "imported 0 records; not finished: run it again to go on\nhere:: the disk is full\n"
    )


def test_ctrl_c_ends_with_130(run: Run, here: Lasting, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupt(key: str) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(here, "read_entry", interrupt)
    assert run("show", "1_1") == (130, "", "interrupted\n")
