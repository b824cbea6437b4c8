"""Links and e-mail addresses in a text, as the server finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from toolkit.harness.fake_telegram.entities.base import lower

_SEPARATORS = "\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# White space and most punctuation from U+2000 on end a link.
_GAPS = " \xa0\u1680\u2000-\u200b\u200e\u200f\u2016-\u206f\u3000"
_LETTERS = "\xc0-\u167f\u1681-\u1fff\u200c\u200d\u2010-\u2015\u2070-\u2fff\u3001-\U0010ffff"
_DOMAIN_CHAR = re.compile(rf"[A-Za-z0-9._~{_LETTERS}-]")
_DOMAIN = re.compile(rf"[A-Za-z0-9._~@{_LETTERS}-]*")
_LOGIN_CHAR = re.compile(rf"[^\n/\[\]{{}}()'`<>\"@\xab\xbb{_GAPS}]")
_PROTOCOL_CHAR = re.compile(rf"[A-Za-z0-9+-]|[^\0-\x7f{_SEPARATORS}]")
_PORT = re.compile(r":0*([1-9][0-9]{0,4})(?![0-9])")
_PATH = re.compile(rf"[/?#][^\n<>\"\xab\xbb{_GAPS}]*")
_BAD_END = ".:;,('?!`"
_WORD = re.compile(r"[\w/#@]")
_TG = re.compile(r"(?:(?<=tg)|(?<=ton)|(?<=tonsite))://[a-z0-9_-]{1,253}", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(
    r"(?P<mailto>(?-i:mailto:))?(?:[a-z0-9_-]{0,26}[.+]){0,10}[a-z0-9_-]{1,35}"
    r"@(?:(?:[a-z0-9][a-z0-9_-]{0,28})?[a-z0-9]\.){1,6}[a-z]{2,8}",
    re.ASCII | re.IGNORECASE,
)
_WEB = re.compile(r"(?:https?|ftp|tonsite)://", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"[^/?#]*")
_NUMBER = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{3}}")
_BRACKETS = dict(zip(")]}", "([{", strict=True))


def find_tg_urls(text: str) -> Iterator[tuple[int, int]]:
    """Yield where links to something in Telegram or TON begin and end."""
    place = 0
    while len(text[place : place + 6].encode()) > 5 and (found := _TG.search(text, place)):
        begin, place = found.span()
        place = _path_end(text, place)
        # Of "tonsite://" the server takes the last three letters.
        yield begin - (2 if lower(text[begin - 1]) == "g" else 3), place


def find_urls(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where links and e-mail addresses begin and end, and which they are."""
    for begin, end in _candidates(text):
        url = text[begin:end]
        if "@" in url and (address := _EMAIL.fullmatch(url)):
            yield begin + (7 if address["mailto"] else 0), end, "email"
        elif size := _link_size(url):
            yield begin, begin + size, "url"


def _candidates(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans around dots that look like a link or an address."""
    begin = 0
    while 0 <= (dot := text.find(".", begin)) < len(text) - 1:
        if text[dot + 1] == " ":
            begin = dot + 2
            continue
        domain = _DOMAIN.match(text, dot)
        assert domain is not None  # noqa: S101 - the pattern matches every text
        start, end = _back(text, dot, begin, _DOMAIN_CHAR), domain.end()
        has_login = "@" in domain.group()
        if has_login:
            start = _back(text, start, begin, _LOGIN_CHAR)
        if (port := _PORT.match(text, end)) and int(port[1]) <= 65535:
            end = port.end()
        end = _path_end(text, end)
        while end > dot + 1 and text[end - 1] == ".":
            end -= 1
        first = _first(text, start, begin, has_login)
        if first is None:
            end = text.rindex(".", dot, end) + 1
        else:
            if end > dot + 1:
                yield first, end
            while text[end : end + 1] == ".":
                end += 1
        begin = end


def _back(text: str, place: int, begin: int, allowed: re.Pattern[str]) -> int:
    while place > begin and allowed.match(text, place - 1):
        place -= 1
    return place


def _path_end(text: str, end: int) -> int:
    """Return where the path after a domain ends, without the punctuation of the sentence."""
    path = _PATH.match(text, end)
    if not path:
        return end
    shown = path.group()[0] + path.group()[1:].rstrip(_BAD_END)
    return end + len(shown) if len(shown) > 1 or shown == "/" else end


def _first(text: str, start: int, begin: int, has_login: bool) -> int | None:
    """Return where the link begins whose domain begins at `start`, None for no link."""
    if start > begin and text[start - 1] == "@":
        login = _back(text, start - 1, begin, _LOGIN_CHAR)
        if has_login or login == start - 1:
            return None
        start = login
    if text.endswith("://", begin, start):
        protocol = lower(text[_back(text, start - 3, begin, _PROTOCOL_CHAR) : start - 3])
        return start - _protocol_size(protocol) if _protocol_size(protocol) else None
    return None if start > begin and _WORD.match(text, start - 1) else start


def _protocol_size(protocol: str) -> int:
    """Return the length of a known protocol with its slashes, 0 for an unknown one."""
    if protocol in ("shttp", "tftp", "sftp"):
        return 0
    known = ("http", "https", "ftp", "tonsite")
    return next((len(each) + 3 for each in known if protocol.endswith(each)), 0)


def _link_size(url: str) -> int:
    """Return how much of it is a link, 0 for nothing."""
    protocol = _WEB.match(url)
    host = _HOST.match(url, protocol.end() if protocol else 0)
    assert host is not None  # noqa: S101 - the pattern matches every text
    domain = host.group().partition("@")[2] if "@" in host.group() else host.group()
    if ":" in domain:
        domain = domain.rpartition(":")[0]
    if not _is_domain(domain, bool(protocol)):
        return 0
    size, balance = host.end(), dict.fromkeys("([{", 0)
    for char in url[host.end() :]:
        if char in balance:
            balance[char] += 1
        elif char in _BRACKETS:
            balance[_BRACKETS[char]] -= 1
            if balance[_BRACKETS[char]] < 0:
                break
        size += 1
    while size > host.end() and url[size - 1] in _BAD_END:
        size -= 1
    return size


def _is_domain(domain: str, has_protocol: bool) -> bool:
    if lower(domain) == "teiegram.org":
        return False
    parts = domain.split(".")
    for part in parts:
        if not part or part.endswith("-") or len(part.encode()) >= 64:
            return False
    if len(parts) == 1 or not domain.strip("0123456789."):
        return bool(_IPV4.fullmatch(domain))
    top = parts[-1]
    if top.startswith("xn--"):
        if len(top) <= 5 or not (top[4:].isascii() and top[4:].isalnum()):
            return False
    elif len(top) <= 1 or "_" in top or "-" in top or not (has_protocol or _is_common(top)):
        return False
    return "_" not in parts[-2]


def _is_common(top: str) -> bool:
    """Tell whether it is a top-level domain, unless only its first letter is a capital."""
    small = "".join(char.lower() if len(char.lower()) == 1 else char for char in top)
    if small != top and small[1:] == top[1:]:
        return False
    return small in _top_level_domains()


@cache
def _top_level_domains() -> frozenset[str]:
    file = Path(__file__).with_name("top_level_domains.txt")
    return frozenset(file.read_text(encoding="utf-8").split())
