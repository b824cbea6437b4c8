"""What the Markdown and env files say exists."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support import ROOT, TEMPLATE, Render
from tests.test_render import STORAGES

LINK = re.compile(r"""\]\(<?([^)\s>]+)|(?:href|src|srcset)="([^"]+)"|^\[[^\]]+\]: (\S+)""", re.M)
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)


def markdown(folder: Path) -> list[Path]:
    return [
        page for place in ("", "docs/**/", "deploy/**/") for page in folder.glob(f"{place}*.md")
    ]


@pytest.fixture(scope="module", params=["template", *STORAGES, "blank"])
def repository(request: pytest.FixtureRequest, render: Render) -> Path:
    if request.param == "blank":
        return render(example="blank", docker=False, ci=False, license="none")
    return ROOT if request.param == "template" else render(storage=request.param)


def targets(folder: Path) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (folder / "Makefile").read_text(), re.MULTILINE))


def test_links_lead_to_files_and_headings(repository: Path) -> None:
    for page in markdown(repository):
        for found in LINK.finditer(FENCED.sub("", page.read_text())):
            link = next(filter(None, found.groups()))
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if re.match(r"\w+:", link):
                assert re.match(r"https://[\w-]+(\.[\w-]+)+(/|$)", link), f"{page.name}: {link}"
            else:
                assert target.exists(), f"{page.name}: {link}"
                assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    found: list[str] = []
    for heading in re.findall(r"^#+ +(.*)$", FENCED.sub("", page.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.append(re.sub(r"[^\w -]", "", text).replace(" ", "-"))
    return {
        anchor if found[:number].count(anchor) == 0 else f"{anchor}-{found[:number].count(anchor)}"
        for number, anchor in enumerate(found)
    }


def test_paths_in_backticks_exist(repository: Path) -> None:
    # The template's pages speak of the project's files too.
    folders = [ROOT, TEMPLATE] if repository == ROOT else [repository]
    for page in markdown(repository):
        for path in re.findall(
            r"`((?:src|tests|docs|deploy|hooks|templates)/[\w./*-]*)`", page.read_text()
        ):
            found = [match for folder in folders for match in folder.glob(path.rstrip("/"))]
            assert found, f"{page.name}: {path}"


def test_the_place_to_publish_at_is_named_where_the_readme_says_and_nowhere_else() -> None:
    place = json.loads((ROOT / "cookiecutter.json").read_text())["_published_as"]
    git = ["git", "-C", str(ROOT), "grep", "--files-with-matches", "--fixed-strings", place]
    found = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split()

    assert {*found} == {"README.md", "cookiecutter.json"}


def test_make_targets_that_are_named_exist(repository: Path) -> None:
    known = targets(repository) | (targets(TEMPLATE) if repository == ROOT else set())
    for page in markdown(repository):
        named = re.findall(
            r"(?:`|\$ |\| |^ {4})make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE
        )
        assert {*named} <= known, page.name


def test_make_help_explains_every_target(repository: Path) -> None:
    help_text = subprocess.run(
        ["make", "help"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout

    explained = re.findall(r"^ *make ([a-z-]+)  ", help_text, re.MULTILINE)

    assert {*explained} == targets(repository) - {"help"}


def test_the_first_screen_says_what_to_type(repository: Path) -> None:
    first_screen = "\n".join((repository / "README.md").read_text().split("\n")[:15])
    wanted = (
        ["make demo", "make test"] if repository == ROOT else ["make chat", "make test", "make run"]
    )

    assert all(command in first_screen for command in wanted)


def test_the_version_has_a_dated_section_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert json.loads((ROOT / "cookiecutter.json").read_text())["_version"] == version
    dated = rf"^## \[{re.escape(version)}\] - 20\d\d-\d\d-\d\d$"

    assert re.search(dated, (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_map_for_assistants_fits_a_screen(repository: Path) -> None:
    if repository != ROOT:
        assert len((repository / "AGENTS.md").read_text().split("\n")) <= 41


@pytest.mark.parametrize("storage", STORAGES)
def test_every_setting_is_in_the_example_and_nothing_else(storage: str, render: Render) -> None:
    project = render(storage=storage, docker=False)
    example = (project / ".env.example").read_text()
    settings = (project / "src/bot/settings.py").read_text().partition("class Settings(")[2]

    names = re.findall(
        r"^    (\w+): (?!.*SettingsConfigDict)", settings.partition("\n    @")[0], re.MULTILINE
    )

    shown = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    assert [name.upper() for name in names] == shown
    for name in shown:
        before = re.split(rf"\n#?{name}=", example)[0].rsplit("\n", 1)[1]
        assert before.startswith("# "), f"{name} is not explained"
