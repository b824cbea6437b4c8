"""The client that the URL of a Redis asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

_TIMEOUTS: Final = ("socket_timeout", "socket_connect_timeout")


async def open_client(url: str, patience: float) -> Redis | RedisCluster:
    """Make the client that the URL asks for. It connects when it is used."""
    from redis.asyncio import Redis, RedisCluster, Sentinel
    from redis.asyncio.cluster import ClusterNode
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    parts = urlsplit(url)
    protocol, _, kind = parts.scheme.partition("+")
    credentials, at, hosts = parts.netloc.rpartition("@")
    nodes = [_host(host, 26379 if kind == "sentinel" else 6379) for host in hosts.split(",")]
    # What was sent and not answered may have been done: to send it twice could add a key twice.
    # With the newer protocol redis-py does not notice that an idle connection was closed.
    options: dict[str, Any] = {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        **dict.fromkeys(_TIMEOUTS, patience),
    }
    master, _, db = parts.path.lstrip("/").partition("/")
    if not kind:
        return Redis.from_url(url, **options)
    path = db if kind == "sentinel" else ""
    plain = parts._replace(scheme=protocol, netloc=f"{credentials}{at}localhost", path=path)
    options |= parse_url(plain.geturl())
    options.pop("host", None)
    if options.pop("connection_class", None):
        options["ssl"] = True
    if kind == "sentinel":
        for_sentinels = {name: options[name] for name in ("retry", *_TIMEOUTS)}
        sentinel: Any = Sentinel(nodes, sentinel_kwargs=for_sentinels, **options)  # type: ignore[no-untyped-call]
        return cast("Redis", sentinel.master_for(master))
    return RedisCluster(startup_nodes=[ClusterNode(host, port) for host, port in nodes], **options)


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "localhost", parts.port or port
