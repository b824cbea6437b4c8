"""Runs the gate in a project again and again, each time as a new process.

Importing aiogram takes a second. So it is imported once here, and every gate is forked from this
process.

    python -m tests.gate_nursery

Each line that is read is a JSON array of the project's folder, a file for what is printed, and
the gate's options; the exit status is printed when it has ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from tests.delivery_kit import SOURCE
from toolkit.harness.__main__ import main as gate
from toolkit.harness.specs import hard  # noqa: F401 - what the gate imports when it runs
from toolkit.quick_aiogram import warm_up


def run(folder: str, output: str, *options: str) -> None:
    """Run the gate; it ends the process."""
    os.chdir(folder)
    path = [f"{folder}/src", str(SOURCE)]
    sys.path[:0] = path
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    sys.argv = ["gate", *options]
    with Path(output).open("wb") as file:
        os.dup2(file.fileno(), 1)
    gate()


def main() -> None:
    """Fork a gate for each line, and wait for its end."""
    warm_up()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                run(*json.loads(line))
            except BaseException:  # noqa: BLE001 - the process ends here in any case
                traceback.print_exc()
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
