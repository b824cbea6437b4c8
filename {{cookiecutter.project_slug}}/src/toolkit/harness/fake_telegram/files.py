"""Files on the fake server: uploads get ids, ids get content back."""

from __future__ import annotations

import base64
import mimetypes
import re
from typing import Any

from toolkit.harness.fake_telegram.entities.links import LinkError, check_link
from toolkit.harness.fake_telegram.errors import ApiError, bad_request
from toolkit.harness.fake_telegram.model import StoredFile
from toolkit.harness.types import Json

MAX_UPLOAD = 50 * 2**20  # https://core.telegram.org/bots/api#sending-files
MAX_PHOTO = 10 * 2**20
MAX_DOWNLOAD = 20 * 2**20  # https://core.telegram.org/bots/api#getfile
DOCUMENTS = frozenset(
    ["animation", "audio", "document", "sticker", "video", "video_note", "voice", "live_photo"]
)
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")


class Files:
    """All files, by file_id and by path."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}

    def add(self, kind: str, content: bytes | None, name: str = "", **fields: Any) -> StoredFile:
        """Keep a file; `fields` go into the objects that describe it."""
        number = len(self._by_id) + 1
        suffix = name[name.rfind(".") :] if "." in name else {"photo": ".jpg"}.get(kind, "")
        path = f"{kind}s/file_{number}{suffix}"
        file = StoredFile(f"{kind}-{number}", kind, path, content, fields)
        self._by_id[file.file_id] = self._by_path[path] = file
        return file

    def by_name(self, kind: str, name: str) -> StoredFile:
        """Return the file that a request names by its id or its address; refuse any other."""
        file = self._by_id.get(name)
        if file is not None:
            if _differ(file.kind, kind):
                raise bad_request(f"can't use file of type {_shown(file.kind)} as {_shown(kind)}")
            return file
        if "." in name:
            return self.add(kind, None, _address(name).rpartition("/")[2], url=name)
        raise bad_request(f"wrong remote file identifier specified: {_why_no_id(name)}")

    def upload(self, kind: str, content: bytes, name: str) -> StoredFile:
        """Keep what a request brought; raise ApiError for what the server does not take."""
        size = len(content)
        if not content:
            raise bad_request("file must be non-empty")
        if size > MAX_UPLOAD:
            raise ApiError(413, "Request Entity Too Large")
        if kind == "photo":
            if size > MAX_PHOTO:
                raise bad_request(
                    f"file of size {size} bytes is too big for a photo; "
                    f"the maximum size is {MAX_PHOTO} bytes"
                )
            if not content.startswith(_IMAGES) and content[4:8] != b"ftyp":
                raise bad_request("IMAGE_PROCESS_FAILED")
            return self.add(kind, content, name)
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return self.add(kind, content, name, file_name=name, mime_type=mime)

    def learn(self, kind: str, described: Json) -> None:
        """Keep a file that an update from outside describes; its content is not known."""
        file_id = str(described["file_id"])
        if file_id not in self._by_id:
            path = f"{kind}s/file_{len(self._by_id) + 1}"
            file = StoredFile(file_id, kind, path, None, described)
            self._by_id[file_id] = self._by_path[path] = file

    def get(self, file_id: str) -> StoredFile | None:
        """Return the file with this id."""
        return self._by_id.get(file_id)

    def at(self, path: str) -> StoredFile | None:
        """Return the file that getFile gave this path for."""
        return self._by_path.get(path)


def file_json(file: StoredFile) -> Json:
    """Return what every object that describes a file begins with."""
    unique = file.fields.get("file_unique_id", f"u-{file.file_id}")
    data: Json = {"file_id": file.file_id, "file_unique_id": unique}
    size = file.fields.get("file_size") if file.size is None else file.size
    return data if size is None else {**data, "file_size": size}


_NAMES = {"live_photo": "LivePhotoVideo", "thumbnail": "Thumbnail"}


def _shown(kind: str) -> str:
    """Return a kind of file as refusals name it."""
    return _NAMES.get(kind) or kind.title().replace("_", "")


def _differ(one: str, other: str) -> bool:
    """Tell whether a file of one kind cannot be sent as the other: photos are apart."""
    return one != other and not {one, other} <= DOCUMENTS


def _address(name: str) -> str:
    """Return the address of a file; refuse one that cannot be downloaded."""
    try:
        address = check_link(name)
    except LinkError as error:
        if str(error) != "Wrong HTTP URL":
            raise bad_request(f"invalid file HTTP URL specified: {error}") from None
        raise bad_request("wrong HTTP URL specified") from None
    if "://" not in name:
        raise bad_request("failed to get HTTP URL content")
    return address


def _why_no_id(name: str) -> str:
    text = name.rstrip("=")
    padding = len(name) - len(text)
    if padding > 2:
        return "Wrong string padding"
    if padding and len(name) % 4:
        return "Wrong padding length"
    if len(text) % 4 == 1:
        return "Wrong string length"
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        return "Wrong character in the string"
    last = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(last).decode().rstrip("=") != text:
        return "Wrong padding in the string"
    unread = "can't unserialize it"
    return unread if last[-1:] in (b"\2", b"\4") else f"{unread}. Wrong last symbol"
