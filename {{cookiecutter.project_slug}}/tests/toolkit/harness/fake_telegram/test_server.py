"""The same fake over HTTP: any client, any body, real waiting."""

from __future__ import annotations

import asyncio
import gc

import aiohttp
import pytest

from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.server import serve
from toolkit.harness.types import Json

from .conftest import Client

TICK = aiohttp.ClientTimeout(total=0.1)


async def test_a_refusal_has_the_code_and_the_words_of_the_server(client: Client) -> None:
    assert await client.call("sendMessage", data={"chat_id": 9, "text": "x"}) == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: chat not found",
    }
    body = await client.call("dance")
    assert (body["error_code"], body["description"][:27]) == (404, "Not Found: method not found")


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [("43:other", 401, "Unauthorized"), ("42", 404, "Not Found"), ("x:y", 404, "Not Found")],
)
async def test_another_token_is_refused(client: Client, token: str, code: int, words: str) -> None:
    body = await client.get(f"/bot{token}/getMe")
    assert (body["error_code"], body["description"]) == (code, words)


async def test_a_server_without_a_token_takes_the_first_one_that_calls() -> None:
    telegram = FakeTelegram()
    telegram.group(-5)
    async with serve(telegram, any_token=True) as address, aiohttp.ClientSession() as http:
        client = Client(http, address, "123456:AbC-d_e")
        assert (await client.call("getMe"))["result"]["id"] == 123456
        assert (await client.call("sendMessage", json={"chat_id": -5, "text": "x"}))["ok"]
        assert (await client.get("/bot99:other/getMe"))["error_code"] == 401


async def test_a_broken_body_has_no_parameters_and_a_broken_parameter_is_refused(
    client: Client,
) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await client.call("getMe", data=b"{", headers=headers))["ok"]
    body = await client.call("sendMessage", data=b"{", headers=headers)
    assert body["description"] == "Bad Request: message text is empty"
    body = await client.call("sendMessage", data={"chat_id": 1, "text": "x", "reply_markup": "{"})
    words = "Bad Request: can't parse reply keyboard markup JSON object"
    assert body["description"] == words


async def test_json_that_is_no_text_is_taken_literally(client: Client) -> None:
    sent = await client.call("sendMessage", json={"chat_id": 1, "text": 42})
    assert sent["result"]["text"] == "42"
    nothing = {"chat_id": 1, "text": "x", "reply_markup": None}
    refused = await client.call("sendMessage", json=nothing)
    assert refused["description"] == "Bad Request: object expected as reply markup"


async def test_truth_values_are_words_and_numbers(client: Client) -> None:
    words = {"chat_id": "1", "text": "x", "protect_content": "1", "disable_notification": "yes"}
    sent = await client.call("sendMessage", data=words)
    assert sent["result"]["has_protected_content"] is True


async def test_a_429_says_in_a_header_how_long_to_wait(
    client: Client, telegram: FakeTelegram
) -> None:
    telegram.faults.too_many_requests(7)
    async with client.http.post(f"{client.bot}/getMe") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_a_network_fault_breaks_the_connection(
    client: Client, telegram: FakeTelegram
) -> None:
    telegram.faults.network_error()
    with pytest.raises(aiohttp.ClientError):
        await client.call("getMe")
    assert (await client.call("getMe"))["ok"]


async def test_a_poll_ends_with_its_connection(client: Client, telegram: FakeTelegram) -> None:
    telegram.updates.confirm(10**9)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await client.call("getUpdates", json={"timeout": 50}, timeout=TICK)
    assert (await client.call("getUpdates"))["result"] == []
    assert [(call.method, call.error) for call in telegram.calls] == [("getUpdates", None)] * 4


async def send_and_go(client: Client, telegram: FakeTelegram, chat_id: int) -> None:
    """Send a message, wait for no answer, and return when the server has dealt with it."""
    telegram.faults.delay(0.2)
    done = asyncio.Event()
    telegram.observe(lambda event: done.set() if event.kind == "call" else None)
    with pytest.raises(TimeoutError):
        await client.call("sendMessage", json={"chat_id": chat_id, "text": "late"}, timeout=TICK)
    await done.wait()


async def test_a_call_is_done_although_its_client_has_gone(
    client: Client, telegram: FakeTelegram
) -> None:
    await send_and_go(client, telegram, chat_id=1)
    assert telegram.messages(1)[-1]["text"] == "late"


