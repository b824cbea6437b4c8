"""Gifts that customers give to a business."""

from __future__ import annotations

from toolkit.harness.fake_telegram.gift_catalogue import (
    CATALOGUE,
    TRANSFER_STARS,
    gift_info,
    owned_json,
    unique_json,
)
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

_INFO = (
    "owned_gift_id gift convert_star_count prepaid_upgrade_star_count is_upgrade_separate "
    "can_be_upgraded"
)


class Gifts(World):
    """What customers give; the bot of the business gets it as a business message."""

    def give_gift(
        self, user_id: int, connection_id: str, gift_id: str, *, unique: bool = False
    ) -> Json:
        """Give a business one of the gifts for sale, or a `unique` one; return the update."""
        gift = CATALOGUE.get(gift_id)
        if gift is None or (unique and not gift.upgrade_stars):
            raise PersonError(f"there is no such gift; there are {', '.join(CATALOGUE)}")
        owner, chat = self._owner(connection_id), self.private_chat(user_id)
        number = self.next_message_id(chat)
        if unique:
            info = {"gift": unique_json(self, gift), "transfer_star_count": TRANSFER_STARS}
            kind, head, more = "unique_gift", {"origin": "transfer"}, {"can_be_transferred": True}
        else:
            info, kind, head, more = gift_info(self, gift), "gift", {}, {}
        owned_id = str(number)
        owner.gifts.append(owned_json(self, {**info, **more}, owned_id, user_id))
        content = {kind: {**head, "owned_gift_id": owned_id, **info}}
        return self._told(chat, user_id, connection_id, content, number)

    def pay_gift_upgrade(self, user_id: int, connection_id: str, owned_gift_id: str) -> Json:
        """Pay for the upgrade of a gift that a business has; return the update."""
        owner, chat = self._owner(connection_id), self.private_chat(user_id)
        for place, one in enumerate(owner.gifts):
            if one["owned_gift_id"] == owned_gift_id and one.get("can_be_upgraded"):
                stars = one["gift"]["upgrade_star_count"]
                paid = {"prepaid_upgrade_star_count": stars, "is_upgrade_separate": True}
                owner.gifts[place] = one = {**one, **paid}
                info = {name: one[name] for name in _INFO.split() if name in one}
                return self._told(chat, user_id, connection_id, {"gift_upgrade_sent": info})
        raise PersonError(f"gift {owned_gift_id} is none that can be upgraded")

    def _owner(self, connection_id: str) -> Chat:
        connection = self.business_connections.get(connection_id)
        if connection is None:
            raise PersonError(f"there is no business connection {connection_id}")
        return self.private_chat(connection["user"]["id"])

    def _told(
        self,
        chat: Chat,
        user_id: int,
        connection_id: str,
        content: Json,
        message_id: int | None = None,
    ) -> Json:
        place = {"business_connection_id": connection_id}
        message = self.new_message(chat, self.user(user_id), content, message_id, **place)
        return self.emit("business_message", message)
