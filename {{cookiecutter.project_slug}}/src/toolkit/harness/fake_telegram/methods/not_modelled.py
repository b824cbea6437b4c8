"""What the fake leaves out of the Bot API, and why: methods, kinds of updates and of content."""

from __future__ import annotations

_BY_REASON = {
    "nobody gives gifts to the account of a business": "getBusinessAccountGifts",
    "gifts and who owns them are not kept": (
        "getAvailableGifts sendGift giftPremiumSubscription getUserGifts getChatGifts "
        "convertGiftToStars upgradeGift transferGift"
    ),
    "sticker sets are not kept; a sticker is a file of its own": (
        "getStickerSet getCustomEmojiStickers uploadStickerFile createNewStickerSet "
        "addStickerToSet setStickerPositionInSet deleteStickerFromSet replaceStickerInSet "
        "setStickerEmojiList setStickerKeywords setStickerMaskPosition setStickerSetTitle "
        "setStickerSetThumbnail setCustomEmojiStickerSetThumbnail deleteStickerSet"
    ),
    "the bot's Stars are not counted, only payments are": (
        "getMyStarBalance getStarTransactions editUserStarSubscription"
    ),
    "nothing that a bot sees depends on it": (
        "verifyUser verifyChat removeUserVerification removeChatVerification "
        "setUserEmojiStatus setMyProfilePhoto removeMyProfilePhoto getUserProfileAudios "
        "getUserChatBoosts getUserPersonalChatMessages setPassportDataErrors"
    ),
    "there is no other server for the bot to move to": "logOut",
    "scores of games are not kept": "setGameScore getGameHighScores",
    "nobody opens a Mini App in the fake": ("savePreparedKeyboardButton sendChatJoinRequestWebApp"),
}
NOT_MODELLED = {name: reason for reason, names in _BY_REASON.items() for name in names.split()}
"""Why the fake does not know a method."""
_REASONS = {name.lower(): reason for name, reason in NOT_MODELLED.items()}

_UPDATES_BY_REASON = {
    "boosts of chats are not kept": "chat_boost removed_chat_boost",
    "nobody pays for media in the fake": "purchased_paid_media",
    "subscriptions to a bot are not kept": "subscription",
}
NOT_MODELLED_UPDATES = {
    kind: reason for reason, kinds in _UPDATES_BY_REASON.items() for kind in kinds.split()
}
"""Why nobody in the fake causes a kind of update."""
_CONTENTS_BY_REASON = {
    "a bot is not there yet when it happens": "supergroup_chat_created channel_chat_created",
    "gifts and who owns them are not kept": "gift unique_gift gift_upgrade_sent",
    "boosts of chats are not kept": "boost_added",
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
