"""Users as others see them: their names in a private chat, their stories, the bot itself."""

from __future__ import annotations

from toolkit.harness.types import Json

NAMES = ("first_name", "last_name", "username")


def names_of(user: Json) -> Json:
    """Return what a private chat shows of its user."""
    return {name: user[name] for name in NAMES if name in user}


def story_of(user: Json, story_id: int) -> Json:
    """Return the Story of a user."""
    return {"chat": {"id": user["id"], "type": "private", **names_of(user)}, "id": story_id}


def bot_json(bot_id: int) -> Json:
    """Return the bot, as getMe does."""
    groups = {"can_join_groups": True, "can_read_all_group_messages": True}
    other = {"supports_inline_queries": True, "can_connect_to_business": True}
    head = {"id": bot_id, "is_bot": True, "first_name": "Bot", "username": "fake_bot"}
    return {**head, **groups, **other, "has_main_web_app": False}
