"""What users show of themselves; Telegram sends bots no updates about it."""

from __future__ import annotations

from toolkit.harness.fake_telegram.media_kinds import describe
from toolkit.harness.fake_telegram.world import World


class Profiles(World):
    """The profiles of users."""

    def set_profile_photo(self, user_id: int, content: bytes = b"") -> None:
        """Put a new photo on the profile of a user."""
        self.user(user_id)
        photo = describe(self.files.add("photo", content, "photo.jpg"), "photo", {})["photo"]
        self.profile.setdefault(("photos", str(user_id)), []).insert(0, photo)

    def add_profile_audio(
        self, user_id: int, title: str, performer: str = "", content: bytes = b""
    ) -> None:
        """Put music on the profile of a user, before what is there."""
        self.user(user_id)
        about = {"title": title, "performer": performer}
        audio = describe(self.files.add("audio", content, f"{title}.mp3"), "audio", about)["audio"]
        self.profile.setdefault(("audios", str(user_id)), []).insert(0, audio)
        self.private_chat(user_id).details["first_profile_audio"] = audio

    def show_personal_chat(self, user_id: int, chat_id: int) -> None:
        """Show a channel on the profile of a user."""
        self.private_chat(user_id).details["personal_chat"] = self.channel(chat_id)

    def allow_emoji_status(self, user_id: int, *, allowed: bool = True) -> None:
        """Let the bot set the emoji status of a user, as one may in its Mini App."""
        self.user(user_id)
        self.profile["emoji_status", str(user_id)] = allowed
