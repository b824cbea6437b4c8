"""Photos, documents and the like: sent by upload, by file_id or by address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.files import MAX_DOWNLOAD, file_json
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sending import (
    deliver,
    place_fields,
    reply_parameters,
    show,
)
from toolkit.harness.fake_telegram.model import Chat, StoredFile
from toolkit.harness.fake_telegram.policy import caption, check_may_send, writable_chat
from toolkit.harness.fake_telegram.request import Request, checked_object
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
    "audio": Kind("can_send_audios", "audios", _LENGTH),
    "document": Kind("can_send_documents", "documents", {}),
    "voice": Kind("can_send_voice_notes", "voice notes", _LENGTH),
    "video_note": Kind("can_send_video_notes", "video notes", _ROUND, captioned=False),
    "sticker": Kind(_OTHER, "stickers", _SQUARE, captioned=False),
    "live_photo": Kind("can_send_photos", "live photos", _FRAME | _LENGTH),
}
IN_ALBUM = frozenset(("photo", "video", "audio", "document", "live_photo"))
IN_MEDIA = IN_ALBUM | {"animation"}


@method("sendPhoto", name="photo")
@method("sendVideo", name="video")
@method("sendAnimation", name="animation")
@method("sendAudio", name="audio")
@method("sendDocument", name="document")
@method("sendVoice", name="voice")
@method("sendVideoNote", name="video_note")
@method("sendSticker", name="sticker")
@method("sendLivePhoto", name="live_photo")
def send_media(request: Request, name: str) -> Json:
    kind = KINDS[name]
    content = media_content(request, name, request.payload)
    if kind.captioned:
        content |= caption(request.payload)
    return deliver(request, content, kind.permission, kind.plural)


def media_content(request: Request, name: str, source: Json, field: str | None = None) -> Json:
    """Return the message fields that show one medium; `source` describes it."""
    file = find_file(request, name, source.get(field or name))
    if file is None:
        spoken = name.replace("_", " ")
        raise bad_request("media not found" if field else f"there is no {spoken} in the request")
    content = describe(file, name, source)
    if source.get("has_spoiler"):
        content["has_media_spoiler"] = True
    return content


def find_file(request: Request, name: str, value: Any) -> StoredFile | None:
    """Return the file a parameter names: a part of the request, an address, or a file_id."""
    files = request.world.files
    if value is None and name in request.files:
        value = f"attach://{name}"
    if not isinstance(value, str) or not value:
        return None
    if value.startswith("attach://"):
        upload = request.files.get(value.removeprefix("attach://"))
        return files.upload(name, upload.content, upload.filename) if upload else None
    if value.startswith(("http://", "https://")):
        return files.add(name, None, value.rpartition("/")[2], url=value)
    file = files.get(value)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if (file.kind == "photo") != (name == "photo"):
        kinds = (file.kind.title().replace("_", ""), name.title().replace("_", ""))
        raise bad_request(f"can't use file of type {kinds[0]} as {kinds[1]}")
    return file


def describe(file: StoredFile, name: str, source: Json) -> Json:
    """Return the object that describes a file, under its field of the message."""
    numbers = {
        key: int(source.get(key) or file.fields.get(key) or value)
        for key, value in KINDS[name].numbers.items()
    }
    data = file_json(file) | numbers
    if name == "photo":
        small = {**data, "file_id": file.file_id, "width": 90, "height": 51}
        return {"photo": [small, data]}
    named = ("file_name", "mime_type", "title", "performer", "emoji")
    data |= {key: file.fields[key] for key in named if key in file.fields}
    data |= {key: str(source[key]) for key in ("title", "performer") if source.get(key)}
    if name == "sticker":
        flags = {"type": "regular", "is_animated": False, "is_video": False}
        emoji = {"emoji": str(source["emoji"])} if source.get("emoji") else {}
        return {"sticker": data | flags | emoji}
    return {"animation": data, "document": data} if name == "animation" else {name: data}


def input_media(request: Request, value: Any, allowed: frozenset[str]) -> Json:
    """Return the message fields for one InputMedia, with its caption."""
    what = "InputMedia"
    item = checked_object(value, what, "type")
    name, media = item["type"], item.get("media")
    if name not in IN_MEDIA:
        raise cannot_parse(what, f'type "{name}" is unsupported')
    if name not in allowed:
        raise cannot_parse(what, f'type "{name}" can\'t be used in sendMediaGroup')
    part = media.removeprefix("attach://") if isinstance(media, str) else ""
    if not part or (part != media and part not in request.files):
        raise cannot_parse(what, "media not found")
    return media_content(request, name, item, "media") | caption(item)


@method("sendMediaGroup")
def send_media_group(request: Request) -> list[Json]:
    reply_to = reply_parameters(request)
    items = request.array("media", "expected an Array of InputMedia")
    contents = [input_media(request, item, IN_ALBUM) for item in items]
    chat = writable_chat(request)
    fields = place_fields(request, chat, reply_to)
    if not 1 <= len(contents) <= 10:
        raise bad_request("wrong number of messages in the album: it takes 1-10")
    kinds = [next(kind for kind in IN_ALBUM if kind in content) for content in contents]
    for alone in ("audio", "document"):
        if alone in kinds and set(kinds) != {alone}:
            raise bad_request(f"{alone} can't be mixed with other media types")
    for kind in kinds:
        check_may_send(request, chat, KINDS[kind].permission, KINDS[kind].plural)
    group = {"media_group_id": str(request.world.number("media_group"))}
    return [show(request, chat, content | group, None, dict(fields)) for content in contents]


@method("sendPaidMedia")
def send_paid_media(request: Request) -> Json:
    stars = request.integer("star_count")
    if not 1 <= stars <= 25000:
        raise bad_request("invalid amount of Telegram Stars specified")
    items = request.array("media", "expected an Array of InputPaidMedia")
    if not 1 <= len(items) <= 10:
        raise bad_request("too many or no media specified")
    allowed = frozenset(("photo", "video", "live_photo"))
    media: list[Json] = []
    for item in items:
        content = input_media(request, item, allowed)
        name = item["type"]
        media.append({"type": name, name: content[name]})
    paid = {"paid_media": {"star_count": stars, "paid_media": media}}
    return deliver(request, paid | caption(request.payload), "can_send_photos", "paid media")


@method("getFile")
def get_file(request: Request) -> Json:
    file_id = request.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    file = request.world.files.get(file_id)
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if (file.size or 0) > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {**file_json(file), "file_path": file.path}


@method("getUserProfilePhotos")
def get_user_profile_photos(request: Request) -> Json:
    user_id = request.user_id()
    if user_id not in request.world.users:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}


def chat_photo(request: Request, chat: Chat) -> list[Json]:
    """Return a new photo of a chat, which has to be uploaded."""
    value = request.payload.get("photo", "attach://photo")
    if not str(value).startswith("attach://"):
        raise bad_request("photo must be uploaded as an InputFile")
    file = find_file(request, "photo", value)
    if file is None:
        raise bad_request("there is no photo in the request")
    photo: list[Json] = describe(file, "photo", {})["photo"]
    chat.details["photo"] = {
        f"{size}_{field}": data[field]
        for size, data in zip(("small", "big"), photo, strict=True)
        for field in ("file_id", "file_unique_id")
    }
    return photo
