"""Web apps and login buttons: what Telegram adds to an address, so that it knows who comes.

https://core.telegram.org/bots/webapps#initializing-mini-apps, https://core.telegram.org/widgets/login
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from toolkit.harness.fake_telegram.model import Query
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.simulator.simulation import Simulation

VERSION = "9.1"
"""The version of the interface that a web app is told; what the page lacks of it does nothing."""


def open_app(
    simulation: Simulation, user: int, chat: int, url: str, inline: bool, theme: Json
) -> Json:
    """Return the address that the frame of a web app opens.

    An app that was opened with an `inline` button gets the id of a query, which the bot can answer
    with `answerWebAppQuery`; another one sends data instead.
    """
    world = simulation.telegram
    content: Json = {"user": _compact(world.user(user)), "auth_date": str(world.now())}
    if inline:
        query_id = str(world.number("query"))
        world.remember(Query("web_app_query", query_id, user, {}, world.clock(), chat))
        content["query_id"] = query_id
    key = hmac.digest(b"WebAppData", world.token.encode(), "sha256")
    signed = {**content, "hash": hmac.new(key, _lines(content), "sha256").hexdigest()}
    start = {
        "tgWebAppData": urlencode(signed, quote_via=quote),
        "tgWebAppVersion": VERSION,
        "tgWebAppPlatform": "web",
        "tgWebAppThemeParams": json.dumps(theme),
    }
    return {"url": _checked(url)._replace(fragment=urlencode(start, quote_via=quote)).geturl()}


def log_in(simulation: Simulation, user: int, url: str) -> Json:
    """Return the address of a login button, with who logs in."""
    world = simulation.telegram
    names = ("id", "first_name", "last_name", "username")
    data = world.user(user)
    content = {name: str(data[name]) for name in names if name in data}
    content["auth_date"] = str(world.now())
    key = hashlib.sha256(world.token.encode()).digest()
    content["hash"] = hmac.new(key, _lines(content), "sha256").hexdigest()
    address = _checked(url)
    query = "&".join(filter(None, (address.query, urlencode(content))))
    return {"url": address._replace(query=query).geturl()}


def _checked(url: str) -> SplitResult:
    """Return the parts of an address; Telegram takes no other than `https` ones."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise SimulatorError(f"{url} is no https address")
    return parts


def _lines(content: Json) -> bytes:
    return "\n".join(f"{name}={content[name]}" for name in sorted(content)).encode()


def _compact(user: Json) -> str:
    return json.dumps(user, ensure_ascii=False, separators=(",", ":"))
