"""What the fake leaves out of the Bot API, and why."""

from __future__ import annotations

_BY_REASON = {
    "it belongs to the account of a business, which the fake knows by its messages only": (
        "setBusinessAccountName setBusinessAccountUsername setBusinessAccountBio "
        "setBusinessAccountProfilePhoto removeBusinessAccountProfilePhoto "
        "setBusinessAccountGiftSettings getBusinessAccountStarBalance "
        "transferBusinessAccountStars getBusinessAccountGifts postStory repostStory editStory "
        "deleteStory getBusinessConnection readBusinessMessage"
    ),
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
    "direct messages of channels are not modelled": ("approveSuggestedPost declineSuggestedPost"),
    "bots that a bot manages are other bots, and the fake has one": (
        "getManagedBotToken replaceManagedBotToken getManagedBotAccessSettings "
        "setManagedBotAccessSettings"
    ),
    "blocks of rich messages are not modelled": "sendRichMessage sendRichMessageDraft",
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


def why_not_modelled(method: str) -> str:
    """Return the reason for a method, in brackets; empty where there is none."""
    reason = _REASONS.get(method.lower())
    return f" ({reason})" if reason else ""
