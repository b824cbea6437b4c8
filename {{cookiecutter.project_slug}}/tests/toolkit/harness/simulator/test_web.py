"""The server of the page: who may ask, what is sent, and what is never sent."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from toolkit.harness.simulator.reloading import BotSource
from toolkit.harness.simulator.turns import LogLines
from toolkit.harness.simulator.web import STATIC, has_browser, running_site
from toolkit.harness.types import Json

BOT = """
import logging
from dataclasses import dataclass
from aiogram import F, Router
from aiogram.types import BufferedInputFile, InputRichMessage
from toolkit import create_bot

@dataclass
class Session:
    said: int = 0

router = Router()

@router.message(F.text == "secret")
async def leak(message):
    logging.getLogger("leaky").warning("token is %s", message.bot.token)
    raise RuntimeError("123456789:AAF-abcdefghijklmnopqrstuvwxyz012345")

@router.message(F.text == "file")
async def send_files(message):
    await message.answer_photo(BufferedInputFile(b"\\x89PNG picture", "a.png"))
    await message.answer_document(BufferedInputFile(b"<script>", "page.html"))

@router.message(F.text == "rich")
async def send_rich(message):
    html = "<h1>Tea</h1><p>is <b>hot</b></p>"
    await message.bot.send_rich_message(message.chat.id, InputRichMessage(html=html))

@router.message()
async def count(message, session):
    session.said += 1
    await message.answer(f"WORD {session.said}")

def make_bot(storage=None):
    return create_bot("987654:offline-token", initial=Session, storage=storage, routers=[router])
"""


class Page:
    """What a page does: keeps what it is sent, and asks."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.seen: list[Json] = []

    async def until(self, wanted: Callable[[Json], bool]) -> Json:
        """The next change that is wanted."""
        while True:
            message = await self._socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, message
            self.seen.append(json.loads(message.data))
            if wanted(self.seen[-1]):
                return self.seen[-1]

    async def ask(self, do: str, **fields: Any) -> Json:
        await self._socket.send_json({"do": do, "id": 7, **fields})
        return await self.until(lambda change: change["type"] == "answer")

    async def say(self, text: str) -> Json:
        """Type a text as the first person; returns the turn when it is done."""
        await self.ask("say", user=1, chat=1, text=text)
        done = await self.until(lambda c: c["type"] == "turn" and c["turn"]["done"])
        return dict(done["turn"])


