"""The files in `deploy/` are what their programs take, and do what docs/deploying.md says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.delivery_kit import SOURCE
from tests.delivery_kit.counting_bot import TOKEN, make_bot
from tests.delivery_kit.world import World, counts
from tests.stores import Server, find, free_port, running, store_url
from tests.support import ROOT, Render
from tests.test_container_and_ci import BIN, lint
from tests.test_render import STORAGES
from toolkit.delivery.heartbeat import EVERY
from toolkit.delivery.shutdown import CLOSING, STOP_WITHIN
from toolkit.delivery.webhook_url import TAKEN
from toolkit.harness.fake_telegram.server import serve
from toolkit.storage import open_storage

SLUG = "booking-bot"
SERVERS = ("redis", "postgres", "mongodb", "firestore")
DOMAIN = "bot.example.com"
# What the files name besides the bot's own settings: other programs' variables.
OF_OTHERS = {
    "compose": {"DOMAIN", "COMPOSE_FILE"},
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PGPASSWORD"},
    "google": {"FIRESTORE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"},
    "railway": {"RAILWAY_RUN_UID", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"},
}
# https://fly.io/docs/reference/configuration/
FLY_KEYS = {
    "": {"app", "primary_region", "kill_signal", "kill_timeout"},
    "deploy": {"strategy", "max_unavailable"},
    "restart": {"policy"},
    "mounts": {"source", "destination", "initial_size"},
    "http_service": {"internal_port", "force_https", "auto_stop_machines", "auto_start_machines"},
    "http_service.checks": {"path", "interval", "timeout", "grace_period"},
    "vm": {"size", "memory"},
}


def unit(project: Path) -> dict[str, list[str]]:
    """The settings of the unit: each may be there several times."""
    found: dict[str, list[str]] = {}
    for line in (project / "deploy/bot.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def compose(project: Path, *files: str) -> dict[str, Any]:
    """What Docker Compose makes of the files together, with the settings that they ask for."""
    (project / ".env").write_text(f"DOMAIN={DOMAIN}\nPOSTGRES_PASSWORD=secret\n")
    named = [part for file in files for part in ("--file", file)]
    done = subprocess.run(
        [BIN / "docker-compose", *named, "config", "--format", "json"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    (project / ".env").unlink()
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    merged: dict[str, Any] = json.loads(done.stdout)
    return merged


def objects(project: Path) -> dict[str, Any]:
    """The Kubernetes objects by kind."""
    loaded = yaml.safe_load_all((project / "deploy/kubernetes.yaml").read_text())
    return {each["kind"]: each for each in loaded}


def pod(project: Path) -> dict[str, Any]:
    spec: dict[str, Any] = objects(project)["Deployment"]["spec"]["template"]["spec"]
    return spec


def fly(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "deploy/fly.toml").read_text())


def settings() -> set[str]:
    """The names of the bot's own settings."""
    from bot.settings import Settings

    return {name.upper() for name in Settings.model_fields}


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(storage: str, render: Render) -> Path:
    return render(storage=storage)


@pytest.fixture
def machine(project: Path, tmp_path: Path) -> Path:
    """The root of a machine on which the unit is installed."""
    find("systemd-analyze", "systemd")
    root = tmp_path / "machine"
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    shutil.copy(project / "deploy/bot.service", units / f"{SLUG}.service")
    for target in ("sysinit", "basic", "network-online", "shutdown", "multi-user"):
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    bot = root / "opt" / SLUG / "bin/bot"
    bot.parent.mkdir(parents=True)
    bot.write_text("#!/bin/sh\n")
    bot.chmod(0o755)
    return root


def analyze(machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments, f"--root={machine}", "--no-pager"]
    return subprocess.run(
        [*command, f"{SLUG}.service"], capture_output=True, text=True, check=False
    )


