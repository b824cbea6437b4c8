"""getUpdates and webhooks, https://core.telegram.org/bots/api#getting-updates."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from toolkit.harness.fake_telegram.errors import bad_request, too_many_requests
from toolkit.harness.fake_telegram.fields import as_int
from toolkit.harness.fake_telegram.guard import is_loopback
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.update_queue import Webhook
from toolkit.harness.types import Json

WEBHOOK_PORTS = (80, 88, 443, 8443)
RESERVED = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    "224.0.0.0/3"
)
_PROTOCOLS = ("http", "https")
_HOST = r"[^\x00-\x20\"#<>@\\^`{|}/?%]+"
# In the order in which getWebhookInfo names them; the last three come on request only.
_KINDS = (
    "message edited_message channel_post edited_channel_post inline_query chosen_inline_result "
    "callback_query shipping_query pre_checkout_query poll poll_answer my_chat_member chat_member "
    "chat_join_request chat_boost removed_chat_boost message_reaction message_reaction_count "
    "business_connection business_message edited_business_message deleted_business_messages "
    "purchased_paid_media managed_bot guest_message subscription stopped_message_generation"
)
KINDS = tuple(_KINDS.split())


@method("getUpdates")
async def get_updates(request: Request) -> list[Json]:
    queue = request.world.updates
    queue.allow(_allowed(request))
    return await queue.poll(
        as_int(request.payload.get("offset")),
        request.integer("limit", 100, 1, 100),
        request.integer("timeout", 0, 0),
    )


def _allowed(request: Request) -> list[str] | None:
    """Return the kinds of updates that are asked for; none known are the default ones."""
    value = request.payload.get("allowed_updates")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return None
    asked = {each.lower() for each in value}
    return [kind for kind in KINDS if kind in asked]


@method("setWebhook")
@method("deleteWebhook", delete=True)
def set_webhook(request: Request, *, delete: bool = False) -> bool:
    queue = request.world.updates
    url = "" if delete else request.text("url")
    if url:
        _check_rate(request)
    webhook = _webhook(request, url) if url else None
    if request.flag("drop_pending_updates"):
        queue.keep_last(0)
    queue.allow(_allowed(request) if url else None)
    queue.set_webhook(webhook)
    return True


def _check_rate(request: Request) -> None:
    """Let a webhook be set once a second."""
    world = request.world
    now, queue = world.clock(), world.updates
    if queue.webhook_set_at is not None and 0 <= now - queue.webhook_set_at < 1:
        raise too_many_requests(1)
    queue.webhook_set_at = now


def _webhook(request: Request, url: str) -> Webhook:
    secret = request.text("secret_token")
    parts = _parse(url)
    if len(secret.encode()) > 256:
        raise bad_request("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        raise bad_request("secret token contains unallowed characters")
    _check_place(parts)
    if (address := request.text("ip_address")) and not is_loopback(parts[1]):
        _check_address(address)
    return Webhook(
        url,
        secret,
        request.integer("max_connections", 40, 1, 100),
        request.text("ip_address"),
        "certificate" in request.files,
    )


def _parse(url: str) -> tuple[str, str, int]:
    """Return protocol, host and port of an address, which is an HTTPS one without a protocol."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = (443 if parts.scheme == "https" else 80) if parts.port is None else parts.port
        host = parts.hostname
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    fine = parts.scheme in _PROTOCOLS and port and host and re.fullmatch(_HOST, host)
    if not fine or host is None or host == ".":
        raise bad_request("invalid webhook URL specified")
    return parts.scheme, host, port


def _check_place(place: tuple[str, str, int]) -> None:
    """Refuse what Telegram refuses, but let this machine do without HTTPS and its four ports."""
    protocol, host, port = place
    if is_loopback(host):
        return
    if protocol != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if "." not in host and ":" not in host:
        raise bad_request("bad webhook: Failed to resolve host: Name or service not known")


def _check_address(text: str) -> None:
    try:
        address = ip_address(text)
    except ValueError:
        raise bad_request("bad webhook: Invalid IP address specified") from None
    if address.version != 4:
        raise bad_request("bad webhook: IPv6-only addresses are not allowed")
    if any(address in ip_network(block) for block in RESERVED.split()):
        raise bad_request(f"bad webhook: IP address {address} is reserved")


@method("getWebhookInfo")
def get_webhook_info(request: Request) -> Json:
    queue = request.world.updates
    webhook = queue.webhook
    info: Json = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": bool(webhook and webhook.has_certificate),
        "pending_update_count": len(queue),
    }
    if webhook is not None:
        info["max_connections"] = webhook.max_connections
        info["ip_address"] = webhook.ip_address or "<unknown>"
        if webhook.last_error_date:
            info["last_error_date"] = webhook.last_error_date
            info["last_error_message"] = webhook.last_error_message
    if queue.allowed:
        info["allowed_updates"] = [kind for kind in KINDS if kind in queue.allowed]
    return info
