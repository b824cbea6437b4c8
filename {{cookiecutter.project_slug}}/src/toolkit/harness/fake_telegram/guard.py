"""Who may talk to a server of the harness: programs here, and its own pages, but no other site.

A page of another site reaches this machine through its visitor's browser. It gives itself away by
the `Host` it was loaded for (DNS rebinding), by its `Origin`, and, where a request needs none (a
picture, a link), by `Sec-Fetch-Site`. https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def guard(host: str) -> Middleware:
    """Return the middleware of a server that listens on `host`; it answers others with 403."""

    @web.middleware
    async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = re.sub(r":\d+$", "", request.host).strip("[]").lower()
        if not (asked == host or is_loopback(asked) or (_is_any(host) and _is_address(asked))):
            raise web.HTTPForbidden(text=f"this is not the server of {request.host}\n")
        # A browser names the origin of every WebSocket and POST; what is no browser need not.
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text=f"requests from {origin} are not taken\n")
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in ("none", "same-origin") and not _opens_the_page(request):
            raise web.HTTPForbidden(text="requests from other sites are not taken\n")
        return await handler(request)

    return refuse_other_sites


def _opens_the_page(request: web.Request) -> bool:
    """Tell whether a link to the first page is followed, which does nothing by itself."""
    fetch = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest"))
    return (request.method, request.path, *fetch) == ("GET", "/", "navigate", "document")


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine."""
    name = host.strip("[]")
    if _is_address(name):
        return ip_address(name).is_loopback
    return name == "localhost" or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_any(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_unspecified
