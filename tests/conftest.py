"""The fixture that every meta-test of a generated project uses."""

import functools
import sys
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `hooks` and `tests.support`

from tests.support import ROOT, Render


class ByParameter(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps tests of one file on one worker when they have the same parameter, or none.

    So a worker builds a project once for all its tests. xdist's own groups do not work with the
    node ids of pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return f"{file}[{test.partition('[')[2]}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByParameter:
    """Tell xdist how to share the tests out."""
    return ByParameter(config, log)


@pytest.fixture(scope="session")
def cookiecutter_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that keeps cookiecutter out of the home directory."""
    folder = tmp_path_factory.mktemp("cookiecutter")
    config = folder / "config.yaml"
    config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/cloned\n")
    return config


@pytest.fixture(scope="session")
def render(cookiecutter_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render the template with the given answers, defaults for the rest, and return the project.

    Without an output folder the project is only to be looked at: it is shared between tests.
    """

    def render(output: Path, **answers: Any) -> Path:
        made = cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context=answers,
            output_dir=str(output),
            config_file=str(cookiecutter_config),
        )
        return Path(made)

    @functools.cache
    def shared(**answers: Any) -> Path:
        return render(tmp_path_factory.mktemp("rendered"), **answers)

    return lambda output=None, **answers: render(output, **answers) if output else shared(**answers)
