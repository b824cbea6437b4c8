"""Stories of the account of a business, https://core.telegram.org/bots/api#poststory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import connection_of, require
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import INT64, Problem, parsing
from toolkit.harness.fake_telegram.media_kinds import describe, find_file
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import User
from toolkit.harness.fake_telegram.people import story_of
from toolkit.harness.fake_telegram.policy import formatted, later, readable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

MAX_CAPTION = 2048
MAX_STORY = 1_000_000_000
PERIODS = (6 * 3600, 12 * 3600, 86400, 2 * 86400)
_POSITIONS = (
    "x_percentage y_percentage width_percentage height_percentage rotation_angle "
    "corner_radius_percentage"
)
_POSITION = tuple(_POSITIONS.split())
RIGHT = "can_manage_stories"
Made = Callable[[], Json]


@method("postStory")
def post_story(request: Request) -> Json:
    content = _read(request)
    connection = connection_of(request)
    _check_period(request)
    require(connection, RIGHT)
    return _post(request, request.world.users[connection["user"]["id"]], content())


@method("editStory")
def edit_story(request: Request) -> Json:
    content = _read(request)
    connection = connection_of(request)
    account = request.world.users[connection["user"]["id"]]
    story_id = request.integer("story_id", 0, 0, MAX_STORY)
    if not story_id:
        raise bad_request("invalid story identifier specified")
    require(connection, RIGHT)
    if story_id not in account.stories:
        raise bad_request("STORY_ID_INVALID")
    shown = content()
    if shown == account.stories[story_id]:
        raise bad_request("STORY_NOT_MODIFIED")
    account.stories[story_id] = shown
    return story_of(account.data, story_id)


@method("repostStory")
def repost_story(request: Request) -> Json:
    request.required("from_chat_id")
    connection = connection_of(request)
    source = readable_chat(request, "from_chat_id")
    story_id = request.integer("from_story_id", 0, 0, MAX_STORY)
    _check_period(request)
    if not story_id or not source.is_private:
        raise bad_request("invalid story to repost specified")
    require(connection, RIGHT)
    story = request.world.users[source.id].stories.get(story_id)
    if story is None:
        raise bad_request("STORY_ID_INVALID")
    return _post(request, request.world.users[connection["user"]["id"]], dict(story))


@method("deleteStory")
def delete_story(request: Request) -> bool:
    connection = connection_of(request)
    story_id = request.integer("story_id", 0, 0, MAX_STORY)
    if not story_id:
        raise bad_request("invalid story identifier specified")
    require(connection, RIGHT)
    account = request.world.users[connection["user"]["id"]]
    if account.stories.pop(story_id, None) is None:
        raise bad_request("STORY_ID_INVALID")
    return True


def _post(request: Request, account: User, story: Json) -> Json:
    story_id = request.world.number(f"story {account.id}")
    account.stories[story_id] = story
    return story_of(account.data, story_id)


def _check_period(request: Request) -> None:
    if request.integer("active_period", 0, 0, MAX_STORY) not in PERIODS:
        raise bad_request("invalid story active period specified")


def _read(request: Request) -> Made:
    """Return what a story shows, later: its file, its areas and its caption."""
    kind, name = _content(request)
    areas = _areas(request)
    made = later(lambda: formatted(request.payload, "caption"))

    def content() -> Json:
        caption = made()
        if len(caption["caption"]) > MAX_CAPTION:
            raise bad_request("MEDIA_CAPTION_TOO_LONG")
        caption = caption if caption["caption"] else {}
        file = find_file(request, kind, name)
        return {**describe(file, kind, {}), **caption, **({"areas": areas} if areas else {})}

    return content


def _content(request: Request) -> tuple[str, str]:
    if not request.text("content"):
        raise bad_request("story content isn't specified")
    wrong = "object expected as story content"
    value = request.json("content", "story content JSON object", wrong)
    with parsing():
        kind = fields.required_text(value, "type")
        if kind not in ("photo", "video"):
            raise Problem("Invalid story content type specified")
        name = fields.required_text(value, kind)
        if kind == "video":
            for number in ("duration", "cover_frame_timestamp"):
                fields.decimal(value, number)
            fields.flag(value, "is_animation")
    if not name.startswith("attach://") or name.removeprefix("attach://") not in request.files:
        raise bad_request(f"story {kind} must be uploaded as a file")
    return kind, name


def _areas(request: Request) -> list[Json]:
    wrong, unparsed = "expected an Array of InputStoryArea", "story areas JSON object"
    values = request.array("areas", wrong, unparsed, required=False)
    with parsing("InputStoryArea"):
        for value in values:
            area = fields.an_object(value)
            position = fields.required_nested(area, "position")
            for name in _POSITION:
                fields.decimal(position, name, required=True)
            _check_area(fields.required_nested(area, "type"))
    return values


def _check_area(area: Json) -> None:
    """Refuse an area of a type that there is not, or without what its type needs."""
    kind = fields.required_text(area, "type")
    if kind not in _AREAS:
        raise Problem("invalid story area type specified")
    _AREAS[kind](area)


def _location(area: Json) -> None:
    for name in ("latitude", "longitude"):
        fields.decimal(area, name, required=True)
    address = fields.nested(area, "address")
    if address is not None:
        fields.required_text(address, "country_code")
        for name in ("state", "city", "street"):
            fields.text(address, name)


def _reaction(area: Json) -> None:
    reaction = fields.required_nested(area, "reaction_type")
    fields.required_text(reaction, "type")
    fields.check_flags(area, ("is_dark", "is_flipped"))


def _weather(area: Json) -> None:
    fields.decimal(area, "temperature", required=True)
    fields.required_text(area, "emoji")
    color = fields.required_integer(area, "background_color", INT64)
    if not 0 <= color <= 0xFFFFFFFF:
        raise Problem("invalid background color specified")


_AREAS: dict[str, Callable[[Json], Any]] = {
    "location": _location,
    "suggested_reaction": _reaction,
    "link": lambda area: fields.required_text(area, "url"),
    "weather": _weather,
    "unique_gift": lambda area: fields.required_text(area, "name"),
}
