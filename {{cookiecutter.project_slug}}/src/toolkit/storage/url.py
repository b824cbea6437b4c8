"""The URL of a store. What is wrong with it is said before any driver sees it.

No message shows a part of the URL that could be a password, however the URL is broken.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

QUOTING: Final = (
    "in a user name, a password or an option, write / as %2F, @ as %40, : as %3A, # as %23, "
    "? as %3F, % as %25, [ as %5B, ] as %5D and a space as %20"
)


def split_url(url: str) -> SplitResult:
    """Split a URL. Raises ValueError when a character in it has to be quoted."""
    if re.search(r"[\s\x00-\x1f]", url):
        raise ValueError(f"the URL holds a space or the end of a line; {QUOTING}")
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        raise ValueError(f"the URL holds a % that quotes nothing; {QUOTING}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unquoted() from None
    if "#" in url or "@" in parts.path or parts.netloc.count("@") > 1:
        raise _unquoted()
    return parts


def check_options(parts: SplitResult, known: Collection[str]) -> dict[str, str]:
    """Return the options of a URL. Raises ValueError for one that is not among the known."""
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name in known:
            continue
        if "@" in parts.query or not re.fullmatch(r"\w+", name):
            raise _unquoted()
        near = get_close_matches(name, known, 1)
        choice = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known)) or '-'}"
        raise ValueError(f"the URL has an unknown option {name!r}; {choice}")
    return options


def check_hosts(parts: SplitResult, *, at_most: int | None = None) -> list[tuple[str, int | None]]:
    """Return the hosts and ports of a URL. Raises ValueError when one is missing or malformed."""
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        found = re.fullmatch(r"(\[[^\[\]]+\]|[^\[\]:]*)(?::(.*))?", text)
        if found is None:
            raise _unquoted()
        host, port = found.groups()
        if port is not None and not (port.isdecimal() and 0 < int(port) < 65_536):
            raise ValueError(
                "the port of the URL is no number from 1 to 65535; if it is the beginning of a "
                f"password: {QUOTING}"
            )
        if not host:
            raise ValueError(f"the URL names no host: {parts.scheme}://HOST:PORT/…")
        hosts.append((host.strip("[]"), None if port is None else int(port)))
    if at_most is not None and len(hosts) > at_most:
        raise ValueError(f"a {parts.scheme}:// URL names {at_most} host, and this one {len(hosts)}")
    return hosts


def without_password(url: str) -> str:
    """Return what a message may say of the URL: no user, no password, no options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _unquoted() -> ValueError:
    return ValueError(f"a character of the URL has to be quoted; {QUOTING}")
