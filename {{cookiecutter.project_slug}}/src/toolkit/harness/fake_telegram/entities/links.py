"""Which links Telegram takes, what it makes of them, and why it refuses the others."""

from __future__ import annotations

import re
import socket
from functools import lru_cache

from toolkit.harness.fake_telegram.entities.base import SPACES, lower
from toolkit.harness.types import Json

MAX_USER_ID = 2**40 - 1
_INTERNAL = re.compile(r"(tg|ton|tonsite):(?://)?", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"([^:/?#@\[\]]*)://")
_AUTHORITY = re.compile(r"[^/?#]*")
_PORT = re.compile(r"(.+):([^:@\]]*)", re.DOTALL)
# What may stand in a host; in what comes before an @, colons too.
_PART = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_USER_INFO = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=:]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_CONTROL = re.compile(r"[\0-\x20]")
_WHITE = "".join(SPACES)


class LinkError(ValueError):
    """The link is refused; the message is the server's reason."""


def integer(value: str, bits: int = 64) -> int | None:
    """Return the number, None where the text is not exactly its decimal form or too long."""
    if len(value) > 20 or not value.removeprefix("-").isascii():
        return None
    if not value.removeprefix("-").isdigit():
        return None
    number = int(value)
    limit: int = 1 << (bits - 1)
    return number if str(number) == value and -limit <= number < limit else None


def user_of(link: str) -> int | None:
    """Return the user id of a `tg://user?id=…` link."""
    for name, value in _parameters(lower(link), "user"):
        if name == "id":
            number = integer(value)
            return number if number and 0 < number <= MAX_USER_ID else None
    return None


def custom_emoji_of(link: str) -> str | None:
    """Return the identifier in a `tg://emoji?id=…` link."""
    for name, value in _parameters(link, "emoji"):
        if name == "id":
            return value if integer(value) else None
    return None


def time_of(link: str) -> tuple[int, str] | None:
    """Return the time and its format in a `tg://time?unix=…&format=…` link."""
    moment, date_format = 0, ""
    for name, value in _parameters(link, "time"):
        if name == "unix":
            number = integer(value, 32)
            if number is None or number <= 0:
                return None
            moment = number
        elif name == "format":
            date_format = value
    known = date_format_of(date_format)
    return (moment, known) if moment and known is not None else None


def date_format_of(text: str) -> str | None:
    """Return a format of dates as the server shows it, None for one that it does not know."""
    if text in ("r", "R"):
        return "r"
    if text.strip("tTdDwW"):
        return None
    signs = (("w", "W"), ("d", "D"), ("t", "T"))
    shown = [next((sign for sign in pair if sign in text), "") for pair in signs]
    return "".join(shown).replace("W", "w")


def _parameters(link: str, host: str) -> list[tuple[str, str]]:
    """Return the parameters of a `tg:` link to this host, none for any other link."""
    scheme = lower(link[: len("tg://") + len(host)])
    if not scheme.startswith("tg:"):
        return []
    rest = link[3:].removeprefix("//")
    if lower(rest[: len(host)]) != host:
        return []
    query = rest[len(host) :].removeprefix("/")
    if not query.startswith("?"):
        return []
    pairs = [part.partition("=") for part in query[1:].partition("#")[0].split("&")]
    return [(name, value) for name, _, value in pairs]


@lru_cache(1024)
def check_link(link: str, *, https_only: bool = False) -> str:
    """Return the link as the server keeps it; raise LinkError with its reason."""
    internal = _INTERNAL.match(link)
    link = link[internal.end() :] if internal else link
    protocol, user_info, host, port, path = _split(link)
    if https_only and (internal or protocol != "https"):
        raise LinkError("Only HTTPS links are allowed")
    if not internal:
        if "." not in host and not host.startswith("["):
            raise LinkError("Wrong HTTP URL")
        user_info = f"{user_info}@" if user_info else ""
        return f"{protocol}://{user_info}{host}{f':{port}' if port else ''}{path}"
    scheme = internal[1].lower()
    if lower(link[:7]) == "http://" or protocol == "https" or user_info or port or host[0] == "[":
        raise LinkError(f"Wrong {'tg' if scheme == 'tg' else 'ton'} URL")
    allowed = r"[A-Za-z0-9_.-]+" if scheme == "tonsite" else r"[A-Za-z0-9_-]+"
    if not re.fullmatch(allowed, host):
        raise LinkError("Unallowed characters in URL host")
    return f"{scheme}://{host}{path[1:] if path.startswith('/?') else path}"


def link_entity(link: str) -> tuple[str, Json | None]:
    """Return the kind and fields of the entity for a link; None where only its text stays."""
    if user_id := user_of(link):
        return "text_mention", {"user": {"id": user_id}}
    try:
        return "text_link", {"url": check_link(link)}
    except LinkError:
        return "text_link", None


def _split(link: str) -> tuple[str, str, str, int, str]:
    """Return protocol, user information, host, port (0 for none) and path."""
    protocol = "http"
    if scheme := _SCHEME.match(link):
        protocol = lower(scheme[1])
        if protocol not in ("http", "https"):
            raise LinkError("Unsupported URL protocol")
        link = link[scheme.end() :]
    authority = _AUTHORITY.match(link)
    assert authority is not None  # noqa: S101 - the pattern matches every text
    name, port = _without_port(authority.group())
    user_info, _, host = name.rpartition("@")
    host = lower(host)
    is_address = host.startswith("[") and host.endswith("]")
    if is_address:
        _check_address(host[1:-1])
    elif host in ("", "."):
        raise LinkError("Host is invalid" if host else "URL host is empty")
    path = link[authority.end() :].rstrip(_WHITE) or "/"
    path = path if path.startswith("/") else f"/{path}"
    path = _CONTROL.sub(lambda found: f"%{ord(found.group()):02X}", path)
    if not is_address:
        _check_part(host, "host", _PART)
        _check_part(user_info, "userinfo", _USER_INFO)
    return protocol, user_info, host, port, path


def _without_port(authority: str) -> tuple[str, int]:
    found = _PORT.fullmatch(authority)
    if not found:
        return authority, 0
    digits = found[2].lstrip("0") or found[2][-1:]
    port = integer(digits, 32)
    if not port or not 0 < port <= 65535:
        raise LinkError("Wrong port number specified in the URL")
    return found[1], port


def _check_address(address: str) -> None:
    try:
        socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):
        raise LinkError("Wrong IPv6 address specified in the URL") from None
    if re.search(r"[^:.0-9a-f]", address):
        raise LinkError("Wrong IPv6 URL host")


def _check_part(part: str, name: str, pattern: re.Pattern[str]) -> None:
    found = pattern.match(part)
    if found and found.end() < len(part):
        if part[found.end()] == "%":
            raise LinkError(f"Wrong percent-encoded symbol in URL {name}")
        raise LinkError(f"Disallowed character in URL {name}")