def test_systemd_understands_every_line_of_the_unit(machine: Path) -> None:
    done = analyze(machine, "verify")

    # A line that it does not understand is a warning, and no failure.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_unit_leaves_the_bot_little_of_the_machine(machine: Path) -> None:
    # 0 is nothing, 100 is everything; what remains open is the network.
    done = analyze(machine, "security", "--offline=true", "--threshold=20")

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_the_bot_works_with_the_system_calls_that_the_unit_leaves(
    machine: Path, tmp_path: Path
) -> None:
    world = World()
    world.telegram.send_text(1, "I want to book")
    state = tmp_path / "state"
    state.mkdir()
    async with serve(world.telegram) as address:
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.sandbox"),
            str(machine / f"etc/systemd/system/{SLUG}.service"),
            *("env", "-C", str(state), sys.executable, "-m", "bot"),
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": f"{SOURCE}:{ROOT}",
                "BOT_TOKEN": TOKEN,
                "TELEGRAM_API_URL": address,
                "WATCHDOG_SECONDS": "60",
            },
        )
        await world.until_confirmed()
        bot.send_signal(signal.SIGTERM)
        assert await bot.wait() == 0

    assert world.answers_with("What service?") == 1
    store = open_storage(f"sqlite:///{state}/data/bot.db")
    assert await store.has("1_1")
    await store.close()


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_the_sandbox_refuses_what_the_unit_does(machine: Path) -> None:
    attempts = {
        "os.sched_setaffinity(0, {0})": "PermissionError",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)": "PermissionError",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE)": "",
    }
    for attempt, expected in attempts.items():
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.sandbox"),
                str(machine / f"etc/systemd/system/{SLUG}.service"),
                *(sys.executable, "-c", f"import mmap, os; {attempt}"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (expected in done.stderr) if expected else not done.stderr, (attempt, done.stderr)


def test_the_token_is_handed_to_the_service_as_a_file(project: Path) -> None:
    assert f"token:/etc/{SLUG}/token" in unit(project)["LoadCredential"]
    assert "BOT_TOKEN_FILE=%d/token" in unit(project)["Environment"]


def test_everything_that_stops_the_bot_gives_it_the_time_it_takes(
    project: Path, storage: str
) -> None:
    within = int(STOP_WITHIN) + 1

    assert int(unit(project)["TimeoutStopSec"][0]) >= within
    merged = compose(project, "compose.yaml", "deploy/compose.webhook.yaml")
    assert merged["services"]["bot"]["stop_grace_period"] == "30s"
    before = 0
    if storage in SERVERS:
        ((_, seconds),) = [pod(project)["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]]
        before = int(seconds)
    assert pod(project)["terminationGracePeriodSeconds"] >= before + within
    assert fly(project)["kill_timeout"] >= within


def test_nothing_but_a_wrong_setting_keeps_the_service_down(project: Path) -> None:
    assert unit(project)["Restart"] == ["on-failure"]
    assert unit(project)["RestartPreventExitStatus"] == ["2"]
    assert unit(project)["KillSignal"] == ["SIGTERM"]


def test_the_numbers_in_the_guide_are_those_of_the_code(project: Path) -> None:
    guide = (project / "docs/deploying.md").read_text()

    assert f"handlers have {STOP_WITHIN - CLOSING:g} seconds to finish" in guide
    assert f"ends within {STOP_WITHIN:g}." in guide
    assert f"touched every {EVERY:g} seconds" in guide


def test_the_webhook_comes_to_the_bot_by_the_way_of_caddy(project: Path, storage: str) -> None:
    services = compose(project, "compose.yaml", "deploy/compose.webhook.yaml")["services"]
    alone = compose(project, "compose.yaml")["services"]

    bot, caddy = services["bot"], services["caddy"]
    assert bot["environment"].items() >= {"WEBHOOK_URL": f"https://{DOMAIN}/telegram"}.items()
    assert caddy["environment"] == {"DOMAIN": DOMAIN}
    assert {port["published"] for port in caddy["ports"]} == {"80", "443"}
    mounted = {volume["target"]: volume["source"] for volume in caddy["volumes"]}
    assert mounted["/etc/caddy/Caddyfile"] == str(project / "deploy/Caddyfile")
    # Nothing else is changed by the second file.
    for name in ("WEBHOOK_URL", "WEBHOOK_PORT"):
        del bot["environment"][name]
    assert {**services, "caddy": None} == {**alone, "caddy": None}


def test_without_a_domain_compose_says_what_is_missing(project: Path) -> None:
    files = ("--file", "compose.yaml", "--file", "deploy/compose.webhook.yaml")
    (project / ".env").write_text("DOMAIN=\nPOSTGRES_PASSWORD=secret\n")
    done = subprocess.run(
        [BIN / "docker-compose", *files, "config"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    (project / ".env").unlink()

    assert done.returncode != 0
    assert "write DOMAIN=bot.example.com into .env" in done.stderr


class Caddy(Server):
    """A private Caddy with the project's own file, without TLS, before a bot on this machine."""

    name = "caddy"

    def __init__(self, caddyfile: Path, bot_port: int) -> None:
        super().__init__()
        text = caddyfile.read_text().replace("bot:8080", f"127.0.0.1:{bot_port}")
        (self.folder / "Caddyfile").write_text(f"{{\n\tadmin off\n}}\n{text}")

    def command(self) -> list[str]:
        """The proxy in the foreground."""
        return [str(BIN / "caddy"), "run", "--adapter", "caddyfile", "--config", "Caddyfile"]

    def environment(self) -> dict[str, str]:
        """What the file asks for."""
        home = {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        return {**super().environment(), **home, "DOMAIN": f"http://127.0.0.1:{self.port}"}


def test_caddy_takes_its_file_as_it_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAIN", DOMAIN)

    lint(project, "caddy", "validate", "--adapter", "caddyfile", "--config", "deploy/Caddyfile")
    lint(project, "caddy", "fmt", "--diff", "deploy/Caddyfile")


@pytest.mark.parametrize("storage", ["memory"], indirect=True)
async def test_updates_pass_caddy_and_wait_there_while_the_bot_restarts(
    project: Path, tmp_path: Path
) -> None:
    world, bot_port, url = World(), free_port(), f"sqlite:///{tmp_path}/bot.db"
    with running(Caddy(project / "deploy/Caddyfile", bot_port)) as caddy:
        async with serve(world.telegram, retry_delay=60) as address, aiohttp.ClientSession() as web:

            def start() -> tuple[asyncio.Event, asyncio.Task[None]]:
                stop = asyncio.Event()
                app = make_bot(open_storage(url), api_url=address)
                serving = app.start_webhook(
                    url=f"http://127.0.0.1:{caddy.port}/telegram",
                    host="127.0.0.1",
                    port=bot_port,
                    stop=stop,
                    handle_signals=False,
                )
                return stop, asyncio.create_task(serving)

            stop, serving = start()
            world.say(3, 1)
            await world.until_confirmed()
            for path in TAKEN:
                async with web.get(f"http://127.0.0.1:{bot_port}{path}") as response:
                    assert response.status == 200
                async with web.get(f"http://127.0.0.1:{caddy.port}{path}") as response:
                    assert response.status == 404
            stop.set()
            await serving
            world.say(3, 1)
            await asyncio.sleep(0.2)
            assert len(world.telegram.updates) == 3
            stop, serving = start()
            await world.until_confirmed()
            stop.set()
            await serving

    assert await remembered(url) == {f"{user}_{user}": 2 for user in (1, 2, 3)}


def test_kubernetes_has_the_right_shape(project: Path) -> None:
    lint(project, "kubernetes-validate", "--strict", "--quiet", "deploy/kubernetes.yaml")


def test_as_many_processes_run_as_the_store_can_bear(project: Path, storage: str) -> None:
    deployment = objects(project)["Deployment"]["spec"]
    (container,) = pod(project)["containers"]

    if storage in SERVERS:
        assert deployment["replicas"] == 2
        assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "webhook"}
        assert objects(project)["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
        assert "http_service" in fly(project)
    else:
        assert deployment["replicas"] == 1
        assert deployment["strategy"] == {"type": "Recreate"}
        assert "readinessProbe" not in container
        assert "http_service" not in fly(project)
        assert "--ha=false" in (project / "deploy/fly.toml").read_text()
    kept = [volume for volume in pod(project)["volumes"] if "persistentVolumeClaim" in volume]
    assert bool(kept) == ("mounts" in fly(project)) == (storage == "sqlite")


def test_the_pod_keeps_to_the_restricted_standard(project: Path) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/
    whole, (container,) = pod(project)["securityContext"], pod(project)["containers"]

    assert (whole["runAsNonRoot"], whole["runAsUser"]) == (True, 10001)
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(project)["automountServiceAccountToken"] is False


def test_liveness_is_what_the_image_calls_healthy(project: Path) -> None:
    (container,) = pod(project)["containers"]
    dockerfile = (project / "Dockerfile").read_text()
    (healthy,) = re.findall(r"^    CMD (.+)$", dockerfile, re.MULTILINE)

    assert container["livenessProbe"]["exec"]["command"] == json.loads(healthy)
    assert "/data" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_requests_find_their_way_through_the_cluster(project: Path, storage: str) -> None:
    if storage not in SERVERS:
        assert not {"Service", "Ingress"} & {*objects(project)}
        return
    (container,) = pod(project)["containers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    (port,) = container["ports"]
    (rule,) = objects(project)["Ingress"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    service = objects(project)["Service"]["spec"]

    assert environment["WEBHOOK_URL"] == f"https://{rule['host']}{path['path']}"
    assert environment["WEBHOOK_PORT"] == str(port["containerPort"])
    assert objects(project)["Ingress"]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    assert path["backend"]["service"] == {
        "name": objects(project)["Service"]["metadata"]["name"],
        "port": {"name": service["ports"][0]["name"]},
    }
    assert service["ports"][0]["targetPort"] == port["name"]
    labels = objects(project)["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"] == labels


def test_fly_knows_every_key(project: Path) -> None:
    def check(table: dict[str, Any], name: str) -> None:
        for key, value in table.items():
            inner = [value] if isinstance(value, dict) else value
            if isinstance(inner, list):
                for each in inner:
                    check(each, f"{name}.{key}".lstrip("."))
            elif name != "env":
                assert key in FLY_KEYS[name], f"{name}: {key}"

    check(fly(project), "")
    assert fly(project)["app"] == SLUG
    if "http_service" in fly(project):
        assert fly(project)["env"]["WEBHOOK_URL"] == f"https://{SLUG}.fly.dev/telegram"
        port = fly(project)["http_service"]["internal_port"]
        assert fly(project)["env"]["WEBHOOK_PORT"] == str(port)


@pytest.mark.parametrize("slug", ["My_Bot", "3--bots"])
def test_names_are_what_each_place_allows(slug: str, render: Render) -> None:
    project = render(project_slug=slug, storage="redis")

    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", fly(project)["app"])
    assert {each["metadata"]["name"] for each in objects(project).values()} == {"bot"}
    assert unit(project)["StateDirectory"] == [slug]


def test_every_variable_is_a_setting_or_known_to_another_program(project: Path) -> None:
    files = [*(project / "deploy").iterdir(), project / "docs/deploying.md"]
    known = settings().union(*OF_OTHERS.values())
    for file in files:
        text = file.read_text()
        named = set(re.findall(r"(?<![A-Z_%])([A-Z]{2,}(?:_[A-Z]+)+)=?", text))
        named |= set(re.findall(r"\b([A-Z]{3,})=", text))
        unknown = named - known - {"AF_INET", "AF_UNIX", "NET_BIND_SERVICE"}
        assert not unknown, f"{file.name}: {unknown}"
    example = (project / ".env.example").read_text()
    for name in ("compose.yaml", "deploy/compose.webhook.yaml"):
        for variable in re.findall(r"\$\{(\w+)", (project / name).read_text()):
            assert f"\n{variable}=" in example, f"{name}: {variable}"


@pytest.mark.parametrize("storage", ["sqlite", "redis"])
def test_where_docker_is_not_wanted_there_is_the_unit_alone(storage: str, render: Render) -> None:
    project = render(storage=storage, docker=False)
    guide = (project / "docs/deploying.md").read_text()

    assert [file.name for file in (project / "deploy").iterdir()] == ["bot.service"]
    assert not re.search(r"docker|compose|kubectl|fly\b|railway", guide, re.IGNORECASE)
    assert "docs/deploying.md" in (project / "README.md").read_text()


# --- backup and restore, by the commands that the guide prints ---


def blocks(guide: str, title: str) -> list[list[str]]:
    """The commands below a bold title, by block."""
    section = re.split(r"\n\*\*|\n## ", guide.partition(f"\n**{title}**")[2])[0]
    found = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [re.findall(r"^\$ (.*)$", block, re.MULTILINE) for block in found]


# What the commands need besides the servers, and what Debian calls it.
PROGRAMS = {
    "sqlite3": "sqlite3",
    "redis-cli": "redis-tools",
    "pg_dump": "postgresql-client",
    "pg_restore": "postgresql-client",
}


class Administrator:
    """Types commands of the guide, on a machine whose folders are below `root`."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        for folder in ("lib/data", "etc", "bin"):
            (root / folder).mkdir(parents=True)
        (root / "etc/env").write_text(f"STORAGE_URL='{url}'\n")
        shims = {"sudo": 'exec "$@"', "bot": f'exec {sys.executable} -m bot "$@"'}
        for name, line in shims.items():
            (root / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
            (root / "bin" / name).chmod(0o755)
        self._places = {
            f"/var/lib/{SLUG}": f"{root}/lib",
            f"/etc/{SLUG}": f"{root}/etc",
            f"/var/backups/{SLUG}": f"{root}/backups",
            f"/opt/{SLUG}/bin/bot": f"{root}/bin/bot",
            "'/data/bot.db": f"'{root}/lib/data/bot.db",
            " /data/bot.db": f" {root}/lib/data/bot.db",
            "/tmp/copy.db": f"{root}/copy.db",
            "6390": str(free_port()),
        }
        self._place = re.compile("|".join(map(re.escape, self._places)))

    async def type(self, *commands: str) -> str:
        """Run the commands, all of which must succeed; returns what they say."""
        text = "\n".join(commands)
        # What goes into a container runs here.
        text = re.sub(r"docker compose (?:exec|run --rm) -T (?:--no-deps )?\w+ ", "", text)
        text = self._place.sub(lambda found: self._places[found[0]], text)
        folders = [f"{self.root}/bin", str(BIN), os.environ["PATH"]]
        for name, package in PROGRAMS.items():
            if name in text:
                folders.append(str(Path(find(name, package, "/usr/lib/postgresql/*/bin")).parent))
        shell = await asyncio.create_subprocess_exec(
            *("sh", "-ec", text),
            cwd=self.root,
            env={
                **{name: value for name, value in os.environ.items() if name != "STORAGE_URL"},
                "PATH": os.pathsep.join(folders),
                "PYTHONPATH": str(SOURCE),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await shell.communicate()
        assert shell.returncode == 0, f"{text}\n{said.decode()}"
        return said.decode()


USERS = 40


class Talk:
    """Users who do not stop talking, until the block ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.said = 0

    async def __aenter__(self) -> Talk:
        self._task = asyncio.create_task(self._go_on())
        return self

    async def __aexit__(self, *details: object) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))
        await self._world.until_confirmed()

    async def _go_on(self) -> None:
        while True:
            self._world.telegram.send_text(self.said % USERS + 1, f"message {self.said}")
            self.said += 1
            await asyncio.sleep(0.002)


async def remembered(url: str) -> dict[str, int]:
    store = open_storage(url)
    found = await counts(store)
    await store.close()
    return found


STORES = [
    ("sqlite", "The file", 0, 1),
    ("sqlite", "The file", 2, 3),
    pytest.param("redis", "The database", 0, 1, marks=pytest.mark.slow),
    pytest.param("postgres", "The table", 0, 1, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(
    ("storage", "title", "backup", "restore"),
    STORES,
    ids=["sqlite", "sqlite-in-a-container", "redis", "postgres"],
)
async def test_a_copy_made_while_the_bot_works_brings_its_moment_back(
    storage: str,
    title: str,
    backup: int,
    restore: int,
    render: Render,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guide = (render(storage=storage) / "docs/deploying.md").read_text()
    commands = blocks(guide, title)
    stop, *restoring, start = commands[restore]
    assert re.match(r"(sudo systemctl|docker compose) stop", stop)
    assert re.match(r"sudo systemctl start|docker compose up", start)
    place, *_ = blocks(guide, "Records as text")[0]
    world = World()

    (tmp_path / "lib").mkdir()
    with store_url(storage, tmp_path / "lib/data", monkeypatch) as url:
        (tmp_path / "lib").rmdir()
        administrator = Administrator(tmp_path, url)
        await administrator.type(place)
        async with world.bot_here(open_storage(url)) as app:
            # A copy has the leases of its moment, too. Those of real ones are over by the restore.
            app.sessions.checkouts.lease_for = 1.0
            app.sessions.checkouts._renewals.seconds = 0.3
            world.say(USERS, 2)
            await world.until_confirmed()
            async with Talk(world) as talk:
                await world.until_answered(2 * USERS + 20)
                said = talk.said
                await administrator.type(*commands[backup])
                assert talk.said > said
            world.say(USERS, 1)
            await world.until_confirmed()
        after = await remembered(url)

        await administrator.type(*restoring)

        restored = await remembered(url)
        assert restored.keys() == after.keys()
        assert sum(restored.values()) > 2 * USERS
        assert all(2 <= restored[key] < after[key] for key in after)
        async with world.bot_here(open_storage(url)):
            world.say(USERS, 1)
            await world.until_confirmed()
        assert await remembered(url) == {key: count + 1 for key, count in restored.items()}


@pytest.mark.parametrize(
    "docker",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["systemd", "container"],
)
async def test_records_are_exported_and_imported_beside_the_running_bot(
    docker: bool, render: Render, tmp_path: Path
) -> None:
    guide = (render(storage="sqlite") / "docs/deploying.md").read_text()
    (place, *on_the_machine), in_a_container = blocks(guide, "Records as text")
    export, bring_back = in_a_container if docker else on_the_machine
    url = f"sqlite:///{tmp_path}/lib/data/bot.db"
    administrator = Administrator(tmp_path, url)
    if docker:
        # The image says where the file is.
        export, bring_back = (f"STORAGE_URL={url} {line}" for line in (export, bring_back))
    await administrator.type(place)
    world = World()
    async with world.bot_here(open_storage(url)):
        world.say(USERS, 2)
        await world.until_confirmed()
        assert re.search("exported 4[01] records", await administrator.type(export))
        world.say(USERS, 1)
        await world.until_confirmed()
        assert f"replaced {USERS} records" in await administrator.type(bring_back)
        world.say(USERS, 1)
        await world.until_confirmed()

    assert await remembered(url) == {f"{user}_{user}": 3 for user in range(1, USERS + 1)}
