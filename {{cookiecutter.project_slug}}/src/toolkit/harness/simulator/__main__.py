"""`python -m toolkit.harness.simulator --bot quiz:dp`: talk to any aiogram bot, without a token."""

from __future__ import annotations

import argparse
import os

from toolkit.harness.simulator.terminal import converse
from toolkit.harness.specs.running_bot import load_factory
from toolkit.storage.memory import MemorySessionStorage


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, and let people talk to the bot."""
    parser = argparse.ArgumentParser(
        prog="python -m toolkit.harness.simulator",
        description="Talk to a bot in the browser, or in this terminal. It remembers nothing "
        "afterwards.",
    )
    parser.add_argument(
        "--bot",
        default=os.environ.get("HARNESS_BOT") or "bot.app:make_bot",
        metavar="MODULE:NAME",
        help="as for the gate (HARNESS_BOT; %(default)s)",
    )
    parser.add_argument("--chat", action="store_true", help="in this terminal, or through a pipe")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8010, help="port to listen on; 0: a free one")
    parser.add_argument("--browse", action="store_true", help="open the page in a browser")
    options = parser.parse_args(arguments)
    if options.chat:
        converse(load_factory(options.bot), MemorySessionStorage())
        return
    from toolkit.harness.simulator.web import serve

    serve(options.bot, host=options.host, port=options.port, browse=options.browse)


if __name__ == "__main__":
    main()
