"""The client that the URL of a Redis asks for, and what its server should be told."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from toolkit.storage.url import check_hosts, check_options, split_url

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

_TIMEOUTS: Final = ("socket_timeout", "socket_connect_timeout")
_WAITING: Final = ("wait_replicas", "wait_timeout")
OPTIONS: Final = (
    *("client_name", "db", "health_check_interval", "max_connections", "password", "username"),
    *(*_TIMEOUTS, "socket_keepalive", "socket_read_size"),
)
"""Options of a URL that redis-py understands."""
TLS_OPTIONS: Final = tuple(
    f"ssl_{name}"
    for name in (
        *("ca_certs", "ca_data", "ca_path", "cert_reqs", "certfile", "check_hostname", "ciphers"),
        *("keyfile", "min_version", "password"),
    )
)


class Target(NamedTuple):
    """What a URL says; `replicas` have to have a write within `wait_ms` milliseconds."""

    kind: str
    hosts: list[tuple[str, int]]
    options: dict[str, Any]
    master: str
    replicas: int
    wait_ms: int


def parse_target(url: str, patience: float) -> Target:
    """Read a URL. Raises ValueError that says what is wrong, and shows no password."""
    from redis.asyncio.connection import parse_url

    parts = split_url(url)
    protocol, _, kind = parts.scheme.partition("+")
    known = OPTIONS if protocol == "redis" else OPTIONS + TLS_OPTIONS
    given = check_options(parts, known + _WAITING)
    default = 26379 if kind == "sentinel" else 6379
    hosts = [(h, p or default) for h, p in check_hosts(parts, at_most=None if kind else 1)]
    first, _, rest = parts.path[1:].partition("/")
    master, db = (first, rest) if kind == "sentinel" else ("", parts.path[1:])
    if kind == "sentinel" and not master:
        raise ValueError(f"the URL names no master: {parts.scheme}://HOST:26379/MASTER/0")
    if not (db.isdecimal() or not db) or (kind == "cluster" and db not in ("", "0")):
        raise ValueError(f"the path of a {parts.scheme}:// URL ends with the number of a database")
    replicas, wait_ms = _waiting(given, kind, patience)
    credentials, at, _ = parts.netloc.rpartition("@")
    plain = parts._replace(scheme=protocol, netloc=f"{credentials}{at}localhost", path=f"/{db}")
    options: dict[str, Any] = dict.fromkeys(_TIMEOUTS, patience)
    options |= cast("dict[str, Any]", parse_url(plain.geturl()))
    for name in ("host", "connection_class", *_WAITING):
        options.pop(name, None)
    if protocol == "rediss":
        options["ssl"] = True
    return Target(kind, hosts, options, master, replicas, wait_ms)


def _waiting(given: dict[str, str], kind: str, patience: float) -> tuple[int, int]:
    """Return how many replicas a write waits for, and how many milliseconds."""
    try:
        replicas = int(given.get("wait_replicas", 0))
        ms = int(float(given.get("wait_timeout", min(1.0, patience / 2))) * 1000)
    except (ValueError, OverflowError):
        raise ValueError("wait_replicas is a number of replicas, wait_timeout seconds") from None
    if replicas < 0 or not 0 < ms < patience * 1000:
        raise ValueError(
            "wait_replicas is 0 or more, wait_timeout more than 0 and less than "
            f"{patience:g} seconds"
        )
    if replicas and kind == "cluster":
        raise ValueError("a cluster cannot wait_replicas; its nodes know min-replicas-to-write")
    return replicas, ms


def open_client(target: Target) -> Redis | RedisCluster:
    """Make the client of a target. It connects when it is used."""
    from redis.asyncio import Redis, RedisCluster, Sentinel
    from redis.asyncio.cluster import ClusterNode
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    # What was sent and not answered may have been done: to send it twice could add a key twice.
    # With the newer protocol redis-py does not notice that an idle connection was closed.
    options = {"protocol": 2, "retry": Retry(NoBackoff(), 0), **target.options}
    if target.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in target.hosts]
        return RedisCluster(startup_nodes=nodes, **options)
    if target.kind == "sentinel":
        for_sentinels = {name: options[name] for name in ("retry", *_TIMEOUTS)}
        sentinel: Any = Sentinel(target.hosts, sentinel_kwargs=for_sentinels, **options)  # type: ignore[no-untyped-call]
        return cast("Redis", sentinel.master_for(target.master))
    ((host, port),) = target.hosts
    return Redis(host=host, port=port, **options)


async def warnings_of(client: Any) -> list[str]:
    """Return what should be set otherwise at the server; nothing where it does not tell."""
    with suppress(Exception):
        memory = await client.info("memory")
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            return [
                f"this Redis forgets records when its memory is full: its maxmemory-policy is "
                f"{policy}, and has to be noeviction"
            ]
    return []
