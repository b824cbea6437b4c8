"""The gate: run every spec, measure coverage, print one line that a machine can trust.

    python -m toolkit.harness --bot bot.app:make_bot --specs 'tests/specs/*.json'

prints `GATE:<nonce>:{"ok", "total", "passed", "failed", "coverage", "results"}` and exits 0
whenever there is a verdict, good or bad; with `--report` it prints in words what is wrong, and
exits 1 if something is. Everything the bot prints goes to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the flags; where one is missing, its environment variable."""
    given = os.environ.get
    parser = argparse.ArgumentParser(
        prog="python -m toolkit.harness",
        description="Run the specs against the bot and print one GATE line.",
    )
    parser.add_argument(
        "--bot",
        default=given("HARNESS_BOT") or "bot.app:make_bot",
        metavar="MODULE:NAME",
        help="a function that makes the bot, called once per spec; for a bot that create_bot does "
        "not make also a Dispatcher, or the main that polls (HARNESS_BOT; %(default)s)",
    )
    parser.add_argument(
        "--specs",
        nargs="+",
        default=[given("HARNESS_SPECS") or "tests/specs/*.json"],
        metavar="PATTERN",
        help="spec files (HARNESS_SPECS; tests/specs/*.json)",
    )
    parser.add_argument(
        "--commands",
        default=given("HARNESS_COMMANDS"),
        metavar="FILE",
        help="JSON array of commands that need a spec, beside the bot's own (HARNESS_COMMANDS)",
    )
    parser.add_argument(
        "--nonce",
        default=given("HARNESS_NONCE", ""),
        help="stands in the GATE line, so that the bot cannot forge one (HARNESS_NONCE)",
    )
    parser.add_argument("--junit", metavar="FILE", help="write JUnit XML as well")
    parser.add_argument(
        "--hard",
        action="store_true",
        help="ask as well whether the specs would notice mistakes, and play them under other "
        "circumstances",
    )
    parser.add_argument(
        "--store", metavar="URL", help="an empty store that --hard plays them on as well"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--json", action="store_true", help="print one JSON object, with --hard, instead of a line"
    )
    output.add_argument(
        "--report",
        action="store_true",
        help="print the failures in words, with --hard, instead of a line; exit with 1 if there "
        "are some",
    )
    parser.add_argument("--explain", metavar="CODE", help="say what the code of a failure means")
    options = parser.parse_args(arguments)
    options.hard |= options.json or options.report
    if options.explain:
        from toolkit.harness.specs.codes import CODES

        if options.explain not in CODES:
            parser.error(f"there is no code {options.explain}; there are {', '.join(CODES)}")
        print(CODES[options.explain])  # noqa: T201
        parser.exit()
    return options


def main() -> NoReturn:
    """Print the verdict, and end the process whatever the bot left running."""
    options = read_arguments(sys.argv[1:])
    stdout = _keep_from_the_bot()
    from toolkit.harness.specs.codes import in_words
    from toolkit.harness.specs.gate import judge, refusal

    try:
        verdict = judge(
            options.bot,
            options.specs,
            options.commands,
            options.junit,
            hard=options.hard,
            store=options.store,
            tell=not options.report,
        )
    except BaseException as error:  # noqa: BLE001 - importing a bot may raise anything
        traceback.print_exc()
        verdict = refusal(f"{type(error).__name__}: {error}", hard=options.hard)
    with os.fdopen(stdout, "w", encoding="utf-8") as real:
        prefix = "" if options.json else f"GATE:{options.nonce}:"
        real.write(in_words(verdict) if options.report else f"{prefix}{json.dumps(verdict)}\n")
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    # A thread, a timer or a socket that the bot left open would keep an ordinary exit waiting.
    os._exit(1 if options.report and not verdict["ok"] else 0)


def _keep_from_the_bot() -> int:
    """Send fd 1 to stderr, forget the nonce, return the real stdout, which no child inherits."""
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    os.environ.pop("HARNESS_NONCE", None)
    del sys.argv[1:], sys.orig_argv[1:]
    return stdout


if __name__ == "__main__":
    main()
