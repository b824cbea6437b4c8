r"""Talk to a bot in the terminal, without a token and without a network.

Every line is a message to the bot, except for a few commands: `/tap LABEL` taps a button,
`/as NAME` switches to another user; `COMMANDS` has them all. A pipe gets the bot's answers alone
on stdout, so a conversation can be scripted:

    printf '/book\n/tap Haircut\n' | python -m bot chat

On a terminal prompt_toolkit reads and rich draws, where they are installed.
"""

from __future__ import annotations

from toolkit.harness.simulator.terminal.commands import COMMANDS
from toolkit.harness.simulator.terminal.running import chat_url, converse, play

__all__ = ["COMMANDS", "chat_url", "converse", "play"]
