"""Files that are asked for, https://core.telegram.org/bots/api#getfile."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.files import MAX_DOWNLOAD, file_json
from toolkit.harness.fake_telegram.media_kinds import describe, find_file, is_named
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json


@method("getFile")
def get_file(request: Request) -> Json:
    file_id = request.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    file = request.world.files.get(file_id)
    if file is None:
        raise bad_request("invalid file_id")
    data = file_json(file)
    if data.get("file_size", 0) > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {**data, "file_path": file.path}


def check_chat_photo(request: Request) -> None:
    """Refuse a request without a new photo for a chat, which has to be uploaded."""
    value = request.text("photo")
    attached = value if value.startswith("attach://") else ""
    elsewhere = value and not attached and "photo" not in request.files
    if elsewhere or not is_named(request, "photo", attached):
        missing = "there is no photo in the request"
        raise bad_request("photo must be uploaded as an InputFile" if value else missing)


def chat_photo(request: Request, chat: Chat) -> list[Json]:
    """Return the new photo of a chat."""
    value = request.text("photo")
    return set_photo(request, chat, value if value.startswith("attach://") else "attach://photo")


def set_photo(request: Request, chat: Chat, name: str) -> list[Json]:
    """Make a part of a request the photo of a chat, and return it."""
    photo: list[Json] = describe(find_file(request, "photo", name), "photo", {})["photo"]
    chat.details["photo"] = {
        f"{size}_{field}": data[field]
        for size, data in zip(("small", "big"), photo, strict=True)
        for field in ("file_id", "file_unique_id")
    }
    return photo
