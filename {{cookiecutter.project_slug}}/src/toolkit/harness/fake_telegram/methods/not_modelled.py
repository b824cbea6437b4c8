"""What the fake leaves out of the Bot API, and why: methods, and kinds of content."""

from __future__ import annotations

NOT_MODELLED = {"logOut": "there is no other server for the bot to move to"}
"""Why the fake does not know a method."""
_REASONS = {name.lower(): reason for name, reason in NOT_MODELLED.items()}

_EARLIER = "a bot is not there yet when it happens"
NOT_MODELLED_CONTENTS = {
    "supergroup_chat_created": _EARLIER,
    "channel_chat_created": _EARLIER,
    "passport_data": "documents of Telegram Passport are not kept",
}
"""Why no message in the fake has a kind of content."""


def why_not_modelled(method: str) -> str:
    """Return the reason for a method, in brackets; empty where there is none."""
    reason = _REASONS.get(method.lower())
    return f" ({reason})" if reason else ""