class Site:
    """A site that serves, and the ways to it."""

    def __init__(self, address: str, client: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self.address = address
        self.client = client
        self._stack = stack

    async def page(self, **headers: str) -> Page:
        """A page that has been told that the bot runs."""
        socket = await self.client.ws_connect(f"{self.address}/live", headers=headers)
        self._stack.push_async_callback(socket.close)
        page = Page(socket)
        world = await page.until(lambda change: change["type"] == "world")
        if not world["status"]["running"]:
            await page.until(lambda change: change["type"] == "status" and change["running"])
        return page


def write(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the bot that is served."""
    file = tmp_path / "served_bot.py"
    write(file, BOT.replace("WORD", "one"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "served_bot", raising=False)
    return file


@pytest.fixture
async def site(code: Path, tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        source = BotSource("served_bot:make_bot")
        address = await stack.enter_async_context(running_site(source, folder=tmp_path / "specs"))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        yield Site(address, client, stack)


async def test_it_listens_on_loopback_and_serves_the_page_with_all_it_names(site: Site) -> None:
    assert site.address.startswith("http://127.0.0.1:")
    async with site.client.get(site.address) as response:
        page = await response.text()
    named = {*re.findall(r"/static/([\w.]+)", page), "index.html"}
    for script in STATIC.glob("*.js"):
        named |= {*re.findall(r'(?:from|import) "\./([\w.]+)"', script.read_text())}
    assert named == {path.name for path in STATIC.iterdir()}
    for path in STATIC.iterdir():
        async with site.client.get(f"{site.address}/static/{path.name}") as response:
            assert response.status == 200
    assert "http://" not in page
    assert "https://" not in page


async def test_a_page_is_told_the_project_and_where_its_files_are(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "pyproject.toml", '[project]\nname = "tea-house"\n')
    await site.page()
    told = (await site.page()).seen[0]
    assert told["project"] == {"name": "tea-house", "folder": str(tmp_path)}
    write(tmp_path / "pyproject.toml", "no TOML")
    told = (await site.page()).seen[0]
    assert told["project"]["name"] == tmp_path.name


@pytest.mark.parametrize("screen", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", None])
def test_a_browser_needs_a_screen(monkeypatch: pytest.MonkeyPatch, screen: str | None) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if screen is not None:
        monkeypatch.setenv(screen, ":0")
    assert has_browser() is (screen is not None)


def test_the_page_opens_in_the_browser_when_it_is_asked_for(code: Path, tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    write(browser, f'#!/bin/sh\nprintf %s "$1" > {seen}.new && mv {seen}.new {seen}\n')
    browser.chmod(0o755)
    path = os.pathsep.join((str(code.parent), *sys.path))
    command = ["-m", "toolkit.harness.simulator", "--bot", "served_bot:make_bot", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, *command, "--browse"],
        env={**os.environ, "PYTHONPATH": path, "BROWSER": f"{browser} %s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            while not seen.exists():
                time.sleep(0.05)
            assert seen.read_text() in told.split()
        finally:
            process.terminate()


def test_the_server_is_there_before_aiogram_is_imported() -> None:
    without_aiogram = (
        "import sys; sys.modules['aiogram'] = None; import toolkit.harness.simulator.web"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", without_aiogram], env=environment, check=True)


async def test_only_own_scripts_and_styles_can_run(site: Site) -> None:
    async with site.client.get(site.address) as response:
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/live"])
async def test_another_host_name_is_refused(site: Site, path: str) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example:80", ""):
        async with site.client.get(site.address + path, headers={"Host": host}) as response:
            assert response.status in (400, 403)
    port = site.address.rpartition(":")[2]
    async with site.client.get(site.address, headers={"Host": f"localhost:{port}"}) as response:
        assert response.status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_another_origin_is_refused(site: Site, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await site.page(Origin=origin)
    assert refused.value.status == 403
    async with site.client.post(f"{site.address}/files", headers={"Origin": origin}) as response:
        assert response.status == 403


async def test_another_site_may_link_to_the_page_and_take_nothing(site: Site) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for dest, path, status in [
        ("document", "/", 200),
        ("iframe", "/", 403),
        ("document", "/files/1", 403),
        ("document", "/static/main.js", 403),
    ]:
        headers = {**link, "Sec-Fetch-Dest": dest}
        async with site.client.get(site.address + path, headers=headers) as response:
            assert response.status == status


async def test_a_page_of_the_same_origin_talks_and_sees_what_comes_of_it(site: Site) -> None:
    page = await site.page(Origin=site.address)
    turn = await page.say("hello")
    assert turn["calls"][0]["result"]["text"] == "one 1"
    shown = [change["message"]["text"] for change in page.seen if change["type"] == "message"]
    assert shown == ["hello", "one 1"]
    session = await page.until(lambda change: change["type"] == "session")
    assert session["session"]["fields"][0]["was"] == 0


async def test_two_pages_see_the_same_and_a_third_sees_it_later(site: Site) -> None:
    first, second = await site.page(), await site.page()
    await first.say("hello")
    await second.until(lambda c: c["type"] == "message" and c["message"]["text"] == "one 1")
    socket = await site.client.ws_connect(f"{site.address}/live")
    world = await socket.receive_json()
    assert [message["text"] for message in world["messages"]["1"]] == ["hello", "one 1"]
    await socket.close()


async def test_a_rich_message_is_read_as_text(site: Site) -> None:
    page = await site.page()
    await page.say("rich")
    shown = [change["message"] for change in page.seen if change["type"] == "message"]
    assert shown[-1]["text"] == "Tea\nis hot"


async def test_no_page_sees_a_token(site: Site) -> None:
    handler = LogLines()
    logging.getLogger().addHandler(handler)
    try:
        page = await site.page()
        turn = await page.say("secret")
    finally:
        logging.getLogger().removeHandler(handler)
    assert "RuntimeError: <token>" in turn["error"]
    assert turn["logs"][0]["text"] == "token is <token>"
    assert "offline-token" not in json.dumps(page.seen)


async def test_files_that_the_bot_sent_are_served_and_only_pictures_are_shown(site: Site) -> None:
    page = await site.page()
    turn = await page.say("file")
    photo, document = (call["result"] for call in turn["calls"])
    async with site.client.get(f"{site.address}/files/{photo['photo'][-1]['file_id']}") as response:
        assert await response.read() == b"\x89PNG picture"
        assert response.content_type == "image/png"
    async with site.client.get(f"{site.address}/files/{document['document']['file_id']}") as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with site.client.get(f"{site.address}/files/nothing") as response:
        assert response.status == 404


async def test_a_person_sends_a_photo_and_a_file(site: Site) -> None:
    page = await site.page()
    for content, name, kind in [(b"\x89PNG", "a.png", "photo"), (b"text", "a.txt", "document")]:
        form = aiohttp.FormData({"user": "1", "chat": "1", "thread": ""})
        form.add_field("about", "{}")
        form.add_field("file", content, filename=name)
        async with site.client.post(f"{site.address}/files", data=form) as response:
            assert response.status == 200
        seen = await page.until(lambda c: c["type"] == "message" and "from" in c["message"])
        assert kind in seen["message"]
        await page.until(lambda c: c["type"] == "turn" and c["turn"]["done"])
    for wrong in ({"user": "1"}, {"user": "1", "chat": "1"}):
        async with site.client.post(f"{site.address}/files", data=wrong) as response:
            assert response.status == 400


async def test_what_cannot_be_done_is_answered_with_the_reason(site: Site) -> None:
    page = await site.page()
    assert (await page.ask("tap", user=1, chat=1, message=1, row=0, column=0))["error"] == (
        "that button is not on screen any more"
    )
    assert "there is no request 'answer'" in (await page.ask("answer"))["error"]
    assert "there is no request '__init__'" in (await page.ask("__init__"))["error"]
    assert "missing" in (await page.ask("say", user=1))["error"]
    assert (await page.say("still there?"))["done"]


async def test_an_edited_handler_runs_at_once_and_the_talk_is_kept(site: Site, code: Path) -> None:
    page = await site.page()
    await page.say("hello")
    write(code, BOT.replace("WORD", "two"))
    await page.until(lambda c: c["type"] == "turn" and c["turn"]["title"] == "The code changed")
    assert (await page.say("hello"))["calls"][0]["result"]["text"] == "two 2"
    write(code, "nonsense!")
    broken = await page.until(lambda change: change["type"] == "status" and change["broken"])
    assert "SyntaxError" in broken["broken"]
    assert broken["running"]
    assert (await page.say("hello"))["calls"][0]["result"]["text"] == "two 3"


async def test_a_port_in_use_is_said_in_words(site: Site) -> None:
    port = int(site.address.rpartition(":")[2])
    with pytest.raises(SystemExit, match=f"127.0.0.1:{port} cannot be used .*; try --port 0"):
        async with running_site(BotSource("served_bot:make_bot"), port=port):
            await asyncio.Event().wait()
