"""getUpdates and webhooks, https://core.telegram.org/bots/api#getting-updates."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.guard import is_loopback
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.update_queue import Webhook
from toolkit.harness.types import Json

WEBHOOK_PORTS = (80, 88, 443, 8443)


@method("getUpdates")
async def get_updates(request: Request) -> list[Json]:
    queue = request.world.updates
    queue.allow(_allowed(request))
    return await queue.poll(
        request.integer("offset"),
        request.integer("limit", 100, 1, 100),
        request.integer("timeout", 0, 0),
    )


def _allowed(request: Request) -> list[str] | None:
    value = request.payload.get("allowed_updates")
    return value if isinstance(value, list) else None


@method("setWebhook")
@method("deleteWebhook", delete=True)
def set_webhook(request: Request, *, delete: bool = False) -> bool:
    queue = request.world.updates
    url = "" if delete else request.text("url")
    webhook = _webhook(request, url) if url else None
    if request.flag("drop_pending_updates"):
        queue.keep_last(0)
    queue.allow(_allowed(request) if url else None)
    queue.set_webhook(webhook)
    return True


def _webhook(request: Request, url: str) -> Webhook:
    secret = request.text("secret_token")
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        raise bad_request("secret token contains unallowed characters")
    _check_url(url)
    return Webhook(
        url,
        secret,
        request.integer("max_connections", 40, 1, 100),
        request.text("ip_address"),
        "certificate" in request.files,
    )


def _check_url(url: str) -> None:
    """Refuse what Telegram refuses, but let this machine do without HTTPS and its four ports."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise bad_request("invalid webhook URL specified")
    if is_loopback(parts.hostname):
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


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
        if webhook.ip_address:
            info["ip_address"] = webhook.ip_address
        if webhook.last_error_date:
            info["last_error_date"] = webhook.last_error_date
            info["last_error_message"] = webhook.last_error_message
    if queue.allowed:
        info["allowed_updates"] = sorted(queue.allowed)
    return info
