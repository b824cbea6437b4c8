"""Which links Telegram takes, what it makes of them, and why it refuses the others."""

from __future__ import annotations

import re

from toolkit.harness.types import Json

_URL = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<rest>.*)", re.DOTALL)
_AUTHORITY_END = re.compile(r"[/?#]")
_USER = re.compile(r"tg:(?://)?user/?\?(?:.*&)?id=(\d{1,19})(?:&.*)?", re.IGNORECASE)
_EMOJI = re.compile(r"tg:(?://)?emoji/?\?(?:.*&)?id=(\d{1,19})(?:&.*)?", re.IGNORECASE)
_TIME = re.compile(r"tg:(?://)?time/?\?(?:.*&)?unix=(\d{1,10})(?:&format=(\w*))?(?:&.*)?", re.I)
_INTERNAL = re.compile(r"(tg|ton):(?://)?(.*)", re.IGNORECASE | re.DOTALL)


class LinkError(ValueError):
    """The link is refused; the message is the server's reason."""


def user_of(link: str) -> int | None:
    """Return the user id of a `tg://user?id=…` link."""
    found = _USER.fullmatch(link)
    return int(found[1]) if found and int(found[1]) else None


def custom_emoji_of(link: str) -> str | None:
    """Return the identifier in a `tg://emoji?id=…` link."""
    found = _EMOJI.fullmatch(link)
    return found[1] if found and int(found[1]) else None


def time_of(link: str) -> tuple[int, str] | None:
    """Return the time and its format in a `tg://time?unix=…&format=…` link."""
    found = _TIME.fullmatch(link)
    return (int(found[1]), found[2] or "") if found else None


def check_link(link: str, *, https_only: bool = False) -> str:
    """Return the link as the server keeps it; raise LinkError with its reason."""
    internal = _INTERNAL.fullmatch(link)
    if https_only and not link.lower().startswith("https://"):
        raise LinkError("Only HTTPS links are allowed")
    if internal:
        scheme, rest = internal[1].lower(), internal[2]
        host, path = _split(rest)
        if not host:
            raise LinkError("URL host is empty")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", host):
            raise LinkError("Unallowed characters in URL host")
        return f"{scheme}://{host.lower()}{path}"
    found = _URL.fullmatch(link)
    assert found is not None  # noqa: S101 - the pattern matches every text
    protocol = (found["scheme"] or "http").lower()
    if protocol not in ("http", "https", "tonsite"):
        raise LinkError("Unsupported URL protocol")
    authority, path = _split(found["rest"])
    userinfo, _, host = authority.rpartition("@")
    _check_host(host)
    user = f"{userinfo}@" if userinfo else ""
    return f"{protocol}://{user}{host.lower()}{path if path.startswith('/') else '/' + path}"


def link_entity(link: str) -> tuple[str, Json | None]:
    """Return the kind and fields of the entity for a link; None where only its text stays."""
    if user_id := user_of(link):
        return "text_mention", {"user": {"id": user_id}}
    try:
        return "text_link", {"url": check_link(link)}
    except LinkError:
        return "text_link", None


def _split(rest: str) -> tuple[str, str]:
    end = _AUTHORITY_END.search(rest)
    return (rest[: end.start()], rest[end.start() :]) if end else (rest, "")


def _check_host(host: str) -> None:
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if colon and not (port.isdecimal() and 0 < int(port) <= 65535):
        raise LinkError("Wrong port number specified in the URL")
    name = name if colon else host
    if not name:
        raise LinkError("URL host is empty")
    if "." not in name and not name.startswith("["):
        raise LinkError("Wrong HTTP URL")
    if any(char in ' "\\<>^`{|}' or ord(char) < 32 for char in name):
        raise LinkError("Unallowed characters in URL host")
