"""Answers to what a user pressed."""

from __future__ import annotations

from ..errors import bad_request
from .registry import Request, method


@method("answerCallbackQuery")
def answer_callback_query(request: Request) -> bool:
    query = request.telegram.callbacks.get(str(request.payload.get("callback_query_id")))
    if query is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    query.answer = {k: v for k, v in request.payload.items() if k != "callback_query_id"}
    request.telegram.notify("callback", query.chat_id, query)
    return True
