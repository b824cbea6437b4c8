"""What the Dockerfile does, done without Docker: install from the build context, run as it says."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import Render
from tests.test_projects import environment
from tests.test_render import files
from tests.test_wheel import says_where_the_harness_is

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the project and nothing for development, and beside it the sources."""
    project = render()
    context = tmp_path_factory.mktemp("image")
    _, *lines = (project / ".dockerignore").read_text().split()
    for line in lines:
        if line.startswith("!"):
            source, target = project / line[1:], context / line[1:]
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        elif "*" not in line:
            shutil.rmtree(context / line)
    install = "uv venv --quiet venv && uv pip install --quiet --python venv/bin/python ."
    subprocess.run(install, shell=True, cwd=context, env=environment(), check=True)  # noqa: S602
    return context


def test_everything_under_src_is_installed(image: Path) -> None:
    (site_packages,) = image.glob("venv/lib/python*/site-packages")

    assert files(image / "src") <= files(site_packages)
    assert not [name for name in files(site_packages) if "harness" in name]


@pytest.mark.parametrize("command", ["chat", "web"])
def test_what_needs_the_harness_says_where_it_is(command: str, image: Path, tmp_path: Path) -> None:
    says_where_the_harness_is(image / "venv/bin/python", command, tmp_path)


def test_development_tools_are_not_installed(image: Path) -> None:
    assert not list(image.glob("venv/bin/pytest"))


def test_the_command_says_what_is_missing_where_nothing_can_be_written(
    image: Path, render: Render, tmp_path: Path
) -> None:
    (line,) = re.findall(r"^CMD (.+)$", (render() / "Dockerfile").read_text(), re.MULTILINE)
    python, *arguments = json.loads(line)
    tmp_path.chmod(0o500)

    done = subprocess.run(
        [image / "venv/bin" / python, *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert "BOT_TOKEN" in done.stderr
    assert len(done.stderr.splitlines()) <= 6
