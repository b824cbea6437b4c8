"""Photos, documents and the like: sent by upload, by file_id or by address."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import business_place, for_business
from toolkit.harness.fake_telegram.delivering import (
    check_options,
    check_topic_open,
    deliver,
    one_of_many,
    place_fields,
    reply_parameters,
    show,
)
from toolkit.harness.fake_telegram.direct_messages import suggested_post
from toolkit.harness.fake_telegram.errors import ApiError, bad_request
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.media_kinds import (
    IN_ALBUM,
    IN_MEDIA,
    KINDS,
    describe,
    find_file,
    fitting,
    is_named,
)
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import (
    Late,
    caption,
    check_may_post,
    check_may_send,
    check_reachable,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

ALONE = ("audio", "document")
"""The kinds that make albums of their own only."""
MAX_ROUND = 640
_NUMBERS = {
    "video": ("width", "height", "duration", "start_timestamp"),
    "animation": ("width", "height", "duration"),
    "audio": ("duration",),
}
_TEXTS = {"audio": ("title", "performer"), "video": ("cover",)}
_FLAGS = {"video": ("supports_streaming",), "document": ("disable_content_type_detection",)}


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
    kind, payload = KINDS[name], request.payload
    for needed in (name, *(("photo",) if name == "live_photo" else ())):
        if not is_named(request, needed, payload.get(needed)):
            raise bad_request(f"there is no {needed.replace('_', ' ')} in the request")
    text = caption(payload) if kind.captioned else dict
    spoiler = {"has_media_spoiler": True} if request.flag("has_spoiler") else {}

    def content() -> Json:
        file = find_file(request, name, payload.get(name))
        if name == "video_note" and request.integer("length", 0, 0) > MAX_ROUND:
            raise bad_request("wrong video note length")
        return describe(file, name, payload) | fitting(name, spoiler | text())

    return deliver(request, content, kind.permission, kind.plural)


def input_media(request: Request, value: Any, *, album: bool = False) -> tuple[str, Late]:
    """Return the kind of an InputMedia, and its message fields with its caption later."""
    with parsing("InputMedia"):
        item = fields.an_object(value)
        for name in ("caption", "parse_mode"):
            fields.text(item, name)
        text = caption(item)
        above = fields.flag(item, "show_caption_above_media")
        fields.flag(item, "has_spoiler")
        name = fields.required_text(item, "type")
        check_medium(request, item, name, album=album)
    shown = {"show_caption_above_media": True} if above else {}

    def content() -> Json:
        file = find_file(request, name, str(item["media"]))
        spoiler = {"has_media_spoiler": True} if item.get("has_spoiler") else {}
        return describe(file, name, item) | fitting(name, spoiler | text() | shown)

    return name, content


def check_medium(request: Request, item: Json, name: str, *, album: bool = False) -> None:
    """Check the fields of one medium; a Problem for what is wrong."""
    if not is_named(request, "", fields.text(item, "media")):
        raise Problem("media not found")
    fields.text(item, "thumbnail")
    if name not in IN_MEDIA:
        raise Problem(f'type "{name}" is unsupported')
    if name == "live_photo" and not is_named(request, "", fields.text(item, "photo")):
        raise Problem("photo not found")
    if album and name not in IN_ALBUM:
        raise Problem(f'type "{name}" can\'t be used in sendMediaGroup')
    for number in _NUMBERS.get(name, ()):
        fields.integer(item, number)
    for text in _TEXTS.get(name, ()):
        fields.text(item, text)
    fields.check_flags(item, _FLAGS.get(name, ()))


@method("sendMediaGroup")
def send_media_group(request: Request) -> list[Json]:
    reply_to = reply_parameters(request)
    suggested = suggested_post(request)
    items = request.array("media", "expected an Array of InputMedia")
    media = [input_media(request, item, album=True) for item in items]
    if for_business(request):
        return _album_for_business(request, media)
    chat = writable_chat(request)
    place = place_fields(request, chat, reply_to)
    if not media:
        raise bad_request("there are no messages to send")
    check_may_post(request, chat)
    check_options(request, chat, suggested, suggests=False)
    contents: list[Json] = []
    for name, content in media:
        contents.append(_album_content(content, len(contents) + 1))
        check_may_send(request, chat, KINDS[name].permission, KINDS[name].plural)
    _check_album([name for name, _ in media], contents)
    try:
        check_reachable(request, chat)
        check_topic_open(request, chat, place)
    except ApiError as error:
        raise one_of_many(1, error) from None
    group = _group(request, contents)
    return [show(request, chat, content | group, None, dict(place)) for content in contents]


def _group(request: Request, contents: list[Json]) -> Json:
    """Return the field of messages that are one album."""
    album = len(contents) > 1
    return {"media_group_id": str(request.world.number("media_group"))} if album else {}


def _album_for_business(request: Request, media: list[tuple[str, Late]]) -> list[Json]:
    chat, sender, sent = business_place(request)
    if not media:
        raise bad_request("there are no messages to send")
    contents = [_album_content(content, number) for number, (_, content) in enumerate(media, 1)]
    _check_album([name for name, _ in media], contents)
    group = _group(request, contents)
    world = request.world
    return [world.new_message(chat, sender, content | group, **sent) for content in contents]


def _album_content(content: Late, number: int) -> Json:
    try:
        return content()
    except ApiError as error:
        if re.fullmatch("Bad Request: [A-Z_]+", error.description):
            raise one_of_many(number, error) from None
        raise


def _check_album(kinds: list[str], contents: list[Json]) -> None:
    if len(contents) > 10:
        raise bad_request("too many messages to send as an album")
    if len({content.get("show_caption_above_media", False) for content in contents}) > 1:
        raise bad_request("parameter show_caption_above_media must be the same for all messages")
    mixed = {"photo" if kind == "live_photo" else kind for kind in kinds}
    for alone in ALONE:
        if alone in mixed and len(mixed) > 1:
            raise bad_request(f"{alone} can't be mixed with other media types")


@method("sendPaidMedia")
def send_paid_media(request: Request) -> Json:
    stars = request.integer("star_count", 0, 0, 1_000_000_000)
    items = request.array("media", "expected an Array of InputPaidMedia", "paid media JSON object")
    media = [_paid_medium(request, item) for item in items]
    text = caption(request.payload)

    def content() -> Json:
        if not 1 <= stars <= 1_000_000:
            raise bad_request("invalid media price specified")
        shown = [medium() for medium in media]
        if not 1 <= len(shown) <= 10:
            raise bad_request("invalid number of paid media specified")
        return {"paid_media": {"star_count": stars, "paid_media": shown}} | text()

    sent = deliver(request, content, "", "paid media")
    request.world.invoices[f"media:{sent['chat']['id']}:{sent['message_id']}"] = request.payload
    return sent


def _paid_medium(request: Request, value: Any) -> Late:
    with parsing("InputPaidMedia"):
        item = fields.an_object(value)
        if not is_named(request, "", fields.text(item, "media")):
            raise Problem("media not found")
        for number in ("width", "height"):
            fields.integer(item, number)
        name = fields.required_text(item, "type")
        if name not in ("photo", "video", "live_photo"):
            raise Problem(f'type "{name}" is unsupported')
        check_medium(request, item, name)

    def content() -> Json:
        file = find_file(request, name, str(item["media"]))
        return {"type": name, name: describe(file, name, item)[name]}

    return content
