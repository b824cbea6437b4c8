"""Docker and GitHub files, of the template and of projects, pass the linters made for them."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT, Render
from tests.test_render import STORAGES

BIN = Path(sys.executable).parent


def lint(folder: Path, *command: str) -> None:
    """Run one of the linters in the template's environment; its output is the failure."""
    tool, *arguments = command
    done = subprocess.run(
        [BIN / tool, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(render: Render) -> Path:
    return render()


@pytest.fixture(scope="module", params=["template", "project"])
def repository(request: pytest.FixtureRequest, project: Path) -> Path:
    """The template itself, or what it generates."""
    return ROOT if request.param == "template" else project


def workflow(folder: Path) -> dict[str, Any]:
    text = (folder / ".github/workflows/check.yml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def steps(folder: Path) -> list[dict[str, str]]:
    return list(
        itertools.chain.from_iterable(job["steps"] for job in workflow(folder)["jobs"].values())
    )


def test_workflows_pass_actionlint(repository: Path) -> None:
    lint(repository, "actionlint", "-no-color", ".github/workflows/check.yml")


def test_workflows_pass_zizmor(repository: Path) -> None:
    lint(repository, "zizmor", "--offline", "--no-config", "--persona", "pedantic", ".github")


def test_workflows_and_dependabot_have_the_right_shape(repository: Path) -> None:
    for schema, file in (
        ("github-workflows", "workflows/check.yml"),
        ("dependabot", "dependabot.yml"),
    ):
        lint(
            repository,
            "check-jsonschema",
            "--builtin-schema",
            f"vendor.{schema}",
            f".github/{file}",
        )


def test_workflows_may_only_read_but_for_the_branches_of_the_template(repository: Path) -> None:
    jobs = workflow(repository)["jobs"]

    assert workflow(repository)["permissions"] == {"contents": "read"}
    assert {name for name, job in jobs.items() if "permissions" in job} <= {"rendered"}
    assert ("rendered" in jobs) is (repository == ROOT)


def test_actions_are_pinned_by_hash_and_say_their_version(repository: Path) -> None:
    text = (repository / ".github/workflows/check.yml").read_text()

    uses = re.findall(r"uses: (.+)", text)

    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_the_project_checks_on_ci_what_the_readme_tells_people_to_run(project: Path) -> None:
    readme = (project / "README.md").read_text()
    commands = [step["run"] for step in steps(project) if "run" in step]

    assert commands == ["make check", "make test"]
    assert all(f"`{command}`" in readme for command in commands)


@pytest.mark.parametrize("storage", STORAGES)
def test_servers_are_installed_on_ci_only_for_the_tests_of_the_toolkit(
    storage: str, render: Render
) -> None:
    server = {"redis": "redis-server", "postgres": "pgbouncer", "firestore": "emulator"}

    for project in (render(storage=storage), render(storage=storage, _toolkit_tests=True)):
        *setup, check, test = [step["run"] for step in steps(project) if "run" in step]
        assert (check, test) == ("make check", "make test")
        needed = storage in server and (project / "tests/toolkit").is_dir()
        assert len(setup) == needed
        assert server.get(storage, "") in "".join(setup) or not needed
        lint(project, "actionlint", "-no-color", ".github/workflows/check.yml")


def test_the_template_does_on_ci_what_it_does_here() -> None:
    commands = [step["run"] for step in steps(ROOT) if "run" in step]
    assert commands[:4] == ["bash .ci/run", "make demo", "make lowest", "make in-place"]
    assert "python scripts/render_branches.py" in commands
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_hooks_before_a_commit_are_local_and_use_what_make_check_has_installed() -> None:
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())

    assert [repository["repo"] for repository in settings["repos"]] == ["local"]
    for hook in settings["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        (tool,) = re.findall(r"\.venv/bin/(\w+)", hook["entry"])
        assert f"$(BIN)/{tool} " in (ROOT / "Makefile").read_text()


def test_without_docker_no_image_is_watched(render: Render) -> None:
    text = (render(docker=False) / ".github/dependabot.yml").read_text()

    assert [row["package-ecosystem"] for row in yaml.safe_load(text)["updates"]] == [
        "pip",
        "github-actions",
    ]


@pytest.mark.parametrize("storage", STORAGES)
def test_the_dockerfile_passes_hadolint(storage: str, render: Render) -> None:
    lint(render(storage=storage), "hadolint", "--no-color", "Dockerfile")


def test_the_image_runs_as_nobody_in_particular_and_writes_to_one_place(project: Path) -> None:
    lines = (project / "Dockerfile").read_text().split("\n")

    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert "USER 10001" in lines
    assert [line for line in lines if line.startswith("VOLUME")] == ["VOLUME /data"]
    assert any(line.startswith("HEALTHCHECK ") for line in lines)


def test_the_build_context_holds_what_the_image_is_made_of_and_nothing_else(project: Path) -> None:
    ignore = (project / ".dockerignore").read_text().split()
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (project / "Dockerfile").read_text(), re.MULTILINE
    )

    assert ignore[0] == "*"
    assert {name.removeprefix("!") for name in ignore if name.startswith("!")} == {
        name.removesuffix("*") for line in copied for name in line.split()
    }
    assert "src/toolkit/harness" in ignore


def test_the_health_check_wants_a_fresh_heartbeat(project: Path, tmp_path: Path) -> None:
    dockerfile = (project / "Dockerfile").read_text()
    command = json.loads(re.findall(r"^    CMD (.+)$", dockerfile, re.MULTILINE)[0])
    heartbeat = tmp_path / "heartbeat"
    command = [part.replace("/data/heartbeat", str(heartbeat)) for part in command]

    def healthy() -> bool:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert "HEARTBEAT_FILE=/data/heartbeat" in dockerfile
    assert not healthy()
    heartbeat.touch()
    assert healthy()
    os.utime(heartbeat, (0, 0))
    assert not healthy()


@pytest.mark.parametrize("storage", STORAGES)
def test_compose_has_the_right_shape(storage: str, render: Render) -> None:
    project = render(storage=storage)

    lint(project, "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    services = yaml.safe_load((project / "compose.yaml").read_text())["services"]

    assert services["bot"]["read_only"] is True
    assert services["bot"]["volumes"] == ["data:/data"]
    for name, service in services.items():
        assert name == "bot" or "healthcheck" in service
        assert name == "bot" or services["bot"]["depends_on"][name] == {
            "condition": "service_healthy"
        }


@pytest.mark.parametrize("storage", STORAGES)
def test_no_password_is_part_of_a_url_in_compose(storage: str, render: Render) -> None:
    settings = yaml.safe_load((render(storage=storage) / "compose.yaml").read_text())["services"]
    environment = settings["bot"]["environment"]

    assert "$" not in environment["STORAGE_URL"]
    if storage == "postgres":
        assert environment["PGPASSWORD"] == "${POSTGRES_PASSWORD}"


def test_compose_starts_a_bot_again_that_is_stuck(project: Path) -> None:
    bot = yaml.safe_load((project / "compose.yaml").read_text())["services"]["bot"]

    # It does so when the process has ended, and not when the container is unhealthy.
    assert bot["restart"] == "unless-stopped"
    assert bot["environment"]["WATCHDOG_SECONDS"] == "${WATCHDOG_SECONDS:-60}"
