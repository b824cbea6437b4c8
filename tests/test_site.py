"""`make site`: a site of all pages, where every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.make_site import lay_out
from tests.support import ROOT
from tests.test_projects import environment


def test_every_page_is_in_the_navigation(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    lay_out(pages)

    listed = re.findall(r"^   ([\w/-]+)$", (pages / "index.rst").read_text(), re.MULTILINE)

    there = {str(page.relative_to(pages).with_suffix("")) for page in pages.rglob("*.md")}
    assert {*listed} == there - {"README"}
    assert {"project/docs/reference", "docs/guarantees", "docs/storage", "docs/decisions"} <= there
    assert len(listed) == len({*listed})


@pytest.mark.slow
def test_the_site_is_built_and_its_pictures_are_there(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "site", f"SITE={tmp_path}", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    html = tmp_path / "html"
    for page in html.rglob("*.html"):
        for link in re.findall(r'(?:href|src|srcset)="([^":#?]+)["#?]', page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
            assert not link.endswith(".md"), f"{page.name}: {link}"
    assert "create_bot" in (html / "project/docs/reference.html").read_text()
