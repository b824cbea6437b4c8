"""Run the bot, or talk to it right here.

Nothing is imported before it is needed: aiogram alone takes seconds, and the answer that a setting
is missing should not.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bot.errors import SettingsError
from toolkit import (
    add_broadcast_options,
    add_dead_verbs,
    add_session_verbs,
    redact,
    run_broadcast,
    run_dead_verb,
    run_session_verb,
)

if TYPE_CHECKING:
    from bot.settings import Settings
    from toolkit import BotApp, SessionStorage

HOW_TO_START = """\
There is no bot token yet.
1. Ask @BotFather on Telegram for one: send it /newbot.
2. Put BOT_TOKEN=<the token> into the file .env or into the environment,
   or the path of a file that holds it into BOT_TOKEN_FILE.
Without a token you can talk to the bot in this terminal: make chat
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments`. Exit with 2, and say why, when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Run the bot, or talk to it."
    )
    parser.set_defaults(do=run, take_over=False)
    commands = parser.add_subparsers(metavar="COMMAND")
    command = commands.add_parser("run", help="run it against Telegram, as without a command")
    command.set_defaults(do=run)
    command.add_argument(
        "--take-over", action="store_true", help="poll even if a webhook is set: remove it"
    )
    command = commands.add_parser("chat", help="talk to it in this terminal, without a token")
    command.set_defaults(do=chat)
    command.add_argument("--storage", metavar="URL", help="where to keep the conversation")
    command.add_argument("--echo", action="store_true", help="print what is piped in as well")
    command.add_argument("--reset", action="store_true", help="first forget earlier conversations")
    command = commands.add_parser("web", help="talk to it in a browser, without a token")
    command.set_defaults(do=web)
    command.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    command.add_argument("--port", type=int, default=8010, help="default: %(default)s; 0: any")
    command.add_argument("--browse", action="store_true", help="open the page in a browser")
    command = commands.add_parser("sessions", help="look at, move or delete what it remembers")
    command.set_defaults(do=sessions)
    add_session_verbs(command)
    command = commands.add_parser("dead", help="look at updates that failed, retry or drop them")
    command.set_defaults(do=dead)
    add_dead_verbs(command)
    command = commands.add_parser("broadcast", help="send a text to all who have written to it")
    command.set_defaults(do=broadcast)
    add_broadcast_options(command)
    options = parser.parse_args(arguments)
    try:
        options.do(parser, options)
    except SettingsError as error:
        parser.exit(2, redact(f"{error}\n"))


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Serve Telegram until the process is told to stop."""
    from toolkit import CannotServe, open_storage

    settings = read_settings()
    if settings.bot_token is None:
        parser.exit(2, HOW_TO_START)
    if options.take_over and settings.webhook_url:
        parser.exit(
            2, "--take-over is for polling, and WEBHOOK_URL is set: leave one of them out.\n"
        )
    try:
        storage = open_storage(settings.storage_url)
    except (ValueError, ModuleNotFoundError) as error:
        parser.exit(2, redact(f"STORAGE_URL: {error}\n"))

    from bot.app import make_bot
    from toolkit import loop_factory, serve_metrics, set_up_logging

    set_up_logging(settings.log_level, settings.log_format)
    app = make_bot(settings, storage=storage)
    try:
        loop = loop_factory(settings.event_loop)
        if settings.metrics_port:
            serve_metrics(app, settings.metrics_port, settings.metrics_host)
        if settings.webhook_url:
            url, port = settings.webhook_url, settings.webhook_port
            app.run_webhook(url=url, port=port, loop_factory=loop)
        else:
            app.run_polling(take_over=options.take_over, loop_factory=loop)
    except CannotServe as error:
        parser.exit(2, f"{error}\n")


def chat(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Answer the lines that are typed or piped in, until they end."""
    require_harness(parser, "chat")
    from bot.app import make_bot
    from toolkit import open_storage
    from toolkit.harness import chat_url, converse

    try:
        storage = open_storage(options.storage or chat_url())
    except (ValueError, ModuleNotFoundError) as error:
        parser.exit(2, redact(f"--storage: {error}\n"))
    converse(make_bot, storage, reset=options.reset, echo=options.echo)


def web(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Serve a page to talk to the bot on, until Ctrl-C."""
    require_harness(parser, "web")
    from toolkit.harness import serve

    serve("bot.app:make_bot", host=options.host, port=options.port, browse=options.browse)


def sessions(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """List, show, delete, export or import the records of the bot's store, or of another."""
    settings = read_settings()
    url = options.storage or settings.storage_url
    parser.exit(run_session_verb(options, url, settings.bot_id))


def dead(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """List, show, retry or drop the updates that could not be handled."""
    settings = read_settings()
    if options.verb == "retry" and settings.bot_token is None:
        parser.exit(2, HOW_TO_START)
    make_app = partial(make_app_of, settings)
    parser.exit(run_dead_verb(options, settings.storage_url, make_app, settings.bot_id))


def broadcast(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Send the text of a file to the audience, or go on with that."""
    settings = read_settings()
    if settings.bot_token is None:
        parser.exit(2, HOW_TO_START)
    parser.exit(run_broadcast(options, settings.storage_url, partial(make_app_of, settings)))


def make_app_of(settings: Settings, storage: SessionStorage) -> BotApp[Any]:
    """Make the bot on a store; a later import, as aiogram takes a while."""
    from bot.app import make_bot

    return make_bot(settings, storage=storage)


def read_settings() -> Settings:
    """Read the settings; a later import, as pydantic takes a while."""
    from bot.settings import load_settings

    return load_settings()


def require_harness(parser: argparse.ArgumentParser, command: str) -> None:
    """Exit and say what to do where the harness is not: it is left out of the installed package."""
    if find_spec("toolkit.harness") is None:
        parser.exit(
            2,
            f"`{command}` needs toolkit.harness, which is not part of the installed package: "
            "run it in a checkout of the project.\n",
        )


if __name__ == "__main__":
    main()
