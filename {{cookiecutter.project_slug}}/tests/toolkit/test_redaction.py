"""No secret reaches a log, a dead letter, an export or a screen, however the client fails."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit import create_bot, redact, redact_output
from toolkit.delivery.dead_letters import set_aside
from toolkit.redaction import hide, redact_own
from toolkit.storage import BACKENDS

SECRET = "AAHcanary_canary-canary_canary-canar"
CANARY = f"123456789:{SECRET}"
SOURCE = Path(toolkit.__file__).parents[1]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"http://h/bot{CANARY}/getMe", "http://h/bot<token>/getMe"),
        (f"b'/bot{CANARY.replace(':', '%3A')}/getMe'", "b'/bot<token>/getMe'"),
        (f"('{CANARY}',)", "('<token>',)"),
        ("store://bot:pa/ss@w#rd@h/bot", "store://bot:<password>@h/bot"),
        ("store+tls://:secret@h and x@y", "store+tls://:<password>@h and x@y"),
        ('{"u":"store+tls://:secret@h","m":"x@y"}', '{"u":"store+tls://:<password>@h","m":"x@y"}'),
        ("http://ann:secret@proxy:3128/", "http://ann:<password>@proxy:3128/"),
        (
            "store://h/bot?user=a&password=b&x=1",
            "store://h/bot?user=a&password=<password>&x=1",
        ),
        ("https://h:8080/a@b at 12:30", "https://h:8080/a@b at 12:30"),
        ("123456789:short", "123456789:short"),
    ],
)
def test_tokens_and_passwords_are_replaced_and_nothing_else(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_the_own_token_is_hidden_whatever_it_looks_like() -> None:
    hide("7:odd-one")
    assert redact("/bot7:odd-one/getMe, 17:odd-one") == "/bot<token>/getMe, 17:odd-one"
    letter = {"text": f"/bot7%3Aodd-one/ {CANARY}", "n": [1, None]}
    # What people send stays as it is: it may have to be delivered again.
    assert redact_own(letter) == {"text": f"/bot<token>/ {CANARY}", "n": [1, None]}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What an ordinary handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.root.addHandler(handler)
    yield stream
    logging.root.removeHandler(handler)


def test_a_record_is_redacted_in_all_its_parts_and_otherwise_left_alone(
    log: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    redact_output()
    logger = logging.getLogger("test")
    bad, harmless = ValueError(CANARY), ValueError("harmless")
    logger.error("%s and %r", CANARY, bad, exc_info=bad, stack_info=True)
    logger.error("%d", CANARY)
    assert SECRET not in log.getvalue()
    assert "ERROR <token> and ValueError('<token>')" in log.getvalue()
    assert "\nValueError: <token>" in log.getvalue()
    logger.error("%s", harmless, exc_info=harmless)
    record = caplog.records[-1]
    assert record.exc_info is not None
    assert (record.exc_info[1], record.args) == (harmless, (harmless,))


def answer(status: str, body: str, *headers: str) -> str:
    length = f"Content-Length: {len(body)}"
    return "\r\n".join((f"HTTP/1.1 {status}", length, *headers, "Connection: close", "", body))


def told(code: int, text: str) -> str:
    return json.dumps({"ok": False, "error_code": code, "description": text})


FAILURES: dict[str, Callable[[str], str | None]] = {
    "redirect loop": lambda path: answer("302 Found", "", f"Location: {path}"),
    "path in an error": lambda path: answer("400 Bad", told(400, f"Bad Request: {path}")),
    "path in a failure": lambda path: answer("502 Bad", told(502, path)),
    "path in a page": lambda path: answer("200 OK", f"<h1>{path}</h1>"),
    "path in another shape": lambda path: answer("200 OK", json.dumps({"ok": 1, "result": path})),
    "bad header": lambda path: f"HTTP/1.1 200 OK\r\nBad header {path}\r\n\r\n",
    "bad status": lambda path: f"HTTP/9 {path}\r\n\r\n",
    "silence": lambda path: None,
    "an update": lambda path: answer(
        "200 OK", json.dumps({"ok": True, "result": [{"update_id": 1, "message": path}]})
    ),
}


@asynccontextmanager
async def api(failure: str) -> AsyncIterator[str]:
    """Serve a Bot API that fails in one way, and yield its URL."""
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            if failure == "no TLS":
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            path = (await reader.readuntil(b"\r\n")).decode(errors="replace").split(" ")[1]
            text = FAILURES[failure](path)
            if text is None:
                await asyncio.Event().wait()
            else:
                writer.write(text.encode())
                await writer.drain()
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    if failure == "unreachable":
        yield "http://127.0.0.1:1"
        return
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http{'s' if failure == 'no TLS' else ''}://127.0.0.1:{port}"
    finally:
        server.close()
        for task in tasks - {None}:
            task.cancel()  # type: ignore[union-attr]


EVERY = [*FAILURES, "unreachable", "no TLS"]


@pytest.mark.parametrize("failure", EVERY)
async def test_no_failure_of_the_client_writes_the_token_down(
    failure: str, log: io.StringIO
) -> None:
    async with api(failure) as url:
        app: Any = create_bot(CANARY, initial=dict, api_url=url)
        app.bot.tries = 2
        app.bot.sleep = no_pause
        redact_output()
        try:
            await app.bot.get_updates(timeout=0, request_timeout=1)
        except Exception as error:
            logging.getLogger("test").exception("it failed")
            logging.getLogger("test").error("it failed: %s, %r", error, error)
            await set_aside(app, 1, {"text": f"bot{CANARY}"}, error)
        letter = await app.session_storage.read("dead:1")
        await app.close()
    assert letter is not None
    assert SECRET not in json.dumps(letter)
    assert SECRET not in log.getvalue()
    assert "it failed" in log.getvalue()


async def no_pause(seconds: float) -> None:
    """Go on at once."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure", ["redirect loop", "path in an error", "bad header", "an update"]
)
async def test_no_process_shows_the_token(failure: str, tmp_path: Path) -> None:
    async with api(failure) as url:
        # The store in a file, where the project has it: others need a server.
        urls = (backend.default_url for backend in BACKENDS.values())
        storage = next((url for url in urls if ":///" in url), "memory:")
        variables = {"BOT_TOKEN": CANARY, "TELEGRAM_API_URL": url, "STORAGE_URL": storage}
        process = await start("", tmp_path, variables)
        said = b""
        # Failures of the command list or of getUpdates, an update set aside, or the end.
        async with asyncio.timeout(60):
            while said.count(b" WARNING ") + said.count(b" ERROR ") < 2:
                line = await process.stderr.readline()
                if not line:
                    break
                said += line
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        out, rest = await asyncio.wait_for(process.communicate(), 60)
        export = await start("sessions export", tmp_path, variables)
        exported = b"".join(await asyncio.wait_for(export.communicate(), 60))
    text = (out + said + rest).decode()
    assert "polling" in text or "Traceback" in text or "Error" in text, text
    assert SECRET not in text
    assert SECRET not in exported.decode()
    files = await asyncio.to_thread(lambda: [file.read_bytes() for file in tmp_path.rglob("*.*")])
    assert not any(SECRET.encode() in content for content in files)


async def start(command: str, folder: Path, variables: dict[str, str]) -> Any:
    """Start `python -m bot`."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *command.split()),
        cwd=folder,
        env={**os.environ, **variables, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
