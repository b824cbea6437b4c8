"""What the fake leaves out of the Bot API, and why: methods, and kinds of content."""

from __future__ import annotations

_BY_REASON = {
    "there is no other server for the bot to move to": "logOut",
}
NOT_MODELLED = {name: reason for reason, names in _BY_REASON.items() for name in names.split()}
"""Why the fake does not know a method."""
_REASONS = {name.lower(): reason for name, reason in NOT_MODELLED.items()}

_CONTENTS_BY_REASON = {
    "a bot is not there yet when it happens": "supergroup_chat_created channel_chat_created",
    "documents of Telegram Passport are not kept": "passport_data",
}
NOT_MODELLED_CONTENTS = {
    kind: reason for reason, kinds in _CONTENTS_BY_REASON.items() for kind in kinds.split()
}
"""Why no message in the fake has a kind of content."""


def why_not_modelled(method: str) -> str:
    """Return the reason for a method, in brackets; empty where there is none."""
    reason = _REASONS.get(method.lower())
    return f" ({reason})" if reason else ""
