"""docs/reference.md of a project lacks nothing, and no page names what is not there."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hooks import post_gen_project as hook
from scripts import make_reference
from tests.support import TEMPLATE, Render
from tests.test_documents import markdown, targets
from tests.test_render import STORAGES, files

sys.path.insert(0, str(TEMPLATE / "src"))

LEAST = {"example": "blank", "storage": "memory", "docker": False, "ci": False, "license": "none"}
VARIANTS: dict[str, dict[str, Any]] = {
    **{storage: {"storage": storage} for storage in STORAGES},
    "least": LEAST,
    "blank": {"example": "blank", "storage": "postgres", "docker": False},
}
COMMANDS = (
    "bot",
    "toolkit.harness",
    "toolkit.harness.fake_telegram",
    "toolkit.harness.simulator",
)
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
OF_OTHERS = re.compile(r"(PG|GOOGLE|FIRESTORE|COMPOSE|FLY|RAILWAY|OTEL|SENTRY)_?[A-Z_]+")
"""Variables that drivers, platforms and tools read."""
CHANGES = re.compile(r"^\*\*[\w./-]+\*\*$", re.MULTILINE)
"""A block of code that changes the project, under the name of a file."""


@pytest.fixture(scope="module", params=VARIANTS)
def project(request: pytest.FixtureRequest, render: Render) -> Path:
    return render(**VARIANTS[request.param])


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return (project / "docs/reference.md").read_text()


def section(page: str, heading: str) -> str:
    """Return what stands below a heading of the page, without deeper ones."""
    return re.split(r"^#", page.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def entries(text: str) -> set[str]:
    """Return the names that have a heading or a line of a list or of a table to themselves."""
    lines = re.findall(r"^(?:#+|-|\|) (`[^:|]*?`(?:, `\w+`)*)(?::| \||$|, for)", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line)}


# What is there is on the page.


def test_the_page_is_up_to_date() -> None:
    assert make_reference.PAGE.read_text() == make_reference.make_page(), (
        "run scripts/make_reference.py"
    )


def test_every_public_name_has_an_entry(page: str) -> None:
    modules = ("toolkit", "toolkit.harness", "toolkit.harness.conformance")
    names = {name for module in modules for name in import_module(module).__all__}
    keyboards = import_module("toolkit.keyboards")
    names |= {
        name
        for name, each in vars(keyboards).items()
        if each.__class__ is type(entries) and each.__module__ == keyboards.__name__
    }

    assert names <= entries(page)
    headings = {*re.findall(r"^### `(.*)`$", page, re.MULTILINE)}
    assert headings - names == {"telegram.faults", *(f"python -m {name}" for name in COMMANDS)}


@pytest.mark.parametrize("path", ["create_bot", "BotApp.start_polling", "BotApp.start_webhook"])
def test_a_list_of_arguments_is_whole(path: str) -> None:
    of, _, name = path.rpartition(".")
    found: object = make_reference.find(f"toolkit.{of or name}")[1]
    if of:
        found = make_reference.all_members(f"toolkit.{of}")[name][0]
    assert isinstance(found, make_reference.Function)
    arguments = found.args
    names = [each.arg for each in (*arguments.args, *arguments.kwonlyargs) if each.arg != "self"]

    listed = re.findall(r"^- `\**(\w+)`: ", ast.get_docstring(found) or "", re.MULTILINE)

    more = [each.arg for each in (arguments.vararg, arguments.kwarg) if each]
    assert {*listed} == {*names, *more}


def test_every_make_target_has_an_entry(project: Path, page: str) -> None:
    named = re.findall(r"^- `make ([\w-]+)`: ", section(page, "### With make"), re.MULTILINE)

    assert {*named} == targets(project) - {"help"}


def test_every_environment_variable_has_an_entry(project: Path, page: str) -> None:
    assert variables(project) <= entries(section(page, "## Environment variables"))


def variables(project: Path) -> set[str]:
    """Return the environment variables that the code, the Makefile and compose.yaml read."""
    settings = re.findall(r"^#?([A-Z_]+)=", (project / ".env.example").read_text(), re.MULTILINE)
    found = {*settings}
    for file in (project / "src").rglob("*.py"):
        text = file.read_text()
        if "environ" in text or "getenv" in text:
            constants = (
                node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)
            )
            found |= {
                each for each in constants if isinstance(each, str) and VARIABLE.fullmatch(each)
            }
    makefile = (project / "Makefile").read_text()
    own = re.findall(r"^(?:export )?([A-Z_]+) :?=", makefile, re.MULTILINE)
    read = re.findall(r"\$\((?:if |or )?\$?\(?([A-Z_]+)\)?", makefile)
    found |= {*read} - {*own, "CURDIR", "PATH"}
    if (project / "compose.yaml").exists():
        found |= {*re.findall(r"\$\{([A-Z_]+)", (project / "compose.yaml").read_text())}
    return found


def test_every_field_of_a_spec_has_an_entry(page: str) -> None:
    from toolkit.harness.fake_telegram import faults
    from toolkit.harness.specs import matching, scene, sends, spec

    def fields(item: dict[str, Any]) -> set[str]:
        """Return what is allowed where `item` has a field that is not, as the message says."""
        with pytest.raises(spec.SpecError, match="unknown field") as refused:
            spec.parse_specs(item, "a file")
        return {*str(refused.value).partition("it may be ")[2].split(", ")}

    step = {"send": {"text": "hi"}, "expect": []}
    tables = {
        "file": fields({"specs": [], "odd": 1}),
        "spec": fields({"odd": 1}),
        "step": fields({"name": "a", "steps": [{"odd": 1}]}),
        "`given`": fields({"name": "a", "steps": [step], "given": {"odd": 1}}),
        "`send`": {name for kind in sends.SENDS.values() for name in kind},
        "user": {*scene.USER},
        "chat": {*scene.CHAT},
        "fault": {*faults.FIELDS},
    }
    below = section(page, "## Dialogues as data")
    for name, known in tables.items():
        table = re.split(rf"^\| field of (?:an? )?{name} \|.*\n", below, flags=re.MULTILINE)[1]
        assert entries(table.partition("\n\n")[0]) == known, name
    assert {*re.findall(r"^\| `\{\"(\$\w+)\"", below, re.MULTILINE)} == {*matching.MATCHERS}


def test_every_fixture_and_option_of_the_plugin_has_an_entry(page: str) -> None:
    plugin = ast.parse((TEMPLATE / "src/toolkit/harness/pytest_plugin.py").read_text())
    fixtures = {
        node.name
        for node in plugin.body
        if isinstance(node, make_reference.Function)
        and any(ast.unparse(each).endswith("fixture") for each in node.decorator_list)
    }
    options = {
        str(ast.literal_eval(node.args[0]))
        for node in ast.walk(plugin)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "parser.addini"
    }

    assert entries(section(page, "## Tests in Python")) == fixtures | options


async def test_handlers_get_what_the_page_says(render: Render) -> None:
    from aiogram.types import Message

    from bot.app import make_bot
    from toolkit.harness import Person, RunningBot

    page = (render() / "docs/reference.md").read_text()
    rows = re.findall(r"^\| (`\w+: .*?) \| ", section(page, "## What handlers get"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+): ", row)}
    seen: dict[str, Any] = {}

    async def note(message: Message, album: list[Message], **data: Any) -> None:
        seen.update(data, album=album)

    def noting() -> Any:
        app = make_bot()
        app.message.register(note)
        return app

    async with RunningBot(noting) as running:
        await Person(running, 1, "Ann").say("hello")

    assert named
    assert named <= {*seen}


# What is on a page is there. Pages that change the project make what they name.


def documents(project: Path) -> list[Path]:
    """Return the pages that describe the project as it is."""
    return [page for page in markdown(project) if not CHANGES.search(page.read_text())]


def test_no_page_names_a_file_that_this_project_does_not_have(project: Path) -> None:
    pruned = files(TEMPLATE) - files(project)
    absent = {name for name in pruned if not name.startswith((hook.BLANK, "tests/toolkit"))}
    absent |= {Path(name).name for name in absent} - {Path(name).name for name in files(project)}
    for document in [*documents(project), project / ".env.example", project / "Makefile"]:
        words = {*re.findall(r"[\w.][\w./-]*\w", document.read_text())}
        assert sorted(words & absent) == [], document.name


def test_every_module_that_a_page_names_exists(project: Path) -> None:
    # bot.example.com and bot.jsonl are none of ours.
    ours = "|".join({path.stem for path in (TEMPLATE / "src/bot").iterdir()})
    named = re.compile(rf"(?<![\w/.-])(?:toolkit|bot(?=\.(?:{ours})\b))(?:\.\w+)+")
    for document in documents(project):
        for name in named.findall(document.read_text()):
            assert _is_there(project / "src", name.split(".")), f"{document.name}: {name}"


def _is_there(source: Path, name: list[str]) -> bool:
    """Tell whether it is a module, or something that a module speaks of."""
    module = source.joinpath(*name)
    if module.is_dir() or module.with_suffix(".py").is_file():
        return True
    *home, last = name
    places = [source.joinpath(*home).with_suffix(".py")]
    places += [source.joinpath(*home, f"__init__{end}") for end in (".py", ".pyi")]
    return any(re.search(rf"\b{last}\b", file.read_text()) for file in places if file.is_file())


def test_every_variable_that_a_page_names_is_read(project: Path) -> None:
    # Constants and errors look like variables, and stand in the code as well.
    code = "\n".join(file.read_text() for file in (project / "src").rglob("*.py"))
    known = {*re.findall(rf"\b{VARIABLE.pattern}\b", code)} | variables(project)
    for document in documents(project):
        named = {*re.findall(rf"`({VARIABLE.pattern})(?:=[^`]*)?`", document.read_text())}
        assert {name for name in named if not OF_OTHERS.fullmatch(name)} <= known, document.name


def test_every_command_that_a_page_names_exists(project: Path) -> None:
    parsers = {name: make_reference.parser_of(name) for name in COMMANDS}
    for document in markdown(project):
        for line in _lines_of_code(document.read_text()):
            for found in re.finditer(r"(?:python -m|uv run) (bot|toolkit\.[\w.]+)(.*)", line):
                problem = _unknown(parsers[found[1]], found[2])
                assert not problem, f"{document.name}: {line}: there is no {problem}"


def _lines_of_code(text: str) -> Iterator[str]:
    yield from re.findall(r"`([^`\n]+)`", text)
    for block in re.findall(r"^```(?:sh|console|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.sub(r"\\\n", "", block).split("\n")


def _unknown(parser: argparse.ArgumentParser, given: str) -> str | None:
    """Return the first command or flag that the parser does not know."""
    for word in shlex.split(re.split(r"[|;&#>]|,|\)", given)[0]):
        commands = make_reference.subcommands(parser)
        if word.startswith("--"):
            flags = [
                flag for each in make_reference.arguments(parser) for flag in each.option_strings
            ]
            if word.partition("=")[0] not in (*flags, "--help"):
                return word
        elif word in commands:
            parser = commands[word][0]
        elif commands and re.fullmatch(r"[a-z-]+", word):
            return word
    return None
