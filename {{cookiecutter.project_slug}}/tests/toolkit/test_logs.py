"""Each line of the log says which update it is about, and a line of JSON is one whatever is in it.

That no secret is in it is tested here for JSON, and in test_redaction.py for text.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiogram import F
from aiogram.types import Message, Update

import toolkit
from toolkit import BotApp, create_bot, set_up_logging
from toolkit.logs import JsonFormatter, UpdateFilter, update_in_work
from toolkit.redaction import RedactingFilter
from toolkit.waiting import SharedTimer

SECRET = "AAHcanary_canary-canary_canary-canar"
CANARY = f"123456789:{SECRET}"
SOURCE = Path(toolkit.__file__).parents[1]

logger = logging.getLogger("an_owner.of_a_bot")


class Log:
    """What a handler writes as JSON."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(JsonFormatter())
        self.handler.addFilter(UpdateFilter())
        self.handler.addFilter(RedactingFilter())

    @property
    def lines(self) -> list[Any]:
        """All lines, read."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def about(self, message: str) -> list[tuple[int | None, str | None]]:
        """The update and the session that the lines with a message name."""
        found = [line for line in self.lines if message in line["message"]]
        return [(line["update_id"], line["session_key"]) for line in found]


@pytest.fixture
def log() -> Iterator[Log]:
    """The log of this test."""
    log, level = Log(), logging.root.level
    logging.root.addHandler(log.handler)
    logging.root.setLevel(logging.INFO)
    yield log
    logging.root.removeHandler(log.handler)
    logging.root.setLevel(level)


def chatty() -> Any:
    """A bot that logs in every way there is."""
    app: BotApp[dict[str, Any]] = create_bot("42:fake", initial=dict)

    async def later() -> None:
        await asyncio.sleep(0)
        logger.info("in a task")

    @app.message(F.text == "another")
    async def another(message: Message) -> None:
        made = message.model_copy(update={"text": "hello"})
        # A task of its own, as the session is held here.
        app["made"] = asyncio.create_task(
            app.feed_update(app.bot, Update(update_id=7, message=made))
        )
        logger.info("beside another one")

    @app.message(F.text == "thread")
    def thread(message: Message) -> None:
        logger.info("in a thread")

    @app.message(F.text == "bad")
    async def bad(message: Message) -> None:
        raise ValueError(CANARY)

    @app.message()
    async def answer(message: Message) -> None:
        logger.info("in a handler")
        await asyncio.create_task(later())

    return app


async def test_what_is_logged_while_an_update_is_handled_names_it_and_its_session(
    log: Log, talk_to: Callable[[Any], Any]
) -> None:
    talk = talk_to(chatty())
    for text in ("hello", "thread", "another"):
        await talk.say(text)
    await talk.app["made"]
    logger.info("outside")
    numbers = [number for number, _ in log.about("Duration")]
    first, second, third, made = ((number, "5_5") for number in numbers)
    assert len({first, second, third, made}) == 4
    assert log.about("in a handler") == log.about("in a task") == [first, made]
    assert log.about("in a thread") == [second]
    assert log.about("beside another one") == [third]
    assert log.about("outside") == [(None, None)]


async def test_what_is_logged_about_a_failure_afterwards_names_its_update_too(
    log: Log, talk_to: Callable[[Any], Any]
) -> None:
    talk = talk_to(chatty())
    with pytest.raises(ValueError, match="canary"):
        await talk.say("bad")
    logger.info("outside")
    (failure,) = [line for line in log.lines if line["level"] == "ERROR"]
    assert failure["session_key"] == "5_5"
    assert failure["update_id"] > 0
    assert failure["exception"].endswith("ValueError: <token>")
    assert log.about("outside") == [(None, None)]


async def test_a_timer_that_serves_many_updates_is_about_none_of_them() -> None:
    found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    timer = SharedTimer[str](0.001, lambda item: found.set_result(update_in_work.get()))
    update_in_work.set((5, "5_5"))
    timer.add("item")
    assert await asyncio.wait_for(found, 5) is None


class Odd:
    """An object that not even `repr` can show."""

    def __repr__(self) -> str:
        raise ValueError(CANARY)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (1, 1),
        (None, None),
        (True, True),
        (0.5, 0.5),
        (float("nan"), "nan"),
        ("\ud800\n\x00", "\ud800\n\x00"),
        ({"a": (1, {2: float("inf")})}, {"a": [1, {"2": "inf"}]}),
        (CANARY, "<token>"),
        (
            {CANARY: [f"x\n{CANARY}", "db://u:pass@h"]},
            {"<token>": ["x\n<token>", "db://u:<password>@h"]},
        ),
        (ValueError(CANARY), "ValueError('<token>')"),
        (Odd(), "<Odd>"),
        (b"\xff", "b'\\xff'"),
    ],
)
def test_whatever_is_given_beside_a_message_is_json_and_without_secrets(
    log: Log, given: Any, written: Any
) -> None:
    logger.info("with more", extra={"more": given})
    (line,) = log.lines
    assert line["more"] == written


def test_a_circle_ends(log: Log) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    logger.info("with more", extra={"more": circle})
    assert "..." in json.dumps(log.lines[0]["more"])


def test_a_line_of_json_says_when_where_and_why(log: Log) -> None:
    try:
        raise ValueError(f"{CANARY}\nin two lines")
    except ValueError:
        logger.exception("it\nfailed %s", CANARY, stack_info=True)
    logger.warning("%d", CANARY)
    logger.info("no exception", exc_info=True)
    first, second, third = log.lines
    assert [*first] == [
        *("time", "level", "logger", "message", "update_id", "session_key", "exception", "stack")
    ]
    assert first["time"].endswith("+00:00")
    assert (first["level"], first["logger"]) == ("ERROR", logger.name)
    assert first["message"] == "it\nfailed <token>"
    assert first["exception"].startswith("Traceback")
    assert first["exception"].endswith("ValueError: <token>\nin two lines")
    assert "<token>" in second["message"]
    assert third["message"] == "no exception"
    assert SECRET not in log.stream.getvalue()


def test_another_level_or_format_is_refused() -> None:
    with pytest.raises(ValueError, match="'loud' is not one of DEBUG, INFO"):
        set_up_logging("loud")
    with pytest.raises(ValueError, match="'xml' is not one of text, json"):
        set_up_logging("INFO", "xml")


WRITE = f"""
import logging, warnings
from toolkit import set_up_logging
from toolkit.logs import update_in_work
set_up_logging("WARNING", FORMAT)
logging.info("not told")
logging.warning("of none")
update_in_work.set((12, None))
logging.warning("of an update")
update_in_work.set((12, "5_5"))
logging.warning("of a session, with {CANARY}")
warnings.warn("a warning")
raise SystemError("{CANARY}")
"""


def written(log_format: str) -> list[str]:
    """What a process writes that ends with an exception."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE.replace("FORMAT", repr(log_format))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert SECRET not in done.stderr
    return done.stderr.splitlines()


def test_a_process_writes_text() -> None:
    lines = [line.partition(" WARNING ")[2] for line in written("text")]
    assert lines[:3] == [
        "root: of none",
        "root: [update 12] of an update",
        "root: [update 12 5_5] of a session, with <token>",
    ]


def test_a_process_writes_nothing_but_json_up_to_its_end() -> None:
    lines = [json.loads(line) for line in written("json")]
    *said, warning, end = [(line["message"], line["update_id"]) for line in lines]
    assert said == [
        ("of none", None),
        ("of an update", 12),
        ("of a session, with <token>", 12),
    ]
    assert "UserWarning: a warning" in warning[0]
    assert end[0] == "the process ends with SystemError"
    assert lines[-1]["exception"].endswith("SystemError: <token>")
