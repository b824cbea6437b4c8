"""Run the booking bot, or talk to it right here.

Nothing is imported before it is needed: aiogram alone takes seconds, and the answer that a setting
is missing should not.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit import add_session_verbs, run_session_verb

if TYPE_CHECKING:
    from bot.settings import Settings

HOW_TO_START = """\
There is no bot token yet.
1. Ask @BotFather on Telegram for one: send it /newbot.
2. Put BOT_TOKEN=<the token> into the file .env or into the environment,
   or the path of a file that holds it into BOT_TOKEN_FILE.
Without a token you can talk to the bot in this terminal: make chat
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what `arguments` say. Exits with 2, and says why, when something has to be set first."""
    parser = argparse.ArgumentParser(prog="python -m bot", description="The booking bot.")
    commands = parser.add_subparsers(metavar="COMMAND")
    running = commands.add_parser("run", help="run it against Telegram; so does no command at all")
    running.set_defaults(do=run)
    chatting = commands.add_parser("chat", help="talk to it in this terminal, without a token")
    chatting.add_argument("--storage", metavar="URL", help="where to keep the conversation")
    chatting.set_defaults(do=chat)
    browsing = commands.add_parser("web", help="talk to it in a browser, without a token")
    browsing.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    browsing.add_argument("--port", type=int, default=8010, help="default: %(default)s; 0: any")
    browsing.set_defaults(do=web)
    looking = commands.add_parser("sessions", help="look at, move or delete what it remembers")
    add_session_verbs(looking)
    looking.set_defaults(do=sessions)
    parser.set_defaults(do=run)
    given = parser.parse_args(arguments)
    given.do(parser, given)


def run(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Serve Telegram until the process is told to stop."""
    import logging

    from toolkit.storage import open_storage

    settings = read_settings(parser)
    if settings.bot_token is None:
        parser.exit(2, HOW_TO_START)
    try:
        storage = open_storage(settings.storage_url)
    except ValueError as error:
        parser.exit(2, f"STORAGE_URL: {error}\n")

    from aiogram.exceptions import TelegramUnauthorizedError

    from bot.app import make_bot

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    app = make_bot(settings, storage=storage)
    try:
        if settings.webhook_url:
            app.run_webhook(url=settings.webhook_url, port=settings.webhook_port)
        else:
            app.run_polling()
    except TelegramUnauthorizedError:
        parser.exit(
            2, "Telegram does not know this token; @BotFather shows the right one: /token\n"
        )


def chat(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Answer the lines that are typed or piped in, until they end."""
    from bot.app import make_bot
    from toolkit.harness.simulator.terminal import chat_url, converse
    from toolkit.storage import open_storage

    try:
        storage = open_storage(given.storage or chat_url())
    except ValueError as error:
        parser.exit(2, f"--storage: {error}\n")
    converse(make_bot, storage)


def web(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Serve a page to talk to the bot on, until Ctrl-C."""
    from toolkit.harness.simulator.web import serve

    serve("bot.app:make_bot", host=given.host, port=given.port)


def sessions(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """List, show, delete, export or import the records of the bot's store, or of another."""
    parser.exit(run_session_verb(given, given.storage or read_settings(parser).storage_url))


def read_settings(parser: argparse.ArgumentParser) -> Settings:
    """The settings from the environment; where one is wrong, the end."""
    from bot.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
