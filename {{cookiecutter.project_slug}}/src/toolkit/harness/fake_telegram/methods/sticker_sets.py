"""Sets of stickers as a whole, https://core.telegram.org/bots/api#createnewstickerset."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int, parsing
from toolkit.harness.fake_telegram.files import file_json
from toolkit.harness.fake_telegram.media_kinds import describe, is_named
from toolkit.harness.fake_telegram.methods.input_stickers import (
    FORMATS,
    InputSticker,
    add_sticker,
    check_content,
    find_sticker_file,
    read_format,
    read_sticker,
)
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import StickerSet
from toolkit.harness.fake_telegram.names import without_empty
from toolkit.harness.fake_telegram.policy import check_user
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

MAX_TITLE = MAX_NAME = 64
MAX_AT_ONCE = 50
MAX_STICKERS, MAX_CUSTOM_EMOJI = 120, 200
KINDS = ("regular", "mask", "custom_emoji")
NO_FILE = "there is no sticker file in the request"


@method("getStickerSet")
def get_sticker_set(request: Request) -> Json:
    found = find_set(request.world, _key(request.text("name")))
    shown: Json = {"name": found.name, "title": found.title}
    if found.thumbnail is not None:
        shown["thumbnail"] = found.thumbnail
    shown |= {"sticker_type": found.kind, "contains_masks": found.kind == "mask"}
    return {**shown, "stickers": [sticker_json(request.world, one) for one in found.stickers]}


def sticker_json(world: World, file_id: str) -> Json:
    """Return the Sticker of a file."""
    file = world.files.get(file_id)
    shown: Json = describe(file, "sticker", {})["sticker"] if file else {}
    return shown


def _key(name: str) -> str:
    """Return a name as sets are found by it."""
    return name.replace(".", "").lower().strip()


def find_set(world: World, key: str) -> StickerSet:
    """Return a set; refuse one that there is not."""
    if key not in world.sticker_sets:
        raise bad_request("STICKERSET_INVALID")
    return world.sticker_sets[key]


def named_set(request: Request) -> StickerSet:
    """Return the set whose name is in a request."""
    return find_set(request.world, _checked_key(request))


def _checked_key(request: Request) -> str:
    key = _key(without_empty(request.text("name"), MAX_NAME))
    if not key:
        raise bad_request("sticker set name must be non-empty")
    return key


def _title(request: Request) -> str:
    title = without_empty(request.text("title"), MAX_TITLE)
    if not title:
        raise bad_request("sticker set title must be non-empty")
    return title


@method("createNewStickerSet")
def create_new_sticker_set(request: Request) -> bool:
    user_id = request.user_id()
    given = _read_stickers(request)
    kind = request.text("sticker_type") or KINDS[0]
    if kind not in KINDS:
        raise bad_request("unsupported sticker type specified")
    check_user(request, user_id)
    title, name = _title(request), without_empty(request.text("name"), MAX_NAME)
    if not name:
        raise bad_request("sticker set name must be non-empty")
    if not given:
        raise bad_request("at least 1 sticker must be specified")
    repainted = request.flag("needs_repainting")
    if repainted and kind != "custom_emoji":
        raise bad_request("only custom emoji stickers support repainting")
    files = [find_sticker_file(request, one.source, one.format, kind) for one in given]
    _check_name(request.world, name)
    for one, file in zip(given, files, strict=True):
        check_content(file, one.format, kind)
    made = StickerSet(name, title, kind, repainted)
    for one, file in zip(given, files, strict=True):
        made.stickers.append(add_sticker(request, file, one, one.format, made))
    request.world.sticker_sets[_key(name)] = made
    return True


def _read_stickers(request: Request) -> list[InputSticker]:
    if "stickers" not in request.payload:
        raise bad_request(NO_FILE)
    values: list[Any] = request.array("stickers", "expected an Array of InputSticker")
    if len(values) > MAX_AT_ONCE:
        raise bad_request("too many stickers specified")
    with parsing("InputSticker"):
        return [read_sticker(request, each, request.text("sticker_format")) for each in values]


def _check_name(world: World, name: str) -> None:
    """Refuse a name that the last server does not take: it has to end with that of the bot."""
    ending = f"_by_{world.me['username']}".lower()
    spelt = re.fullmatch(r"[A-Za-z](?!.*__)[A-Za-z0-9_]*", name)
    if not spelt or not name.lower().endswith(ending) or len(name) <= len(ending):
        raise bad_request("invalid sticker set name is specified")
    if _key(name) in world.sticker_sets:
        raise bad_request("sticker set name is already occupied")


@method("setStickerSetTitle")
def set_sticker_set_title(request: Request) -> bool:
    key, title = _checked_key(request), _title(request)
    find_set(request.world, key).title = title
    return True


@method("deleteStickerSet")
def delete_sticker_set(request: Request) -> bool:
    key = _checked_key(request)
    find_set(request.world, key)
    del request.world.sticker_sets[key]
    return True


@method("setStickerSetThumbnail")
def set_sticker_set_thumbnail(request: Request) -> bool:
    """Set the thumbnail of a set, or without one let its first sticker stand for it."""
    user_id = request.user_id()
    with parsing():
        form = read_format(request.text("format") or "auto")
    check_user(request, user_id)
    found = named_set(request)
    if found.kind == "custom_emoji":
        raise bad_request("the method can't be used to set thumbnail of custom emoji sticker sets")
    form = form or format_of(request.world, found)
    source = request.text("thumbnail")
    if not is_named(request, "thumbnail", source):
        found.thumbnail = None
        return True
    source = source or "attach://thumbnail"
    file = find_sticker_file(request, source, form, found.kind, thumbnail=True)
    found.thumbnail = {**file_json(file), "width": 100, "height": 100}
    return True


@method("setCustomEmojiStickerSetThumbnail")
def set_custom_emoji_sticker_set_thumbnail(request: Request) -> bool:
    """Check it: which emoji stands for a set is not shown to bots."""
    custom_emoji_id = as_int(request.payload.get("custom_emoji_id"))
    found = named_set(request)
    if found.kind != "custom_emoji":
        raise bad_request(
            "the method can be used to set thumbnail only for custom emoji sticker sets"
        )
    stickers = (sticker_json(request.world, each) for each in found.stickers)
    if custom_emoji_id and not any(
        each["custom_emoji_id"] == str(custom_emoji_id) for each in stickers
    ):
        raise bad_request("STICKER_INVALID")
    return True


def format_of(world: World, found: StickerSet) -> str:
    """Return the format that all stickers of a set have; empty where they differ."""
    shown = [sticker_json(world, each) for each in found.stickers]
    formats = {FORMATS[one["is_animated"] + 2 * one["is_video"]] for one in shown}
    return formats.pop() if len(formats) == 1 else ""
