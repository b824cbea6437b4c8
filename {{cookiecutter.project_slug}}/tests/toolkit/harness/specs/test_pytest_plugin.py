"""The pytest plugin, run by a pytest inside this one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toolkit

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.usefixtures("inner_pytest_imports")

CONFTEST = """
    pytest_plugins = ["pytest_asyncio.plugin", "toolkit.harness.pytest_plugin"]
"""

BOT = """
    from aiogram import Router
    from aiogram.types import Message
    from toolkit import create_bot

    def make_bot():
        router = Router()

        @router.message()
        async def echo(message: Message) -> None:
            await message.answer(f"You said {message.text}")

        return create_bot("42:offline", initial=dict, routers=[router])
"""


def says(text: str, answer: str, name: str) -> dict[str, Any]:
    expect = [{"method": "sendMessage", "payload": {"text": answer}}]
    return {"name": name, "steps": [{"send": {"text": text}, "expect": expect}]}


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with an echo bot and two specs, of which the second fails."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(toolkit.__file__).parents[1]))
    pytester.makeconftest(CONFTEST)
    pytester.makepyprojecttoml("""
        [tool.pytest.ini_options]
        pythonpath = ["."]
        asyncio_mode = "auto"
        asyncio_default_fixture_loop_scope = "function"
        bot_factory = "echo_bot:make_bot"
    """)
    pytester.makepyfile(echo_bot=BOT)
    write_specs(pytester, "echo", says("hi", "You said hi", "passes"), says("hi", "Hi", "fails"))
    return pytester


def write_specs(pytester: pytest.Pytester, name: str, *specs: dict[str, Any]) -> Path:
    file: Path = pytester.mkdir("specs") / f"{name}.json"
    file.write_text(json.dumps(specs))
    return file


def node_ids(run: Callable[..., Any], *arguments: str) -> list[str]:
    result = run("--collect-only", "-q", *arguments)
    return [line for line in result.outlines if "::" in line]


def test_every_spec_is_an_item_of_its_own(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ fails _*",
            'step 1 of 1 sent {"text": "hi"}',
            '  - sendMessage {"text": "Hi"}',
            '  + sendMessage {*"text": "You said hi"*',
            "the nearest to *",
            '  payload.text: expected "Hi"',
            '                captured "You said hi"',
            "FAILED specs/echo.json::fails*",
        ]
    )
    result.stdout.no_fnmatch_line("*runner.py*")


def test_items_are_chosen_by_name_by_id_and_by_what_failed_last(project: pytest.Pytester) -> None:
    run = project.runpytest_inprocess
    assert node_ids(run, "-k", "passes") == ["specs/echo.json::passes"]
    assert node_ids(run, "specs/echo.json::fails") == ["specs/echo.json::fails"]
    run()
    run("--lf").assert_outcomes(failed=1)


def test_names_become_ids_that_are_unique_and_can_be_typed(project: pytest.Pytester) -> None:
    names = ["twice", "twice", "a::b\n c", "кафе ☕"]
    write_file = project.path / "specs" / "names.json"
    write_file.write_text(json.dumps([says("hi", "You said hi", name) for name in names]))
    ids = node_ids(project.runpytest_inprocess, "specs/names.json")
    expected = ["twice", "twice (2)", "a:b c", "кафе ☕"]
    assert ids == [f"specs/names.json::{name}" for name in expected]


def test_a_malformed_file_is_an_error_of_that_file_alone(project: pytest.Pytester) -> None:
    (project.path / "specs" / "broken.json").write_text('{"name": "a", "steps": [{}]}')
    result = project.runpytest_inprocess("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*specs/broken.json, spec 1 (a), step 1, send: is missing; *"])


def test_other_json_files_are_left_alone(project: pytest.Pytester) -> None:
    (project.path / "data.json").write_text("7")
    assert len(node_ids(project.runpytest_inprocess)) == 2


def test_patterns_of_spec_files_can_be_set(project: pytest.Pytester) -> None:
    project.mkdir("dialogues").joinpath("a.json").write_text(json.dumps(says("a", "a", "here")))
    ids = node_ids(project.runpytest_inprocess, "-o", "spec_files=dialogues/*.json")
    assert ids == ["dialogues/a.json::here"]


def test_a_conftest_may_replace_the_bot_of_specs_and_of_people(project: pytest.Pytester) -> None:
    project.makeconftest(
        CONFTEST
        + """
    import pytest

    @pytest.fixture
    def make_bot(tmp_path):
        from aiogram import Router
        from toolkit import create_bot

        def make_bot():
            router = Router()

            @router.message()
            async def greet(message):
                await message.answer("Hi")

            return create_bot("42:offline", initial=dict, routers=[router])

        return make_bot
        """
    )
    project.makepyfile(
        test_people="""
        async def test_greeting(person, another_person, group):
            await person.say("hello")
            person.sees("Hi")
            await another_person.at(group).say("hello")
            another_person.at(group)
        """
    )
    project.runpytest_inprocess("-k", "fails or greeting").assert_outcomes(passed=2)


def test_a_run_without_specs_never_imports_aiogram(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_nothing="""
        import sys

        def test_nothing():
            assert "aiogram" not in sys.modules
            assert "toolkit.harness.fake_telegram" not in sys.modules
        """
    )
    result = project.runpytest_subprocess("test_nothing.py", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


@pytest.mark.slow
def test_specs_are_spread_over_xdist_workers(project: pytest.Pytester) -> None:
    # This bot fails before anything heavy is imported in each of the workers.
    project.makepyfile(echo_bot="def make_bot():\n    raise RuntimeError('not today')")
    result = project.runpytest_subprocess("-p", "xdist", "-n", "2")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*RuntimeError: not today*"])


HARD_BOT = """
    from aiogram import Router
    from aiogram.filters import Command
    from aiogram.types import Message
    from toolkit import create_bot

    LAST = {}

    def make_bot(*, storage=None):
        router = Router()

        @router.message(Command("start"))
        async def start(message: Message) -> None:
            await message.answer("Hello.")

        @router.message(Command("keep"))
        async def keep(message: Message) -> None:
            LAST[message.chat.id] = message.message_id
            await message.answer("Kept.")

        @router.message(Command("stop"))
        async def stop(message: Message) -> None:
            await message.answer("Bye.")

        commands = {"start": "Begin", "stop": "End"}
        return create_bot("42:a", initial=dict, storage=storage, routers=[router],
                          commands=commands)
