"""The generated pyproject.toml agrees with the template's own, and with what the code imports."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hooks.pre_gen_project import INSTALLED
from tests.support import ROOT, Render
from tests.test_render import STORAGES

DRIVERS = {
    "redis": "redis",
    "postgres": "asyncpg",
    "mongodb": "pymongo",
    "firestore": "google-cloud-firestore",
}
# Import names whose distribution is called otherwise, or comes with another one that is declared.
DISTRIBUTIONS = {
    "aiohttp": "aiogram",
    "yarl": "aiogram",
    "_pytest": "pytest",
    "prometheus_client": "prometheus-client",
    "prompt_toolkit": "prompt-toolkit",
    "pydantic_core": "pydantic",
    "pydantic_settings": "pydantic-settings",
    "typing_extensions": "pydantic-settings",
    "bson": "pymongo",
    "hiredis": "redis",
    "google": "google-cloud-firestore",
    "pytest_asyncio": "pytest-asyncio",
    "time_machine": "time-machine",
}
# What a setting asks for: nobody has to install it.
EXTRAS = {"metrics": "prometheus-client", "uvloop": "uvloop"}


def load(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]


def imports(folder: Path) -> set[str]:
    """The distributions that the Python below a folder imports, anywhere in its files."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module or "")
    modules = {name.split(".")[0] for name in found} - sys.stdlib_module_names
    own = {"bot", "toolkit", "tests", "conftest", "__future__"}
    return {DISTRIBUTIONS.get(module, module) for module in modules - own}


@pytest.mark.parametrize("tool", ["ruff", "mypy", "pytest"])
def test_checks_are_set_up_as_in_the_template(tool: str, render: Render) -> None:
    generated, own = (load(folder)["tool"][tool] for folder in (render(), ROOT))
    if tool == "ruff":
        del own["lint"]["per-file-ignores"]["benchmarks/**"]  # only the template has this folder

    assert generated == own


def installed(render: Render, **answers: Any) -> set[str]:
    """What a project needs and what its developer installs."""
    project = load(render(**answers))["project"]
    return {*project["dependencies"], *project["optional-dependencies"]["dev"]}


@pytest.mark.parametrize("storage", STORAGES)
def test_the_template_installs_what_the_project_installs(storage: str, render: Render) -> None:
    own = load(ROOT)["project"]["optional-dependencies"]

    assert installed(render, storage=storage) <= {*own["project"]}
    with_tests = installed(render, storage=storage, _toolkit_tests=True)
    assert with_tests <= {*own["project"], *own["test"]}


def test_the_template_installs_nothing_for_projects_that_none_of_them_installs(
    render: Render,
) -> None:
    own = {*load(ROOT)["project"]["optional-dependencies"]["project"]}

    assert own == set().union(*(installed(render, storage=storage) for storage in STORAGES))


@pytest.mark.parametrize("storage", STORAGES)
def test_only_the_driver_of_the_chosen_storage_is_installed(storage: str, render: Render) -> None:
    names = {name_of(line) for line in load(render(storage=storage))["project"]["dependencies"]}

    assert names & {*DRIVERS.values()} == ({DRIVERS[storage]} if storage in DRIVERS else set())


@pytest.mark.parametrize("toolkit_tests", [False, True])
@pytest.mark.parametrize("storage", STORAGES)
def test_everything_imported_is_declared(storage: str, toolkit_tests: bool, render: Render) -> None:
    project = render(storage=storage, _toolkit_tests=toolkit_tests)
    about = load(project)["project"]
    needed = {name_of(line) for line in about["dependencies"]}
    extras = dict(about["optional-dependencies"])
    dev = {name_of(line) for line in extras.pop("dev")}
    asked_for = {name_of(line) for extra in extras.values() for line in extra}

    # The harness is for development, and production code does not import it.
    assert imports(project / "src") <= needed | asked_for | {
        "prompt-toolkit",
        "pytest",
        "pytest-asyncio",
        "rich",
        "time-machine",
    }
    assert imports(project / "tests") <= needed | dev


def test_what_a_setting_asks_for_is_an_extra_and_not_installed_for_all(render: Render) -> None:
    about = load(render())["project"]
    extras = about["optional-dependencies"]

    assert {extra: name_of(*extras[extra]) for extra in EXTRAS} == EXTRAS
    assert not {name_of(line) for line in installed(render)} & {*EXTRAS.values()}
    assert {*EXTRAS.values()} <= INSTALLED


def test_the_license_is_said_in_the_metadata_too(render: Render) -> None:
    assert load(render(license="Apache-2.0"))["project"]["license"] == "Apache-2.0"
    assert load(render(license="none"))["project"]["license"] == "LicenseRef-Proprietary"
