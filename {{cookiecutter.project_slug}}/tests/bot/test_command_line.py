"""The command line: what it says, and that it says it before anything slow is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import HOW_TO_START, main

# An import of aiogram fails in a process that begins so.
WITHOUT_AIOGRAM = "import sys; sys.modules['aiogram'] = None; from bot.__main__ import main; "


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a process of its own, in an empty folder, with these variables alone."""
    environment["PYTHONPATH"] = ":".join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_token_it_says_in_six_lines_how_to_start(tmp_path: Path) -> None:
    result = run(WITHOUT_AIOGRAM + "main([])", tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", HOW_TO_START)
    assert len(HOW_TO_START.splitlines()) <= 6
    for hint in ("@BotFather", ".env", "BOT_TOKEN", "BOT_TOKEN_FILE", "make chat"):
        assert hint in HOW_TO_START


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BOT_TOKEN": "secret"}, "BOT_TOKEN: not a bot token"),
        ({"BOT_TOKEN": "1:secret", "STORAGE_URL": "shelf:"}, "STORAGE_URL: no storage"),
    ],
)
def test_a_wrong_setting_is_said_at_once_and_without_the_secret(
    tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    result = run(WITHOUT_AIOGRAM + "main(['run'])", tmp_path, **variables)
    assert result.returncode == 2
    assert result.stderr.startswith(message)
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "run" in said
    assert "chat" in said


def test_a_storage_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["chat", "--storage", "shelf:"])
    assert end.value.code == 2
    assert "--storage: no storage" in capsys.readouterr().err


@pytest.mark.slow
def test_a_piped_conversation_is_answered_on_stdout(tmp_path: Path) -> None:
    talk = "I want to book\nHaircut\nTomorrow 2pm\n"
    result = subprocess.run(
        [sys.executable, "-m", "bot", "chat"],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
        input=talk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "What service?"
    assert "When?" in lines
    assert any(line.startswith("Booked! Haircut on") for line in lines)
