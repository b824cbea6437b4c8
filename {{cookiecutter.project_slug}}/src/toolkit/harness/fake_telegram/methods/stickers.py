"""Stickers one by one: in their sets, and files for them."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import parsing, whole_number
from toolkit.harness.fake_telegram.files import file_json
from toolkit.harness.fake_telegram.methods.input_stickers import (
    InputSticker,
    add_sticker,
    check_content,
    find_sticker_file,
    read_emoji,
    read_format,
    read_keywords,
    read_mask,
    read_sticker,
)
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sticker_sets import (
    MAX_CUSTOM_EMOJI,
    MAX_STICKERS,
    NO_FILE,
    format_of,
    named_set,
    sticker_json,
)
from toolkit.harness.fake_telegram.model import StickerSet, StoredFile
from toolkit.harness.fake_telegram.policy import check_user
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

MAX_ASKED = 200


@method("getCustomEmojiStickers")
def get_custom_emoji_stickers(request: Request) -> list[Json]:
    """Return those of the custom emoji that the bot has made; nobody else makes any."""
    wrong = "expected an Array of custom emoji identifiers"
    values = request.array("custom_emoji_ids", wrong, "custom emoji identifiers JSON object")
    for value in values:
        if not isinstance(value, str):
            raise bad_request("custom emoji identifier must be of type String")
        if whole_number(value, 63) is None:
            raise bad_request("invalid custom emoji identifier specified")
    if len(values) > MAX_ASKED:
        raise bad_request("too many custom emoji identifiers specified")
    made = {
        shown["custom_emoji_id"]: shown
        for each in request.world.sticker_sets.values()
        if each.kind == "custom_emoji"
        for shown in (sticker_json(request.world, one) for one in each.stickers)
    }
    return [made[name] for name in dict.fromkeys(values) if name in made]


@method("uploadStickerFile")
def upload_sticker_file(request: Request) -> Json:
    user_id = request.user_id()
    name = "sticker" if {"sticker"} & {*request.payload, *request.files} else "png_sticker"
    form = "static"
    if name == "sticker":
        with parsing():
            form = read_format(request.text("sticker_format"))
    check_user(request, user_id)
    if not form:
        raise bad_request("sticker format must be non-empty")
    given = request.text(name)
    part = given.removeprefix("attach://") if given.startswith("attach://") else name
    if part not in request.files:
        raise bad_request("inputFile is not specified")
    return file_json(find_sticker_file(request, f"attach://{part}", form, "regular"))


@method("addStickerToSet")
def add_sticker_to_set(request: Request) -> bool:
    user_id = request.user_id()
    given = _read_one(request)
    check_user(request, user_id)
    found = named_set(request)
    file, form = _made_for(request, given, found)
    most = MAX_CUSTOM_EMOJI if found.kind == "custom_emoji" else MAX_STICKERS
    if len(found.stickers) >= most:
        raise bad_request("STICKERS_TOO_MUCH")
    check_content(file, form, found.kind)
    found.stickers.append(add_sticker(request, file, given, form, found))
    return True


@method("replaceStickerInSet")
def replace_sticker_in_set(request: Request) -> bool:
    user_id = request.user_id()
    old = _file_id(request, "old_sticker")
    given = _read_one(request)
    check_user(request, user_id)
    found = named_set(request)
    file_id = _sticker_file(request, old)
    file, form = _made_for(request, given, found)
    if file_id not in found.stickers:
        raise bad_request("STICKER_INVALID")
    check_content(file, form, found.kind)
    place = found.stickers.index(file_id)
    found.stickers[place] = add_sticker(request, file, given, form, found)
    return True


def _read_one(request: Request) -> InputSticker:
    if not {"sticker"} & {*request.payload, *request.files}:
        raise bad_request(NO_FILE)
    if "sticker" not in request.payload:
        raise bad_request("can't parse sticker JSON object")
    value: Any = request.json("sticker", "sticker JSON object", kind=object)
    with parsing("sticker"):
        return read_sticker(request, value, "auto")


def _made_for(request: Request, given: InputSticker, found: StickerSet) -> tuple[StoredFile, str]:
    form = given.format or format_of(request.world, found)
    return find_sticker_file(request, given.source, form, found.kind), form


def _file_id(request: Request, name: str = "sticker") -> str:
    file_id = request.text(name).strip()
    if not file_id:
        raise bad_request("sticker is not specified")
    return file_id


def _sticker_file(request: Request, file_id: str) -> str:
    """Return the id of a sticker's file; refuse what is no file, or is elsewhere."""
    if "url" in request.world.files.by_name("sticker", file_id).fields:
        raise bad_request("wrong sticker file specified")
    return file_id


def _own(request: Request, file_id: str) -> tuple[StickerSet, StoredFile]:
    """Return a sticker with the set that it is in."""
    file = request.world.files.get(_sticker_file(request, file_id))
    for each in request.world.sticker_sets.values():
        if file is not None and file_id in each.stickers:
            return each, file
    raise bad_request("STICKER_INVALID")


@method("setStickerPositionInSet")
def set_sticker_position_in_set(request: Request) -> bool:
    file_id, position = _file_id(request), request.integer("position", -1)
    if position < 0:
        raise bad_request("wrong sticker position specified")
    found, _ = _own(request, file_id)
    found.stickers.remove(file_id)
    found.stickers.insert(position, file_id)
    return True


@method("deleteStickerFromSet")
def delete_sticker_from_set(request: Request) -> bool:
    file_id = _file_id(request)
    found, _ = _own(request, file_id)
    found.stickers.remove(file_id)
    return True


@method("setStickerEmojiList")
def set_sticker_emoji_list(request: Request) -> bool:
    file_id, unparsed = _file_id(request), "can't parse emoji list JSON array"
    if "emoji_list" not in request.payload:
        raise bad_request(unparsed)
    values: Any = request.json("emoji_list", "emoji list JSON array", kind=object)
    with parsing("emoji list"):
        emoji = read_emoji(values)
    _own(request, file_id)[1].fields["emoji"] = emoji[0]
    return True


@method("setStickerKeywords")
def set_sticker_keywords(request: Request) -> bool:
    """Keep the words a sticker is found by; no bot is shown them."""
    file_id = _file_id(request)
    wrong = 'field "keywords" must be an Array'
    values = request.array("keywords", wrong, "keywords JSON object", required=False)
    with parsing():
        keywords = read_keywords(values)
    _own(request, file_id)[1].fields["keywords"] = keywords
    return True


@method("setStickerMaskPosition")
def set_sticker_mask_position(request: Request) -> bool:
    file_id = _file_id(request)
    value: Any = request.json("mask_position", "mask position JSON object", kind=object)
    with parsing("mask position"):
        mask = read_mask(value)
    found, file = _own(request, file_id)
    if found.kind != "mask":
        raise bad_request("STICKER_MASK_COORDS_NOT_SUPPORTED")
    file.fields.pop("mask_position", None)
    file.fields.update({"mask_position": mask} if mask else {})
    return True
