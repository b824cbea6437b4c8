"""The address of a webhook: which can work, and how it is written."""

from __future__ import annotations

import re

from yarl import URL

TAKEN = ("/healthz", "/readyz")


def check_webhook_url(text: str) -> str:
    """Return the address as it is set at Telegram: what is odd in its path is percent-encoded.

    Raise ValueError, in one sentence, when it cannot work. Two addresses are the same when this
    returns the same for both: Telegram writes the host in small letters, and `/` for no path.
    """
    if re.search(r"[\x00-\x20\x7f-\xa0]", text):
        raise ValueError("a webhook URL holds neither spaces nor control characters")
    try:
        url = URL(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no webhook URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"a webhook URL looks like https://bot.example.com/webhook, not {text!r}")
    if url.raw_fragment:
        raise ValueError("a webhook URL has no part after #: it is not sent to a server")
    if url.path in TAKEN:
        raise ValueError(f"{url.path} is taken: it tells whether the bot is well")
    return str(url if url.raw_path_qs != "/" else url.with_path("/"))


def webhook_path(url: str) -> str:
    """Return the path that requests to `url` have, decoded."""
    return URL(url).path


def shown(url: str) -> str:
    """Return the server of `url` alone, for logs: user name, path and query may be secret."""
    try:
        return str(URL(url).origin())
    except ValueError:
        return "an address that cannot be read"
