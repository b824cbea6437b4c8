"""The control API: act as a user, look at the screen, inject faults. For this machine only.

`POST /control/<action>` with a JSON object of arguments does it and answers with its result, an
update for most: see ACTIONS. `GET /control/messages`, `/buttons`, `/calls` and `/unanswered` look.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from inspect import signature
from typing import Any

from aiohttp import web

from toolkit.harness.fake_telegram.errors import ApiError
from toolkit.harness.fake_telegram.faults import Fault
from toolkit.harness.fake_telegram.guard import is_loopback
from toolkit.harness.fake_telegram.model import Event, PersonError
from toolkit.harness.fake_telegram.telegram import Call, FakeTelegram
from toolkit.harness.types import Json

# Actions and the methods of FakeTelegram that do them; arguments keep their names.
_SAME = (
    "tap send user group channel join leave add_bot remove_bot set_member block unblock "
    "deactivate ask_to_join create_topic migrate inline_query choose_result pre_checkout pay "
    "react inject vote add_poll_option delete_poll_option share_users share_chat allow_writing "
    "log_in create_managed_bot replace_managed_bot_token give_managed_bot ask_guest "
    "stop_generation post_story mark_tasks add_tasks connect_business disconnect_business "
    "send_business edit_business delete_business direct_messages send_direct suggest_post "
    "end_suggested_post set_direct_message_price start_giveaway end_giveaway create_group "
    "set_title set_photo delete_photo pin set_auto_delete set_background come_near change_owner "
    "leave_as_owner set_message_price edit_topic close_topic hide_general video_chat "
    "join_community join_through_community leave_community boost unboost buy_media "
    "deposit_stars renew_subscription change_subscription give_gift pay_gift_upgrade "
    "set_profile_photo add_profile_audio show_personal_chat allow_emoji_status"
)
ACTIONS = {
    "say": "send_text",
    "edit": "edit_text",
    **{name: f"send_{name}" for name in ("photo", "document", "contact", "location")},
    **{name: name for name in _SAME.split()},
}
WITH_CONTENT = (
    *("photo", "document", "set_photo", "post_story", "set_profile_photo", "add_profile_audio"),
)
"""Actions with a file, whose `content` comes in Base64."""
MAX_WAIT = 60.0


class Control:
    """The handlers of the control API."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram

    async def act(self, request: web.Request) -> web.Response:
        """Do one of ACTIONS."""
        name = request.match_info["action"]
        if name not in ACTIONS:
            raise _refusal(404, f"there is no action {name!r}; there are {', '.join(ACTIONS)}")
        arguments = await _arguments(request)
        if "content" in arguments and name in WITH_CONTENT:
            arguments["content"] = base64.b64decode(arguments["content"])
        try:
            action = getattr(self._telegram, ACTIONS[name])
            result = action(*_positional(action, arguments), **arguments)
        except (PersonError, ApiError, KeyError, TypeError, ValueError) as error:
            raise _refusal(400, str(error)) from error
        return web.json_response(result)

    async def messages(self, request: web.Request) -> web.Response:
        """Answer with the messages on screen in `chat_id`."""
        return web.json_response(self._telegram.messages(int(request.query["chat_id"])))

    async def keyboard(self, request: web.Request) -> web.Response:
        """Answer with the labels of the buttons in `chat_id`."""
        buttons = self._telegram.buttons(int(request.query["chat_id"]))
        return web.json_response([button.label for button in buttons])

    async def calls(self, request: web.Request) -> web.Response:
        """Answer with the calls after the first `since`, but getUpdates, within `wait` seconds."""
        since = int(request.query.get("since", 0))
        wait = min(float(request.query.get("wait", 0)), MAX_WAIT)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                with _changes(self._telegram) as changed:
                    while not self._calls_since(since):
                        changed.clear()
                        await changed.wait()
        calls = [_call_json(call) for call in self._calls_since(since)]
        return web.json_response({"count": self._telegram.call_count, "calls": calls})

    def _calls_since(self, since: int) -> list[Call]:
        telegram = self._telegram
        fresh = min(max(telegram.call_count - since, 0), len(telegram.calls))
        newest = telegram.calls[len(telegram.calls) - fresh :]
        return [call for call in newest if call.method.lower() != "getupdates"]

    async def unanswered(self, _: web.Request) -> web.Response:
        """Answer with the callback data of taps the bot has not answered."""
        return web.json_response([query.data for query in self._telegram.unanswered])

    async def add_fault(self, request: web.Request) -> web.Response:
        """Put a fault in force, as `Fault.from_json` reads it."""
        try:
            self._telegram.faults.add(Fault.from_json(await _arguments(request)))
        except ValueError as error:
            raise _refusal(400, str(error)) from error
        return web.json_response(len(self._telegram.faults.rules))

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Lift every fault."""
        self._telegram.faults.clear()
        return web.json_response(0)


def _positional(action: Callable[..., Any], arguments: Json) -> list[Any]:
    """Take out of the arguments a list of any length, and what comes before it."""
    taken = list(signature(action).parameters.values())
    many = next((at for at, one in enumerate(taken) if one.kind is one.VAR_POSITIONAL), 0)
    if not many or taken[many].name not in arguments:
        return []
    return [
        *(arguments.pop(one.name) for one in taken[:many]),
        *arguments.pop(taken[many].name),
    ]


@contextmanager
def _changes(telegram: FakeTelegram) -> Iterator[asyncio.Event]:
    """Yield an event that every call sets."""
    changed = asyncio.Event()

    def notice(event: Event) -> None:
        if event.kind == "call":
            changed.set()

    stop = telegram.observe(notice)
    try:
        yield changed
    finally:
        stop()


def _call_json(call: Call) -> Json:
    error = None if call.error is None else str(call.error)
    known = {"method": call.method, "payload": call.payload, "at": call.at}
    return {**known, "result": call.result, "error": error}


async def _arguments(request: web.Request) -> Json:
    try:
        body: Any = await request.json() if request.can_read_body else {}
    except ValueError as error:
        raise _refusal(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _refusal(400, "the body must be a JSON object of arguments")
    return body


def _refusal(status: int, message: str) -> web.HTTPException:
    return web.HTTPNotFound(text=message) if status == 404 else web.HTTPBadRequest(text=message)


@web.middleware
async def only_this_machine(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse /control to other machines."""
    if request.path.startswith("/control") and not is_loopback(request.remote or "localhost"):
        raise web.HTTPForbidden(text="the control API is for this machine only")
    response: web.StreamResponse = await handler(request)
    return response


def add_control(app: web.Application, telegram: FakeTelegram) -> None:
    """Put the control API beside the Bot API."""
    control = Control(telegram)
    app.middlewares.append(only_this_machine)
    app.router.add_get("/control/messages", control.messages)
    app.router.add_get("/control/buttons", control.keyboard)
    app.router.add_get("/control/calls", control.calls)
    app.router.add_get("/control/unanswered", control.unanswered)
    app.router.add_post("/control/faults", control.add_fault)
    app.router.add_delete("/control/faults", control.clear_faults)
    app.router.add_post("/control/{action}", control.act)