"""


def test_hard_specs_are_asked_for_more_and_keep_their_names(project: pytest.Pytester) -> None:
    project.makepyfile(echo_bot=HARD_BOT)
    strict = {"strict": True}
    greets = {**says("/start", "Hello.", "greets"), **strict}
    keeps = {**says("/keep", "Kept.", "keeps"), **strict}
    specs = project.path / "specs" / "echo.json"
    specs.write_text(json.dumps([greets, keeps]))

    project.runpytest_inprocess().assert_outcomes(passed=2)
    result = project.runpytest_inprocess("--hard-specs")

    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*_ keeps _*",
            "step 1: *keep (echo_bot.py:*) changes LAST of the module echo_bot, *",
            "*= specs together =*",
            "* of * changes are noticed; 2 failures",
            "*no spec runs the handler make_bot.<locals>.stop, which takes message updates",
            "no spec sends /stop and expects a call after it",
            "FAILED specs/echo.json::keeps - step 1: *",
        ]
    )


def test_hard_specs_fail_a_run_whose_items_all_pass(project: pytest.Pytester) -> None:
    project.makepyfile(echo_bot=HARD_BOT)
    specs = project.path / "specs" / "echo.json"
    steps = [{"send": {"text": f"/{name}"}, "expect": []} for name in ("start", "stop")]
    allow = ["MODULE_CHANGED"]
    keep = {"send": {"text": "/keep"}, "expect": [{"method": "sendMessage"}]}
    specs.write_text(json.dumps({"name": "weak", "allow": allow, "steps": [*steps, keep]}))

    result = project.runpytest_inprocess("--hard-specs")

    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "* of * changes are noticed; * failures",
            "specs/echo.json::weak",
            "step 1: the step passes as well when sendMessage (call 1 of 1) is not made",
            'expect {"method": "sendMessage"}',
            "no spec expects a reply of the handler make_bot.<locals>.start",
        ]
    )


def test_hard_specs_are_looked_at_together(project: pytest.Pytester) -> None:
    project.makepyfile(echo_bot=HARD_BOT)
    result = project.runpytest_subprocess("--hard-specs", "-p", "xdist", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--hard-specs looks at all specs together: leave out -n"])
    nothing = project.runpytest_inprocess("--hard-specs", "-k", "nothing")
    nothing.stdout.fnmatch_lines(["no spec has run"])