async def test_a_refusal_that_nobody_waits_for_is_not_logged(
    client: Client, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    await send_and_go(client, telegram, chat_id=99)
    await asyncio.sleep(0)  # what is called back when a task ends comes a turn later
    gc.collect()
    assert caplog.records == []


async def test_a_long_poll_waits_for_a_person(client: Client) -> None:
    await client.call("getUpdates", data={"offset": "2"})
    poll = asyncio.create_task(client.call("getUpdates", data={"offset": "2", "timeout": "30"}))
    calls = await client.get("/control/messages?chat_id=1")
    assert not poll.done()
    assert len(calls) == 1
    await client.act("say", user_id=1, text="hello")
    updates = (await poll)["result"]
    assert [update["message"]["text"] for update in updates] == ["hello"]


async def test_a_client_that_dies_in_a_long_poll_loses_no_update(client: Client) -> None:
    await client.call("getUpdates", data={"offset": "2"})
    dying = aiohttp.ClientSession()
    address = f"{client.bot}/getUpdates?offset=2&timeout=30"
    poll = asyncio.create_task(dying.post(address).__aenter__())
    await client.get("/control/unanswered")
    poll.cancel()
    await dying.close()
    await client.act("say", user_id=1, text="still here")
    updates = (await client.call("getUpdates", data={"offset": "2"}))["result"]
    assert [update["message"]["text"] for update in updates] == ["still here"]


async def test_a_dialogue_through_the_control_api(client: Client, telegram: FakeTelegram) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    question = {"chat_id": 1, "text": "Sure?", "reply_markup": keyboard}
    await client.call("sendMessage", json=question)
    assert await client.get("/control/buttons?chat_id=1") == ["Yes"]
    tapped = await client.act("tap", user_id=1, label="Yes")
    assert await client.get("/control/unanswered") == ["y"]
    query = {"callback_query_id": tapped["callback_query"]["id"]}
    waiting = asyncio.create_task(client.get("/control/calls?since=1&wait=30"))
    await client.call("answerCallbackQuery", json=query)
    calls = (await waiting)["calls"]
    assert [call["method"] for call in calls] == ["answerCallbackQuery"]
    assert telegram.unanswered == []


async def test_lists_go_through_the_control_api(client: Client, telegram: FakeTelegram) -> None:
    reacted = await client.act("react", user_id=1, message_id=1, emoji=["👍"])
    assert len(reacted["message_reaction"]["new_reaction"]) == 1
    story = await client.act("post_story", user_id=1, content="Y2F0")
    assert telegram.users[1].stories[story["id"]]["photo"][0]["file_size"] == 3


async def test_faults_come_and_go_through_the_control_api(client: Client) -> None:
    await client.act("faults", error=429, retry_after=5, times="always")
    body = await client.call("getMe")
    assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 5})
    async with client.http.delete(f"{client.address}/control/faults") as response:
        assert response.status == 200
    assert (await client.call("getMe"))["ok"]


@pytest.mark.parametrize(
    ("action", "arguments", "status", "words"),
    [
        ("dance", {}, 404, "there is no action 'dance'"),
        ("say", {"user_id": 1}, 400, "text"),
        ("tap", {"user_id": 1, "label": "X"}, 400, "No button labelled 'X'; there are none"),
        ("faults", {"error": "slow"}, 400, "error is 'slow'"),
    ],
)
async def test_a_wrong_action_says_what_is_wrong(
    client: Client, action: str, arguments: Json, status: int, words: str
) -> None:
    address = f"{client.address}/control/{action}"
    async with client.http.post(address, json=arguments) as response:
        assert response.status == status
        assert words in await response.text()


OTHER_SITES = [
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:80"},
    {"Host": "["},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
]


@pytest.mark.parametrize("headers", OTHER_SITES, ids=str)
async def test_no_page_of_another_site_adopts_a_token_or_acts(headers: Json) -> None:
    telegram = FakeTelegram()
    telegram.send_text(1, "/start")
    async with serve(telegram, any_token=True) as address, aiohttp.ClientSession() as http:
        for method, path in (
            ("GET", "/bot99:evil/getMe"),
            ("GET", "/bot99:evil/sendMessage?chat_id=1&text=x"),
            ("POST", "/bot42:fake/deleteWebhook"),
            ("GET", "/file/bot42:fake/documents/1.bin"),
            ("GET", "/control/unanswered"),
            ("POST", "/control/say"),
        ):
            async with http.request(method, address + path, headers=headers) as response:
                assert response.status == 403
        assert telegram.calls == []
        client = Client(http, address, "123456:AbC-d_e")
        assert (await client.call("getMe"))["result"]["id"] == 123456


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "none"}, {"Host": "localhost:8081"}])
async def test_who_types_an_address_is_no_other_site(client: Client, headers: Json) -> None:
    assert (await client.get("/bot42:fake/getMe", headers=headers))["ok"]
