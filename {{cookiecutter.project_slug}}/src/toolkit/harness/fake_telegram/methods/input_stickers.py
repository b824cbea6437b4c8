"""Stickers as requests give them, and the files that are made of them.

https://core.telegram.org/bots/api#inputsticker
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.emoji import is_emoji
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem
from toolkit.harness.fake_telegram.media_kinds import find_file, is_named
from toolkit.harness.fake_telegram.model import StickerSet, StoredFile
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

FORMATS = ("static", "animated", "video")
MAX_EMOJI = 20
POINTS = ("forehead", "eyes", "mouth", "chin")
_KIB = 1024
# The most bytes of a sticker, of a custom emoji, and of a thumbnail.
_MOST = {
    "static": (512 * _KIB, 128 * _KIB, 128 * _KIB),
    "animated": (64 * _KIB, 64 * _KIB, 32 * _KIB),
    "video": (256 * _KIB, 64 * _KIB, 32 * _KIB),
}
# How a file of each format begins, and what is said of one that begins otherwise.
_BEGINS = {
    "static": ((b"\x89PNG", b"RIFF"), "STICKER_PNG_NOPNG"),
    "animated": ((b"\x1f\x8b",), "STICKER_TGS_NOTGS"),
    "video": ((b"\x1a\x45\xdf\xa3",), "STICKER_VIDEO_NOWEBM"),
}
_SUFFIX = {"static": "webp", "animated": "tgs", "video": "webm"}


@dataclass(frozen=True)
class InputSticker:
    """A sticker of a request: which file, in which format (empty where its set decides)."""

    source: str
    format: str
    emoji: list[str]
    mask: Json | None
    keywords: list[str]


def read_format(text: str) -> str:
    """Return a format of stickers, empty for `auto`; a Problem for any other."""
    if text not in (*FORMATS, "auto"):
        raise Problem("Invalid sticker format specified")
    return "" if text == "auto" else text


def read_sticker(request: Request, value: Any, default: str) -> InputSticker:
    """Return an InputSticker; a Problem for what is none."""
    given = fields.an_object(value, "InputSticker must be an Object")
    source = fields.text(given, "sticker")
    if not is_named(request, "", source):
        raise Problem("sticker not found")
    form = fields.text(given, "format") if default else fields.required_text(given, "format")
    return InputSticker(
        source,
        read_format(form or default),
        read_emoji(fields.required_nested(given, "emoji_list", list)),
        read_mask(given.get("mask_position")),
        read_keywords(fields.nested(given, "keywords", list) or []),
    )


def read_emoji(values: Any) -> list[str]:
    """Return a list of emoji; a Problem for what is none."""
    if not isinstance(values, list):
        raise Problem("expected an Array of string")
    if not values:
        raise Problem("emoji list must be non-empty")
    if len(values) > MAX_EMOJI:
        raise Problem("too many emoji specified")
    for value in values:
        if not isinstance(value, str):
            raise Problem("emoji must be a string")
        if not is_emoji(value):
            raise Problem("expected a Unicode emoji")
    return values


def read_keywords(values: Sequence[Any]) -> list[str]:
    """Return keywords; a Problem for what is none."""
    if not all(isinstance(value, str) for value in values):
        raise Problem("keyword must be a string")
    return list(values)


def read_mask(value: Any) -> Json | None:
    """Return a MaskPosition, or None where there is none."""
    if value is None:
        return None
    given = fields.an_object(value, "MaskPosition must be an Object")
    point = fields.required_text(given, "point").lower().strip()
    if point not in POINTS:
        raise Problem("Wrong point specified in MaskPosition")
    numbers = ("x_shift", "y_shift", "scale")
    shifts = {name: fields.decimal(given, name, required=True) for name in numbers}
    return {"point": point, **shifts}


def find_sticker_file(
    request: Request, source: str, form: str, kind: str, *, thumbnail: bool = False
) -> StoredFile:
    """Return the file of a new sticker; refuse what is not even sent on."""
    if not form:
        raise bad_request("sticker format must be non-empty")
    file = find_file(request, "sticker" if form == "animated" else "document", source)
    most = _MOST[form][2 if thumbnail else int(kind == "custom_emoji")]
    if source.startswith("attach://") and (file.size or 0) > most:
        raise bad_request("file is too big")
    if file.content is None and "url" in file.fields and form != "static":
        raise bad_request(f"{form} stickers can't be uploaded by URL")
    return file


def check_content(file: StoredFile, form: str, kind: str) -> None:
    """Refuse a file that is not of its format, as far as its first bytes tell."""
    if file.content is None:
        return
    begins, refusal = _BEGINS[form]
    if not file.content.startswith(begins):
        raise bad_request(refusal)
    if form == "static" and file.content[12:16] == b"IHDR":
        sides = [int.from_bytes(file.content[at : at + 4], "big") for at in (16, 20)]
        fine = sides == [100, 100] if kind == "custom_emoji" else max(sides) == 512
        if not fine:
            raise bad_request("STICKER_PNG_DIMENSIONS")


def add_sticker(
    request: Request, file: StoredFile, given: InputSticker, form: str, into: StickerSet
) -> str:
    """Make a sticker of a set, and return its file_id: a file of its own."""
    world, side = request.world, 100 if into.kind == "custom_emoji" else 512
    about: Json = {"type": into.kind, "set_name": into.name, "emoji": given.emoji[0]}
    about |= {"is_animated": form == "animated", "is_video": form == "video"}
    about |= {"width": side, "height": side}
    if into.kind == "custom_emoji":
        about["custom_emoji_id"] = str(5_000_000_000_000_000_000 + world.number("custom_emoji"))
        about |= {"needs_repainting": True} if into.repainted else {}
    if into.kind == "mask" and given.mask is not None:
        about["mask_position"] = given.mask
    return world.files.add("sticker", file.content, f"sticker.{_SUFFIX[form]}", **about).file_id
