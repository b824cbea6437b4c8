"""Giveaways of channels, https://core.telegram.org/bots/api#giveaway."""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import PersonError
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Giveaways(World):
    """Prizes that channels raffle off."""

    def start_giveaway(
        self,
        channel_id: int,
        winners: int = 1,
        hours: int = 24,
        stars: int = 0,
        *,
        public: bool = True,
    ) -> Json:
        """Post a giveaway of Stars, or of three months of Premium; return the channel's post."""
        self.channel(channel_id)
        channel = self.chats[channel_id]
        prize = {"prize_star_count": stars} if stars else {}
        self.service_message(channel, self.bot_user, {"giveaway_created": prize})
        giveaway: Json = {"chats": [channel.data], "winner_count": winners}
        giveaway["winners_selection_date"] = self.now() + hours * 3600
        giveaway |= prize or {"premium_subscription_month_count": 3}
        giveaway |= {"has_public_winners": True} if public else {}
        message = self.new_message(channel, self.bot_user, {"giveaway": giveaway})
        return self.emit_message(channel, message)

    def end_giveaway(self, channel_id: int, message_id: int, *winner_ids: int) -> Json:
        """Name the winners of a giveaway: in a post where they are public, else by their number."""
        channel = self.chats[channel_id]
        message = channel.messages.get(message_id, {})
        giveaway = message.get("giveaway")
        if giveaway is None:
            raise PersonError(f"message {message_id} in chat {channel_id} is not a giveaway")
        unclaimed = giveaway["winner_count"] - len(winner_ids)
        count: Json = {"winner_count": len(winner_ids)}
        count |= {"unclaimed_prize_count": unclaimed} if unclaimed else {}
        if not giveaway.get("has_public_winners"):
            stars = {"is_star_giveaway": True} if "prize_star_count" in giveaway else {}
            done = {**count, "giveaway_message": message, **stars}
            return self.service_message(channel, self.bot_user, {"giveaway_completed": done})
        names = ("winners_selection_date", "prize_star_count", "premium_subscription_month_count")
        kept = {name: giveaway[name] for name in names if name in giveaway}
        place = {"chat": channel.data, "giveaway_message_id": message_id}
        winners = {**place, **kept, **count, "winners": [self.user(each) for each in winner_ids]}
        shown = self.new_message(channel, self.bot_user, {"giveaway_winners": winners})
        return self.emit_message(channel, shown)
