"""What users share on request: other users, chats, the right to write to them."""

from __future__ import annotations

from toolkit.harness.fake_telegram.people import NAMES
from toolkit.harness.fake_telegram.users.buttons import Button, NoSuchButton
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.types import Json


class Sharing(Messages):
    """Answers to the buttons of a reply keyboard that ask for more than a text."""

    def share_users(self, user_id: int, *shared: int, button: str | None = None) -> Json:
        """Choose users for a button that requests them: the newest one, or that with this label."""
        asked = self._asking(user_id, "request_users", button)
        most = asked["max_quantity"]
        if not 1 <= len(shared) <= most:
            raise NoSuchButton(f"the button requests up to {most} users, not {len(shared)}")
        users = [self._shared(asked, self.user(each)) for each in shared]
        named = {"request_id": asked["request_id"], "users": users, "user_ids": list(shared)}
        content: Json = {"users_shared": named}
        if len(shared) == 1:
            old = {"request_id": asked["request_id"], "user_id": shared[0]}
            content["user_shared"] = old
        return self.service_message(self.chat_for(user_id), self.user(user_id), content)

    def share_chat(self, user_id: int, chat_id: int, button: str | None = None) -> Json:
        """Choose a chat for a button that requests one."""
        asked = self._asking(user_id, "request_chat", button)
        known = self.chat(chat_id).data
        content: Json = {"request_id": asked["request_id"], "chat_id": chat_id}
        for name in ("title", "username"):
            if asked.get(f"request_{name}") and name in known:
                content[name] = known[name]
        user = self.user(user_id)
        return self.service_message(self.chat_for(user_id), user, {"chat_shared": content})

    def allow_writing(self, user_id: int, web_app_name: str | None = None) -> Json:
        """Let the bot write, when its web app asks for that (its name), or its menu entry does."""
        allowed: Json = {"from_attachment_menu": True}
        if web_app_name is not None:
            allowed = {"from_request": True, "web_app_name": web_app_name}
        content = {"write_access_allowed": allowed}
        return self.service_message(self.chat_for(user_id), self.user(user_id), content)

    def log_in(self, user_id: int, domain: str) -> Json:
        """Log in at a site with Telegram, and let the bot write."""
        content = {"connected_website": domain}
        return self.service_message(self.chat_for(user_id), self.user(user_id), content)

    def _asking(self, user_id: int, what: str, label: str | None) -> Json:
        """Return what the button asks for that a user presses."""
        found = [each for each in self.buttons(user_id) if what in each.data and _is(each, label)]
        if not found:
            named = f" labelled '{label}'" if label else ""
            raise NoSuchButton(f"the reply keyboard has no button{named} with {what}")
        asked: Json = found[0].data[what]
        return asked

    def _shared(self, asked: Json, user: Json) -> Json:
        wanted = {
            "first_name": asked.get("request_name"),
            "last_name": asked.get("request_name"),
            "username": asked.get("request_username"),
        }
        shown = {name: user[name] for name in NAMES if wanted[name] and name in user}
        return {"user_id": user["id"], **shown}


def _is(button: Button, label: str | None) -> bool:
    return label in (None, button.label)
