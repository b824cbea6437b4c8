"""Web apps and login buttons are told who comes, signed with the bot's token."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from urllib.parse import parse_qsl

from .tea_house import Desk


def test_web_apps_and_logins_know_who_comes() -> None:
    desk = Desk(Path("unused"))

    async def open_both() -> tuple[str, str]:
        url = "https://app.example/a?b=1"
        app = {"user": 1, "chat": 1, "url": url, "inline": True, "theme": {"bg_color": "#fff"}}
        refused = await desk.refusal("open_app", **{**app, "url": "http://app.example"})
        assert "no https address" in refused
        opened = await desk.ask("open_app", **app)
        return opened["url"], (await desk.ask("log_in", user=1, url=url))["url"]

    app, login = asyncio.run(open_both())
    address, _, start = app.partition("#")
    assert address == "https://app.example/a?b=1"
    data = dict(parse_qsl(dict(parse_qsl(start))["tgWebAppData"]))
    assert data["query_id"] in desk.simulation.telegram.queries
    assert '"first_name":"Ann"' in data["user"]
    # As bots check it: https://core.telegram.org/bots/webapps#validating-data
    secret = hmac.new(b"WebAppData", b"42:offline", hashlib.sha256).digest()
    assert data.pop("hash") == _signed(data, secret)
    fields = dict(parse_qsl(login.partition("?")[2]))
    del fields["b"]
    assert fields.pop("hash") == _signed(fields, hashlib.sha256(b"42:offline").digest())
    assert fields["id"] == "1"


def _signed(fields: dict[str, str], key: bytes) -> str:
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()
