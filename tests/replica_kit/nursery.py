"""Runs replicas of a bot, forked from one process that has imported everything once.

    python -m tests.replica_kit.nursery API_URL STORAGE_URL WEBHOOK_URL

A line `start PORT` starts a replica and is answered with its process id; `wait PID` is answered
with its exit status when it has ended.
"""

from __future__ import annotations

import logging
import os
import sys

from tests.replica_kit.booking_bot import make_bot
from toolkit import open_storage
from toolkit.quick_aiogram import warm_up


def serve(api_url: str, storage_url: str, webhook_url: str, port: int) -> None:
    """Run one replica until a signal comes."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    app = make_bot(open_storage(storage_url), api_url=api_url)
    app.run_webhook(url=webhook_url, host="127.0.0.1", port=port, max_connections=100)


def main(api_url: str, storage_url: str, webhook_url: str) -> None:
    """Do what each line says."""
    warm_up()
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        verb, number = line.split()
        if verb == "wait":
            _, status = os.waitpid(int(number), 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if not answer:
                code = 1
                try:
                    serve(api_url, storage_url, webhook_url, int(number))
                    code = 0
                finally:
                    os._exit(code)
        print(answer, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
