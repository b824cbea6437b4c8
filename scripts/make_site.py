"""Build the documentation as a site: the pages of the template, and those of a generated project.

The pages keep the places that they have to each other, so that their links hold:

    .                    README.md, CONTRIBUTING.md, SECURITY.md, CHANGELOG.md
    docs/                explanations: guarantees, storage, decisions, performance
    project/, .../docs/  the README and the pages of a project with the default answers

A link that leads nowhere ends the build, as does a page that the navigation cannot reach.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "site"

ORDER = (
    "tutorial",
    "sessions",
    "talks",
    "timers",
    "testing",
    "simulator",
    "deploying",
    "operating",
    "reference",
)
"""Of a project's pages in the navigation; others stand before the last, by name."""


def main() -> None:
    """Build the site, and say where it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--to", type=Path, default=BUILD, metavar="FOLDER", help=f"default: {BUILD}"
    )
    build = parser.parse_args().to
    pages, site = build / "pages", build / "html"
    for old in (pages, site):
        shutil.rmtree(old, ignore_errors=True)
    lay_out(pages)
    sphinx = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    config = ["-c", str(ROOT / "docs/site"), "-d", str(build / "cache"), "-E"]
    if code := subprocess.run([*sphinx, *config, str(pages), str(site)], check=False).returncode:  # noqa: S603
        sys.exit(code)
    # Those in HTML of a page are none of Sphinx's.
    shutil.copytree(ROOT / "docs/pictures", site / "docs/pictures")
    sys.stdout.write(f"The site is {site}/index.html\n")


def lay_out(pages: Path) -> None:
    """Put all pages below the folder, and an index."""
    pages.mkdir(parents=True)
    for page in ROOT.glob("*.md"):
        shutil.copy(page, pages)
    shutil.copy(ROOT / "LICENSE", pages)
    shutil.copytree(ROOT / "docs", pages / "docs", ignore=shutil.ignore_patterns("site"))
    project = render(pages / "rendered")
    (pages / "project").mkdir()
    for name in ("README.md", "LICENSE", "docs"):
        shutil.move(project / name, pages / "project" / name)
    shutil.rmtree(pages / "rendered")
    (pages / "index.rst").write_text(index(pages), encoding="utf-8")


def render(folder: Path) -> Path:
    """Return a project with the default answers, whatever the user's own defaults are."""
    folder.mkdir()
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/cloned\n")
    made = folder / "made"
    command = [
        sys.executable,
        "-m",
        "cookiecutter",
        str(ROOT),
        "--no-input",
        "--output-dir",
        str(made),
    ]
    subprocess.run([*command, "--config-file", str(config)], capture_output=True, check=True)  # noqa: S603
    return next(made.iterdir())


def index(pages: Path) -> str:
    """Return the first page: the README of the template, and the navigation."""
    parts = {"A generated project": ["project/README"]}
    for name in sorted(names(pages / "project/docs"), key=_place):
        folder = name.rpartition("/")[0]
        caption = folder.replace("-", " ").capitalize() or "A generated project"
        parts.setdefault(caption, []).append(f"project/docs/{name}")
    parts["Explanations"] = [f"docs/{name}" for name in names(pages / "docs")]
    parts["The template"] = [
        page.stem for page in sorted(pages.glob("*.md")) if page.stem != "README"
    ]
    text = ".. include:: README.md\n   :parser: myst_parser.sphinx_\n"
    for caption, listed in parts.items():
        lines = "".join(f"   {name}\n" for name in listed)
        text += f"\n.. toctree::\n   :hidden:\n   :caption: {caption}\n\n{lines}"
    return text


def names(folder: Path) -> list[str]:
    """Return the pages below a folder, without their suffix."""
    return sorted(
        page.relative_to(folder).with_suffix("").as_posix() for page in folder.rglob("*.md")
    )


def _place(name: str) -> tuple[int, bool, str]:
    first = name.partition("/")[0]
    place = ORDER.index(first) if first in ORDER else len(ORDER) - 1
    return place, name == ORDER[-1], "" if name.endswith("README") else name


if __name__ == "__main__":
    main()
