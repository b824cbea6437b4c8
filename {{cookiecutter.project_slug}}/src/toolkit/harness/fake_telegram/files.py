"""Files on the fake server: uploads get ids, ids get content back."""

from __future__ import annotations

import mimetypes
from typing import Any

from toolkit.harness.fake_telegram.errors import ApiError, bad_request
from toolkit.harness.fake_telegram.model import StoredFile
from toolkit.harness.types import Json

MAX_UPLOAD = 50 * 2**20  # https://core.telegram.org/bots/api#sending-files
MAX_PHOTO = 10 * 2**20
MAX_DOWNLOAD = 20 * 2**20  # https://core.telegram.org/bots/api#getfile
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

    def get(self, file_id: str) -> StoredFile | None:
        """Return the file with this id."""
        return self._by_id.get(file_id)

    def at(self, path: str) -> StoredFile | None:
        """Return the file that getFile gave this path for."""
        return self._by_path.get(path)


def file_json(file: StoredFile) -> Json:
    """Return what every object that describes a file begins with."""
    data: Json = {"file_id": file.file_id, "file_unique_id": f"u-{file.file_id}"}
    return data if file.size is None else {**data, "file_size": file.size}
