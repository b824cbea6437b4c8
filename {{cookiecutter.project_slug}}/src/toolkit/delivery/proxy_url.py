"""The address of a proxy to reach Telegram through."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit


def check_proxy_url(url: str) -> str:
    """Return the URL of a proxy. Raises ValueError, without the password in it."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "socks4", "socks5") and parts.hostname and parts.port
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            "not the address of a proxy. Write one like http://user:password@host:3128 or "
            "socks5://host:1080; in a password / @ : # ? % are written %2F %40 %3A %23 %3F %25"
        )
    if find_spec("aiohttp_socks") is None:
        raise ValueError("a proxy needs one more package: pip install 'aiogram[proxy]'")
    return url
