"""Starts the counting bot again and again, each time as a new process.

Importing aiogram takes seconds. So it is imported once here, and every bot is forked from this
process: a process of its own all the same, which a signal kills like any other.

    python -m tests.delivery_kit.nursery API_URL STORAGE_URL [WEBHOOK_PORT | broadcast]

Each line that is read starts a bot; its process id is printed, and its exit status when it ends.
`LEASE_FOR` in the environment: how many seconds a store keeps what a killed bot has checked out.
`PER_SECOND`: how many messages a second a broadcast may send.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback

from tests.delivery_kit.counting_bot import NEWS, make_bot
from toolkit import SendLimits, open_storage
from toolkit.quick_aiogram import warm_up


def serve(api_url: str, storage_url: str, port: str | None = None) -> None:
    """Run one bot until a signal comes."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    app = make_bot(open_storage(storage_url), api_url=api_url, audience=port == "broadcast")
    if "LEASE_FOR" in os.environ:
        checkouts = app.sessions.checkouts
        checkouts.lease_for = float(os.environ["LEASE_FOR"])
        checkouts._renewals.seconds = checkouts.lease_for / 3
    if port == "broadcast":
        app.bot.limits = SendLimits(per_second=float(os.environ["PER_SECOND"]))
        asyncio.run(app.broadcast(NEWS, name="news"))
    elif port is None:
        app.run_polling()
    else:
        url = f"http://127.0.0.1:{port}/webhook"
        app.run_webhook(url=url, host="127.0.0.1", port=int(port))


def main(arguments: list[str]) -> None:
    """Fork a bot for each line, and wait for its end."""
    warm_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            code = 1
            try:
                serve(*arguments)
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(code)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
