"""Whatever shop an owner has, and whatever the bot says in it, the project's tests stay green.

`SHOPS=200 pytest -m slow tests/test_shops.py` tries as many.
"""

from __future__ import annotations

import ast
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import TEMPLATE

pytestmark = pytest.mark.slow

SHOPS = int(os.environ.get("SHOPS", "1"))
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "UTC")
PARTS = ("src", "tests/bot", "tests/specs", "tests/shop.toml", "tests/conftest.py")
KEPT = re.compile(r"\w+_(words|format)")
"""Texts that are no sentences: words that users type, and patterns."""


def toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return str(value)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def hours(draw: st.DrawFn) -> list[str]:
    """The openings of a day: none, one, or several with breaks."""
    times = draw(st.lists(st.integers(0, 96), max_size=6, unique=True))
    edges = [15 * time for time in sorted(times)]
    return [f"{clock(a)}-{clock(b)}" for a, b in list(pairwise(edges))[::2]]


def longest(week: list[list[str]]) -> int:
    """Minutes of the longest opening."""
    edges = [re.findall(r"(\d\d):(\d\d)", text) for day in week for text in day]
    return max((int(c) * 60 + int(d) - int(a) * 60 - int(b) for (a, b), (c, d) in edges), default=0)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=24
)


@st.composite
def shops(draw: st.DrawFn) -> str:
    """The text of a shop.toml."""
    week = draw(st.lists(hours(), min_size=7, max_size=7).filter(longest))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=str.casefold))
    lines = [
        f"time_zone = {toml(draw(st.sampled_from(ZONES)))}",
        f"currency = {toml(draw(st.sampled_from(['EUR', 'USD', 'JPY', 'KWD'])))}",
        f"chairs = {draw(st.integers(1, 4))}",
        f"starts_every = {draw(st.integers(5, 180))}",
        f"bookable_days = {draw(st.integers(1, 60))}",
        f"minutes_to_answer = {draw(st.integers(1, 600))}",
        f"language = {toml(draw(st.sampled_from(['en', 'de'])))}",
        f"closed_on = [{', '.join(map(str, draw(st.lists(st.dates(), max_size=3))))}]",
        "[hours]",
        *(f"{day} = {toml(openings)}" for day, openings in zip(WEEKDAYS, week, strict=True)),
    ]
    for name in names:
        lines += ["[[services]]", f"name = {toml(name)}"]
        lines.append(f"minutes = {draw(st.integers(1, longest(week)))}")
        if draw(st.booleans()):
            price = draw(st.decimals(0, 1000, places=2))
            lines.append(f"price = {price}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it stands in the template, without the toolkit's own tests."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        copy: Callable[..., object] = shutil.copytree if (TEMPLATE / part).is_dir() else shutil.copy
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        copy(TEMPLATE / part, folder / part)
    settings = "[pytest]\nasyncio_mode = auto\npythonpath = src\n"
    (folder / "pytest.ini").write_text(settings)
    return folder


def assert_green(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "tests"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (project / "src/bot/shop.toml").read_text() + done.stdout[-4000:]


SHOP = (TEMPLATE / "src/bot/shop.toml").read_text(encoding="utf-8")
NAMED = {
    "services renamed, in German": SHOP.replace('name = "', 'name = "💇&<i>').replace(
        'language = "en"', 'language = "de"'
    ),
    "around the clock, closed on Mondays": SHOP.replace(
        'monday = ["09:00-18:00"]', "monday = []", 1
    ).replace("09:00-18:00", "00:00-24:00"),
    "another zone, free of charge": re.sub(
        r"price = \d+\n", "", SHOP.replace("Europe/Berlin", "America/Los_Angeles")
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_tests_stay_green_in_a_shop(project: Path, name: str) -> None:
    assert NAMED[name] != SHOP
    (project / "src/bot/shop.toml").write_text(NAMED[name], encoding="utf-8")
    assert_green(project)


@settings(
    max_examples=SHOPS,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(shop=shops(), seed=st.integers(0, 2**32))
def test_the_tests_stay_green_in_any_shop_that_says_anything(
    project: Path, shop: str, seed: int
) -> None:
    (project / "src/bot/shop.toml").write_text(shop, encoding="utf-8")
    reword(project, random.Random(seed))  # noqa: S311 - no secret
    assert_green(project)


def reword(project: Path, chance: random.Random) -> None:
    """Say everything in other words, as texts.py and as what the catalogue translates."""
    source = (TEMPLATE / "src/bot/texts.py").read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    spoken = sorted(sentences(source), key=lambda node: (-node.lineno, -node.col_offset))
    others = {str(node.value): in_other_words(str(node.value), chance) for node in spoken}
    for node in spoken:
        line = lines[node.lineno - 1].encode()
        other = repr(others[str(node.value)]).encode()
        changed = line[: node.col_offset] + other + line[node.end_col_offset :]
        lines[node.lineno - 1] = changed.decode()
    (project / "src/bot/texts.py").write_text("".join(lines), encoding="utf-8")

    reworded = Catalog(locale="de")
    with (TEMPLATE / "src/bot/locales/de.po").open("rb") as catalogue:
        for message in read_po(catalogue, locale="de"):
            if message.id:
                ids = message.id if isinstance(message.id, tuple) else (message.id,)
                said = tuple(others.get(str(each), str(each)) for each in ids)
                reworded.add(said if len(ids) > 1 else said[0], message.string)
    with (project / "src/bot/locales/de.po").open("wb") as catalogue:
        write_po(catalogue, reworded)


def in_other_words(text: str, chance: random.Random) -> str:
    """Return a text with the same fields."""
    words = [*re.findall(r"{\w+}", text), *(f"word{chance.randrange(10**6)}" for _ in "12")]
    chance.shuffle(words)
    return " ".join(words)


def sentences(source: str) -> Iterator[ast.Constant]:
    """Yield what `Texts` says, but for patterns and for what users type."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Name(id="Text" | "Label"), args=args),
            ):
                if not KEPT.fullmatch(name):
                    yield from (arg for arg in args if isinstance(arg, ast.Constant))
