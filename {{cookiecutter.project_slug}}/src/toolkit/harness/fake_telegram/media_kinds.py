"""The kinds of media: how they are named, found, described and refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.harness.fake_telegram.fields import as_int, as_text
from toolkit.harness.fake_telegram.files import file_json
from toolkit.harness.fake_telegram.model import StoredFile
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json


@dataclass(frozen=True)
class Kind:
    """A kind of media: its permission, its name in refusals, and the numbers that describe it."""

    permission: str
    plural: str
    numbers: Json
    captioned: bool = True


_FRAME = {"width": 1280, "height": 720}
_CLIP = {"width": 320, "height": 240, "duration": 0}
_ROUND = {"length": 240, "duration": 0}
_SQUARE = {"width": 512, "height": 512}
_LENGTH = {"duration": 0}
_OTHER = "can_send_other_messages"
KINDS = {
    "photo": Kind("can_send_photos", "photos", _FRAME),
    "video": Kind("can_send_videos", "videos", _FRAME | _LENGTH),
    "animation": Kind(_OTHER, "animations", _CLIP),
    "audio": Kind("can_send_audios", "music", _LENGTH),
    "document": Kind("can_send_documents", "documents", {}),
    "voice": Kind("can_send_voice_notes", "voice notes", _LENGTH),
    "video_note": Kind("can_send_video_notes", "video notes", _ROUND, captioned=False),
    "sticker": Kind(_OTHER, "stickers", _SQUARE, captioned=False),
    "live_photo": Kind("can_send_photos", "photos", _FRAME | _LENGTH),
}
_TAGS = ("title", "performer")
_NAMED: dict[str, tuple[str, ...]] = {
    "audio": ("file_name", "mime_type", *_TAGS),
    **dict.fromkeys(("voice", "live_photo"), ("mime_type",)),
    "video_note": (),
    "sticker": ("emoji",),
}
"""What is shown of a file beside its numbers; of other kinds its name and its MIME type."""
_PICTURES = ("photo", "video", "animation", "live_photo", "paid_media")
_OF_PICTURES = ("has_media_spoiler", "show_caption_above_media")
IN_ALBUM = frozenset(("photo", "video", "audio", "document", "live_photo"))
IN_MEDIA = IN_ALBUM | {"animation"}
OF_STICKERS = (
    "type",
    "is_animated",
    "is_video",
    "set_name",
    "mask_position",
    "custom_emoji_id",
    "needs_repainting",
)
"""What the file of a sticker says of it."""


def fitting(name: str, content: Json) -> Json:
    """Return content of a message without what only pictures have: a cover, a caption above."""
    if name in _PICTURES:
        return content
    return {key: value for key, value in content.items() if key not in _OF_PICTURES}


def is_named(request: Request, name: str, value: Any) -> bool:
    """Tell whether a parameter names a file: a part of the request that came, or one elsewhere."""
    text = as_text(value)
    if text.startswith("attach://"):
        return text.removeprefix("attach://") in request.files
    return bool(text) or name in request.files


def find_file(request: Request, name: str, value: Any) -> StoredFile:
    """Return the file a parameter names; `is_named` has said that there is one."""
    files, text = request.world.files, as_text(value)
    if not text:
        text = f"attach://{name}"
    if text.startswith("attach://"):
        upload = request.files[text.removeprefix("attach://")]
        return files.upload(name, upload.content, upload.filename)
    return files.by_name(name, text)


def describe(file: StoredFile, name: str, source: Json) -> Json:
    """Return the object that describes a file, under its field of the message."""
    numbers = {
        key: as_int(source.get(key) or file.fields.get(key) or value)
        for key, value in KINDS[name].numbers.items()
    }
    data = file_json(file) | numbers
    if name == "photo":
        small = {**data, "file_id": file.file_id, "width": 90, "height": 51}
        return {"photo": [small, data]}
    named = _NAMED.get(name, ("file_name", "mime_type"))
    data |= {key: file.fields[key] for key in named if key in file.fields}
    data |= {key: as_text(source[key]) for key in _TAGS if key in named and source.get(key)}
    if name == "sticker":
        flags = {"type": "regular", "is_animated": False, "is_video": False}
        flags |= {name: file.fields[name] for name in OF_STICKERS if name in file.fields}
        emoji = {"emoji": as_text(source["emoji"])} if source.get("emoji") else {}
        return {"sticker": data | flags | emoji}
    if name == "animation":
        return {"animation": data, "document": {k: v for k, v in data.items() if k not in _CLIP}}
    return {name: data}
