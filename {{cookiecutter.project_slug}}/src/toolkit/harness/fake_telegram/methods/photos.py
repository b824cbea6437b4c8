"""Photos of the bot's own profile."""

from __future__ import annotations

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.media_kinds import describe, find_file
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

MAX_SECONDS = 10


@method("setMyProfilePhoto")
def set_my_profile_photo(request: Request) -> bool:
    if not request.text("photo"):
        raise bad_request("photo isn't specified")
    value = request.json("photo", "photo JSON object", "object expected as profile photo")
    with parsing():
        kind, source, at = _read(request, value)
    if not 0 <= at <= MAX_SECONDS:
        raise bad_request("wrong main frame timestamp specified")
    file = find_file(request, "photo" if kind == "static" else "animation", source)
    photo: list[Json] = describe(file, "photo", {})["photo"]
    request.world.profile.setdefault(_key(request), []).insert(0, photo)
    return True


def _read(request: Request, value: Json) -> tuple[str, str, float]:
    """Return the kind of an InputProfilePhoto, its file, and the second of its main frame."""
    kind = fields.required_text(value, "type")
    if kind not in ("static", "animated"):
        raise Problem("Invalid profile photo type specified")
    source = fields.required_text(value, "photo" if kind == "static" else "animation")
    at = fields.decimal(value, "main_frame_timestamp") if kind == "animated" else 0.0
    if source.removeprefix("attach://") not in request.files or "://" not in source:
        raise Problem("Photo must be uploaded as a file")
    return kind, source, at


@method("removeMyProfilePhoto")
def remove_my_profile_photo(request: Request) -> bool:
    photos = request.world.profile.get(_key(request))
    if not photos:
        raise bad_request("photo can't be deleted")
    del photos[0]
    return True


def _key(request: Request) -> tuple[str, str]:
    return "photos", str(request.world.bot_id)
