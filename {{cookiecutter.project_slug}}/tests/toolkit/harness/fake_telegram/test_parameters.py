"""Parameters over HTTP: in the query or in a body, of any kind, and which of two counts."""

from __future__ import annotations

import json

import aiohttp
import pytest

from toolkit.harness.types import Json

from .conftest import Client

AS_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "options",
    [
        {"params": {"chat_id": 1, "text": "hi"}},
        {"data": {"chat_id": 1, "text": "hi"}},
        {"json": {"chat_id": 1, "text": "hi"}},
        {"params": {"chat_id": 1}, "json": {"text": "hi"}},
        {"params": {"chat_id": 1, "text": "hi"}, "json": {"text": "no"}},
        {"params": {"chat_id": 1, "text": "hi"}, "data": {"text": "no"}},
        {"data": [("chat_id", "1"), ("text", "hi"), ("text", "no")]},
        {"data": b'{"chat_id": 1, "text": "hi", "text": "no"}', "headers": AS_JSON},
        {"data": b'{"chat_id": 1, "text": "hi", "reply_markup": {', "headers": AS_JSON},
    ],
    ids=["query", "form", "json", "both", "query first", "form second", "twice", "names", "broken"],
)
async def test_parameters_may_come_in_any_way(client: Client, options: Json) -> None:
    body = await client.call("sendMessage", **options)
    assert body["result"]["text"] == "hi"


async def test_parameters_may_come_as_multipart_with_a_file(client: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("chat_id", "1")
    form.add_field("caption", "12")
    form.add_field("reply_markup", json.dumps({"keyboard": [["A"]]}))
    form.add_field("document", b"\x00\xff", filename="data.bin")
    sent = (await client.call("sendDocument", data=form))["result"]
    assert (sent["caption"], sent["document"]["file_size"]) == ("12", 2)
    file = (await client.call("getFile", data={"file_id": sent["document"]["file_id"]}))["result"]
    address = f"{client.address}/file/bot42:fake/{file['file_path']}"
    async with client.http.get(address) as response:
        assert await response.read() == b"\x00\xff"


async def test_a_method_may_be_called_with_get(client: Client) -> None:
    assert (await client.get("/bot42:fake/GETME"))["result"]["id"] == 42
    sent = await client.get("/bot42:fake/sendMessage", data={"chat_id": 1, "text": "hi"})
    assert sent["result"]["text"] == "hi"


async def test_numbers_are_texts_and_truth_has_many_words(client: Client) -> None:
    sent = (await client.call("sendMessage", json={"chat_id": 1, "text": 42}))["result"]
    assert (sent["text"], "has_protected_content" in sent) == ("42", False)
    form = {"chat_id": "1", "text": "x", "protect_content": "1", "disable_notification": "yes"}
    sent = (await client.call("sendMessage", data=form))["result"]
    assert sent["has_protected_content"] is True


async def test_a_method_may_be_named_by_a_parameter(client: Client) -> None:
    assert (await client.get("/bot42:fake/?method=getMe"))["result"]["id"] == 42
    assert (await client.get("/bot42:fake?method=getMe"))["error_code"] == 404
    assert (await client.get("/bot42:fake/"))["error_code"] == 404
