"""Media in polls, which the fake checks and does not show."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.media_kinds import is_named
from toolkit.harness.fake_telegram.methods.inline_results import read_location
from toolkit.harness.fake_telegram.methods.media import check_medium
from toolkit.harness.fake_telegram.request import Request

_ANYWHERE = ("animation", "photo", "live_photo", "video")


def check_poll_media(request: Request, name: str) -> None:
    """Check the media of a poll or of its explanation."""
    what = "InputPollMedia"
    value = request.json(name, f"{what} JSON object", kind=object)
    with parsing(what, "failed to"):
        check_media_of(request, value, option=False)


def check_media_of(request: Request, value: Any, *, option: bool) -> None:
    """Check one InputPollMedia, or one of an option; a Problem for what is none."""
    if value is None:
        return
    item = fields.an_object(value)
    kind = fields.required_text(item, "type")
    if kind in ("location", "venue"):
        read_location(item)
        for name in ("title", "address") if kind == "venue" else ():
            fields.required_text(item, name)
    elif kind not in (*_ANYWHERE, *(("sticker",) if option else ("audio", "document"))):
        raise Problem("invalid type specified")
    elif kind != "sticker":
        check_medium(request, item, kind)
    elif not is_named(request, "", fields.text(item, "media")):
        raise Problem("media not found")
