"""`python -m toolkit.harness.fake_telegram --port 8081`: a Bot API server for any client."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress

from toolkit.harness.fake_telegram.server import serve
from toolkit.harness.fake_telegram.telegram import FakeTelegram


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m toolkit.harness.fake_telegram",
        description="A Bot API server that refuses what Telegram refuses. Point TELEGRAM_API_URL "
        "of a bot at it, and act as its users through /control.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8081, help="port to listen on; 0: a free one")
    parser.add_argument("--token", help="the only token accepted; default: the first that calls")
    parser.add_argument(
        "--keep", type=int, default=10_000, help="calls, and messages per chat, that are kept"
    )
    options = parser.parse_args(arguments)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    telegram = FakeTelegram(
        token=options.token or "42:fake", keep_calls=options.keep, history=options.keep
    )
    any_token = options.token is None
    async with serve(telegram, options.host, options.port, any_token=any_token) as address:
        sys.stdout.write(f"Fake Telegram listens on {address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
