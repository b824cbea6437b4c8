"""What the fake leaves out of the Bot API, and why."""

from __future__ import annotations

_BY_REASON = {
    "it belongs to the account of a business, which the fake knows by its messages only": (
        "setBusinessAccountName setBusinessAccountUsername setBusinessAccountBio "
        "setBusinessAccountProfilePhoto removeBusinessAccountProfilePhoto "
        "setBusinessAccountGiftSettings getBusinessAccountStarBalance "
        "transferBusinessAccountStars postStory repostStory editStory "
        "deleteStory getBusinessConnection readBusinessMessage"
    ),
    "direct messages of channels are not modelled": ("approveSuggestedPost declineSuggestedPost"),
    "bots that a bot manages are other bots, and the fake has one": (
        "getManagedBotToken replaceManagedBotToken getManagedBotAccessSettings "
        "setManagedBotAccessSettings"
    ),
    "blocks of rich messages are not modelled": "sendRichMessage sendRichMessageDraft",
    "there is no other server for the bot to move to": "logOut",
}
NOT_MODELLED = {name: reason for reason, names in _BY_REASON.items() for name in names.split()}
"""Why the fake does not know a method."""
_REASONS = {name.lower(): reason for name, reason in NOT_MODELLED.items()}


def why_not_modelled(method: str) -> str:
    """Return the reason for a method, in brackets; empty where there is none."""
    reason = _REASONS.get(method.lower())
    return f" ({reason})" if reason else ""
