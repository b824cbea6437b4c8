"""The commands of the terminal, and what each says about itself."""

from __future__ import annotations

COMMANDS = {
    "/tap LABEL": "tap a button",
    "/as NAME": "switch to another user",
    "/session": "show your session, and the talk that is open",
    "/back QUESTION": "go back to a question of that talk",
    "/wait 2h": "let time pass at once; without a duration, until the next timer",
    "/fault NAME": "switch flood, network, slow or blocked on or off",
    "/save NAME": "save this conversation as a spec",
}
TYPED = {
    "/tap 2": "tap the button with this number or label: vote and pay as well",
    "/send KIND": "send a photo, a location, a contact and more",
    **{command: text for command, text in COMMANDS.items() if command != "/tap LABEL"},
    "/why": "show all about the last error",
}
"""Those of people at a keyboard; a pipe has `COMMANDS`."""

WELCOME = "Write to the bot; Ctrl-D ends. Commands:\n" + "".join(
    f"  {command:14} {text}\n" for command, text in COMMANDS.items()
)
BARE = frozenset(("/session", "/wait", "/why"))
"""Commands that are complete without anything behind them."""

FAULTS = {
    "flood": "Telegram answers every call with 429, Too Many Requests",
    "network": "no call reaches Telegram",
    "slow": "every call to the store takes two seconds",
    "blocked": "you have blocked the bot",
}
SENDS = {
    "photo": "FILE",
    "document": "FILE",
    "voice": "FILE",
    "location": "52.52 13.405",
    "contact": "+10000000000",
    "reply": "TEXT, to the bot's last message",
    "edit": "TEXT, in place of your last message",
    "reaction": "👍, on the bot's last message",
    "query": "TEXT, as after @ and the bot's name",
    "choose": "RESULT of that query",
    "webAppData": "DATA, from the web app of a button",
}
"""The kinds of `/send`, which are those of a spec, and what goes behind each."""
