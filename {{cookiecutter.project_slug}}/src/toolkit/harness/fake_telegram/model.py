"""What the fake server keeps. Messages, users and chats are Bot API objects in plain JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from toolkit.harness.types import Json


class PersonError(LookupError):
    """A user cannot do that in this state of the chat; the message says why."""


@dataclass
class User:
    """A user, as `data` (a Bot API User), and whether the bot may write to them."""

    data: Json
    started: bool = False
    blocked: bool = False
    deactivated: bool = False
    business_stars: int = 0  # of the account, where it is one of a business
    stories: dict[int, Json] = field(default_factory=dict)  # what each shows, by its id

    @property
    def id(self) -> int:
        """The user id, which is also the id of the private chat."""
        return int(self.data["id"])


@dataclass
class ManagedBot:
    """A bot that the bot manages, and who may use it beside its owner (None: everybody)."""

    owner: int
    token: str
    added: list[int] | None = None


@dataclass
class Chat:
    """A chat, as `data` (a Bot API Chat), and all that is in it.

    A message is never changed in place: an edit puts a new version under the same id.
    """

    data: Json
    messages: dict[int, Json] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)  # ids of messages
    members: dict[int, Json] = field(default_factory=dict)  # ChatMember by user id
    reply_keyboard: Json | None = None
    pinned: list[int] = field(default_factory=list)
    topics: dict[int, Json] = field(default_factory=dict)  # by message_thread_id
    action: str | None = None  # the last chat action, until the bot sends something
    drafts: dict[int, Json] = field(default_factory=dict)  # by draft_id
    uneditable: set[int] = field(default_factory=set)  # sent with a keyboard that is not inline
    outgoing: set[int] = field(default_factory=set)  # ids of posts of the bot in a channel
    own_topics: set[int] = field(default_factory=set)  # ids of topics that the bot opened
    ephemeral: dict[tuple[int, int], Json] = field(default_factory=dict)  # by receiver and id
    links: dict[str, Json] = field(default_factory=dict)  # ChatInviteLink by address
    requests: dict[int, Json] = field(default_factory=dict)  # ChatJoinRequest by user id
    details: Json = field(default_factory=dict)  # what only getChat shows
    reactions: dict[tuple[int, int], list[Json]] = field(default_factory=dict)
    scores: dict[int, dict[int, int]] = field(default_factory=dict)  # by game, then by user
    boosts: dict[str, Json] = field(default_factory=dict)  # ChatBoost by boost_id
    gifts: list[Json] = field(default_factory=list)  # OwnedGift, oldest first
    last_message_id: int = 0
    migrated_to: int | None = None

    @property
    def id(self) -> int:
        """The chat id."""
        return int(self.data["id"])

    @property
    def kind(self) -> str:
        """private, group, supergroup or channel."""
        return str(self.data["type"])

    @property
    def has_own_sequence(self) -> bool:
        """Whether messages are numbered per chat: in supergroups and channels only."""
        return self.kind in ("supergroup", "channel")

    @property
    def is_private(self) -> bool:
        """Whether this is a dialogue between one user and the bot."""
        return self.kind == "private"

    def status_of(self, user_id: int) -> str | None:
        """Return the status of a member, or None for a user who never was one."""
        status: str | None = self.members.get(user_id, {}).get("status")
        return status

    def topic(self, thread_id: int, name: str = "") -> Json:
        """Return a topic of the forum, created on first mention."""
        topic = {"message_thread_id": thread_id, "name": name or f"Topic {thread_id}"}
        return self.topics.setdefault(thread_id, topic)


@dataclass
class StickerSet:
    """A set of stickers that the bot has made: `stickers` are the ids of their files."""

    name: str
    title: str
    kind: str  # regular, mask, custom_emoji
    repainted: bool = False
    stickers: list[str] = field(default_factory=list)
    thumbnail: Json | None = None


@dataclass
class Query:
    """A query that waits for the bot's answer; `content` is the update's own object."""

    kind: str  # callback_query, inline_query, shipping_query, pre_checkout_query
    id: str
    user_id: int
    content: Json
    at: float
    chat_id: int | None = None
    message_id: int | None = None
    answer: Json | None = None

    @property
    def data(self) -> str:
        """The callback data of a tap."""
        return str(self.content.get("data", ""))

    @property
    def answered(self) -> bool:
        """Whether the bot has answered."""
        return self.answer is not None


CallbackQuery = Query


@dataclass(frozen=True)
class StoredFile:
    """A file on the server; `content` None when only its address is known."""

    file_id: str
    kind: str
    path: str
    content: bytes | None
    fields: Json

    @property
    def size(self) -> int | None:
        """The size in bytes."""
        return None if self.content is None else len(self.content)


@dataclass(frozen=True)
class Event:
    """A change: `kind` is what changed, and `data` is its new state.

    call, update, message, deleted (a message id), callback (a Query), action, draft, ephemeral,
    reaction, chat, commands; of a webhook: delivered and webhook_error.
    """

    kind: str
    chat_id: int | None
    data: Any
