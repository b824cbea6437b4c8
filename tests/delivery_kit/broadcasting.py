"""The command that sends a text to the audience, for the counting bot.

python -m tests.delivery_kit.broadcasting API_URL STORAGE_URL FILE [OPTIONS]
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tests.delivery_kit.counting_bot import make_bot
from toolkit import SendLimits, add_broadcast_options, run_broadcast


def main(api_url: str, storage_url: str, *arguments: str) -> int:
    """Send, a hundred a second, and return the exit code."""

    def make_app(storage: Any) -> Any:
        app = make_bot(storage, api_url=api_url, audience=True)
        app.bot.limits = SendLimits(per_second=100)
        return app

    parser = argparse.ArgumentParser()
    add_broadcast_options(parser)
    return run_broadcast(parser.parse_args(arguments), storage_url, make_app)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
