"""Drafts: previews that the next message replaces, https://core.telegram.org/bots/api#sendmessagedraft."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.rich import rich_content
from toolkit.harness.fake_telegram.policy import (
    Late,
    check_reachable,
    formatted,
    later,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rich.plain import plain_text


@method("sendMessageDraft")
def send_message_draft(request: Request) -> bool:
    text = later(lambda: formatted(request.payload, "text", entities="entities"))
    return _show(request, text)


@method("sendRichMessageDraft")
def send_rich_message_draft(request: Request) -> bool:
    content = rich_content(request, draft=True)

    def shown() -> dict[str, object]:
        made = content()
        return {"text": plain_text(made["rich_message"]["blocks"]), **made}

    return _show(request, shown)


def _show(request: Request, content: Late) -> bool:
    """Put a draft on screen, with a button to stop it if it is to have one."""
    draft_id = as_int(request.payload.get("draft_id"))
    chat = writable_chat(request)
    draft = content()
    if not chat.is_private:
        raise bad_request("message drafts can be sent to private chats only")
    if not draft_id:
        raise bad_request("draft_id must be non-zero")
    check_reachable(request, chat)
    draft |= {name: True for name in ("can_stop", "keep_on_stop") if request.flag(name)}
    if thread_id := request.message_id("message_thread_id"):
        draft["message_thread_id"] = thread_id
    chat.drafts.pop(draft_id, None)
    chat.drafts[draft_id] = draft
    request.world.notify("draft", chat.id, draft)
    return True
