"""`open_storage` finds the store for a URL, and imports nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from toolkit import storage
from toolkit.storage import BACKENDS, default_url, open_storage
from toolkit.storage.base import SharedSessionStorage


@pytest.mark.parametrize("name", BACKENDS)
def test_every_default_url_opens_without_a_connection(name: str) -> None:
    assert isinstance(open_storage(BACKENDS[name].default_url), SharedSessionStorage)


def test_the_last_store_of_the_table_is_the_default() -> None:
    assert default_url() == list(BACKENDS.values())[-1].default_url


@pytest.mark.parametrize("url", ["", "bot.db", "nosuch://localhost", "MEMORY"])
def test_an_unknown_url_is_refused_with_those_that_would_do(url: str) -> None:
    with pytest.raises(ValueError, match="this project has memory:"):
        open_storage(url)


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(ValueError, match="nosuch:") as refusal:
        open_storage("nosuch://user:secret@localhost")
    assert "secret" not in str(refusal.value)


def foreign_imports(script: str) -> set[str]:
    """Run a script, and return what it imported from outside the toolkit and Python."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nbefore = set(sys.modules)\n{script}\n{REPORT}"],
        env={"PYTHONPATH": str(Path(storage.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


REPORT = """
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*roots - set(sys.stdlib_module_names) - {"toolkit", "__mp_main__"})
"""


def test_the_table_of_stores_imports_no_driver() -> None:
    assert foreign_imports("import toolkit.storage") == set()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_store_needs_no_telegram(name: str) -> None:
    script = (
        "from toolkit.storage import BACKENDS, open_storage\n"
        f"open_storage(BACKENDS[{name!r}].default_url)"
    )
    assert "aiogram" not in foreign_imports(script)


QUOTED = "has to be quoted|quotes nothing|is not quoted|holds a space|beginning of a"
BROKEN = {
    "redis": {
        "redis://h:x": "no number from 1 to 65535",
        "redis://h:0/0": "no number from 1 to 65535",
        "redis://:6379/0": "names no host",
        "redis:///0": "names no host",
        "redis://a,b/0": "names 1 host, and this one 2",
        "redis://h/one": "number of a database",
        "redis://h?foo=1": "unknown option 'foo'",
        "redis://h?max_connection=1": "did you mean max_connections",
        "redis://h?max_connections=many": "max_connections",
        "redis://h?ssl_ca_certs=x": "unknown option 'ssl_ca_certs'",
        "redis://h?wait_replicas=one": "wait_replicas is a number",
        "redis://h?wait_replicas=1&wait_timeout=5": "less than 5 seconds",
        "redis+cluster://h?wait_replicas=1": "min-replicas-to-write",
        "redis+cluster://h/1": "number of a database",
        "redis+cluster://h:x": "no number from 1 to 65535",
        "redis+sentinel://h:26379": "names no master",
        "redis+sentinel://h/mymaster/x": "number of a database",
    },
    "postgres": {
        "postgresql://bot@h:port/bot": "no number from 1 to 65535",
        "postgresql://bot:pw@/bot": "names no host",
        "postgresql://bot@h/bot?sslmode=wrong": "sslmode in the URL is one of disable",
        "postgresql://bot@h/bot?target_session_attrs=best": "one of any, primary",
        "postgresql://bot@h/bot?channel_binding=require": "unknown option 'channel_binding'",
    },
    "mongodb": {
        "mongodb://h:x/bot": "no number from 1 to 65535",
        "mongodb:///bot": "names no host",
        "mongodb://h/bo.t": "the name of a database",
        "mongodb://h/bot?foo=1": "an option of the URL is wrong",
        "mongodb://h/bot?w=most&journal=maybe": "an option of the URL is wrong",
        "mongodb://u:my:secret@h/bot": "a : or . that is not quoted",
        "mongodb+srv://a.example.com,b.example.com/bot": "names 1 host, and this one 2",
        "mongodb+srv://a.b.example.com:27017/bot": "no port",
    },
    "firestore": {
        "firestore://u:my-secret@p/d": "firestore://PROJECT/DATABASE",
        "firestore://p/d/e": "firestore://PROJECT/DATABASE",
        "firestore://p?x=1": "unknown option 'x'",
    },
    "sqlite": {"sqlite://u:my-secret@host/bot.db": "sqlite:///path/to/file"},
}
SERVERS = {"redis": "redis", "postgres": "postgresql", "mongodb": "mongodb"}
PASSWORDS = (
    "my/secret",
    "my@secret",
    "my#secret",
    "my?secret",
    "my%secret",
    "my[secret",
    "my secret",
)


@pytest.mark.parametrize(
    ("url", "message"),
    [(url, text) for name in BACKENDS for url, text in BROKEN.get(name, {}).items()],
)
def test_a_broken_url_is_refused_with_what_is_wrong_and_without_its_password(
    url: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        open_storage(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("password", [*PASSWORDS, "1/secret", "1?secret=1", "s@x/secret"])
@pytest.mark.parametrize("scheme", [SERVERS[name] for name in BACKENDS if name in SERVERS])
def test_an_unquoted_password_is_refused_with_how_to_quote_it(scheme: str, password: str) -> None:
    for url in (f"{scheme}://bot:{password}@h:1/0", f"{scheme}://:{password}@h/0?x=1"):
        with pytest.raises(ValueError, match=QUOTED) as refusal:
            open_storage(url)
        assert "%2F" in str(refusal.value)
        assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("scheme", [SERVERS[name] for name in BACKENDS if name in SERVERS])
def test_a_quoted_password_is_taken(scheme: str) -> None:
    assert open_storage(f"{scheme}://bot:{quote('/@:#?%[] ', safe='')}@h:1/0")


GOOD = (
    "redis://h?wait_replicas=1&wait_timeout=0.5",
    "rediss://u:p@h:6380/1?ssl_ca_certs=/x&max_connections=4",
    "redis://[::1]:6379/0",
    "redis+sentinel://a,b:26380/mymaster",
    "redis+cluster://a:1,b:2",
    "postgresql:///bot",
    "postgresql:///bot?host=/run/postgresql",
    "postgres://a@b:1,c:2/bot?target_session_attrs=read-write&sslmode=verify-full",
    "postgresql://h/bot?user=ann@tenant&application_name=bot",
    "mongodb://u:p@a:1,b/bot?replicaSet=rs&w=majority",
    "mongodb://%2Ftmp%2Fmongodb.sock/bot",
    "mongodb+srv://u:p@a.b.example.com/bot?retryWrites=true",
    "firestore://",
    "firestore://example.com:project/database",
)


@pytest.mark.parametrize("url", GOOD)
def test_what_a_driver_understands_is_taken(url: str) -> None:
    schemes = " ".join(backend.schemes for backend in BACKENDS.values()).split()
    assert url.partition(":")[0] not in schemes or open_storage(url)
