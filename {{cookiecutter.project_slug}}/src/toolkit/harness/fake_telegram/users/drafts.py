"""Messages that the bot is still writing, and users who have read enough of one."""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import PersonError
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Drafts(World):
    """What users do with drafts."""

    def stop_generation(self, user_id: int, draft_id: int | None = None) -> Json:
        """Press the button that stops a draft: the newest one, or that with this id."""
        chat = self.private_chat(user_id)
        known = [each for each in reversed(chat.drafts) if chat.drafts[each].get("can_stop")]
        if draft_id is not None:
            known = [each for each in known if each == draft_id]
        if not known:
            raise PersonError(f"no draft in chat {user_id} has a button to stop it")
        draft = chat.drafts[known[0]]
        if not draft.get("keep_on_stop"):
            del chat.drafts[known[0]]
            self.notify("draft", chat.id, {"text": ""})
        place = {k: draft[k] for k in ("message_thread_id",) if k in draft}
        return self.emit(
            "stopped_message_generation", {"chat": chat.data, "draft_id": known[0], **place}
        )
