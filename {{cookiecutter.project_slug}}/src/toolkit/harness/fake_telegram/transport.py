"""The transport of a bot that is attached to `FakeTelegram`: aiogram's client without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InputFile

from toolkit.harness.fake_telegram.errors import ApiError, NetworkFailure
from toolkit.harness.fake_telegram.request import Upload
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

PLAIN = frozenset((str, int, float, bool))
Call = Callable[[str, Json, dict[str, Upload]], Awaitable[Any]]  # `FakeTelegram.call`


class FakeSession(BaseSession):
    """Calls the fake; values are prepared and answers are checked by aiogram's own code.

    It shares the request middlewares of `replaced`, the session that the bot would have.
    """

    def __init__(self, call: Call, world: World, replaced: BaseSession) -> None:
        super().__init__()
        self.middleware = replaced.middleware
        self.world = world
        self._call = call

    def instead_of(self, replaced: BaseSession) -> FakeSession:
        """Return a session like this one for another bot."""
        return FakeSession(self._call, self.world, replaced)

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        """Call the fake; raise what aiogram raises for the same answer of the real server."""
        attached: dict[str, InputFile] = {}
        given = method.model_dump(warnings=False, exclude_none=True)
        payload = self.prepare_value(given, bot, attached, _dumps_json=False)
        files = {name: await _read(bot, file) for name, file in attached.items()}
        # Others go on meanwhile, as they do while a request is on its way.
        await asyncio.sleep(0)
        status, body = 200, cast(dict[str, Any], {"ok": True})
        try:
            body["result"] = await self._call(method.__api_method__, payload, files)
        except ApiError as error:
            status, body = error.code, error.as_json()
        except NetworkFailure as error:
            raise TelegramNetworkError(method=method, message=str(error)) from error
        response = self.check_response(bot, method, status, self.json_dumps(body))
        return cast(TelegramType, response.result)

    def prepare_value(
        self, value: Any, bot: Bot, files: dict[str, Any], _dumps_json: bool = True
    ) -> Any:
        """Do as aiogram does, but call an attached file by its name, not at random."""
        if not _dumps_json:
            if type(value) in PLAIN:
                return value
            if type(value) is dict:
                return {
                    key: made
                    for key, item in value.items()
                    if (made := self.prepare_value(item, bot, files, False)) is not None
                }
            if type(value) is list:
                items = [self.prepare_value(item, bot, files, False) for item in value]
                return [item for item in items if item is not None]
        if isinstance(value, InputFile):
            name = value.filename or "file"
            if name in files:
                name = f"{len(files)}-{name}"
            files[name] = value
            return f"attach://{name}"
        return super().prepare_value(value, bot, files, _dumps_json)

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        """Download a file that getFile named."""
        path = url.partition("/file/bot")[2].partition("/")[2]
        file = self.world.files.at(path)
        if file is None or file.content is None:
            raise FileNotFoundError(f"there is nothing to download at {url}")
        for start in range(0, len(file.content), chunk_size):
            yield file.content[start : start + chunk_size]

    async def close(self) -> None:
        """Do nothing: nothing is open."""


async def _read(bot: Bot, file: InputFile) -> Upload:
    chunks = [chunk async for chunk in file.read(bot)]
    return Upload(file.filename or "file", b"".join(chunks))
