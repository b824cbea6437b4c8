"""A long dialogue as a talk, talks that people play at random, and code that changes under them."""

from __future__ import annotations

import inspect
import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from tests.delivery_kit.world import World, counts
from tests.talk_kit import checkout
from tests.talk_kit.programs import Program, Question, change, steps
from toolkit.harness import Person, RunningBot, load_specs, run_spec
from toolkit.harness.specs.spec import BotSpec
from toolkit.harness.specs.talk_code import mistakes
from toolkit.storage.sqlite import SqliteSessionStorage

CHECKOUT = load_specs(Path(__file__).with_name("talk_kit") / "checkout.json")


def test_a_checkout_of_eleven_questions_is_at_most_45_lines() -> None:
    functions = (checkout.order, checkout.pizza)
    lines = [line for each in functions for line in inspect.getsource(each).splitlines()]

    assert len(lines) <= 45


def test_the_gate_finds_no_fault_in_its_code() -> None:
    assert mistakes(checkout.order) == []


@pytest.mark.parametrize("spec", CHECKOUT, ids=lambda spec: spec.name)
async def test_the_checkout_goes_word_for_word(spec: BotSpec) -> None:
    result = await run_spec(spec, checkout.make_bot)

    assert result.ok, result.failure


USERS, KILLS = 20, 15


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_a_bot_that_is_killed_at_any_moment_of_its_talks_loses_and_doubles_nothing(
    mode: str, tmp_path: Path
) -> None:
    world, chance = World(), random.Random(mode)  # noqa: S311 - no secret
    updates = 10 * USERS
    for text in ("sum", *map(str, range(1, 10))):
        for user in range(1, USERS + 1):
            world.telegram.send_text(user, text)
    async with world.bot(f"sqlite:///{tmp_path}/bot.db", mode) as bot:
        for _ in range(KILLS):
            await bot.start()
            # With a single answer, the one update that a suspicious start begins with is in work:
            # two such deaths in a row set it aside, as they should.
            await world.until_answered(world.answers.total() + chance.randint(2, updates // KILLS))
            await bot.end(signal.SIGKILL)
        await bot.start()
        await world.until_confirmed()
        await bot.end(signal.SIGTERM)

    storage = SqliteSessionStorage(tmp_path / "bot.db")
    assert await counts(storage) == {f"{user}_{user}": 45 for user in range(1, USERS + 1)}
    assert "talk" not in (await storage.read("1_1") or {})
    await storage.close()


INPUTS = int(os.environ.get("TALK_INPUTS", "300"))
"""Texts that are no answer."""


async def test_a_record_grows_with_the_questions_and_not_with_the_inputs() -> None:
    asked = [Question(f"question number {number}", (7, 8)) for number in range(11)]
    program = Program([*asked])
    async with RunningBot(program.make_bot) as running:
        ann = Person(running, 7, "Ann")
        await ann.say("/go")
        for question in asked[:10]:
            await ann.tap(f"{question.name} 8")
        for number in range(INPUTS):
            await ann.say(f"no answer {number}")
        record = await running.app.session_storage.read("7_7")

    assert len(json.dumps(record)) < 1024


RUNS = int(os.environ.get("TALK_RUNS", "300"))
"""How many talks are made up and played; 10,000 take some minutes."""


def an_answer(question: Question, chance: random.Random) -> tuple[str, Any]:
    """What a user says to a question, and the value of it; it may be none that fits."""
    if question.choices:
        value: Any = chance.choice(question.choices)
        return f"{question.name} {value}", value
    text = "".join(chance.choices("abc0123", k=chance.randint(1, 8)))
    return text, text


async def waiting_in(running: RunningBot) -> str | None:
    talk = await running.talk()
    return talk["waiting"] if talk else None


@pytest.mark.slow
async def test_talks_played_at_random_are_as_if_they_ran_once_from_top_to_end() -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)  # noqa: S311 - no secret
        program = Program(steps(chance, count()))
        answers: dict[str, Any] = {}
        shown: list[tuple[str, int]] = []
        async with RunningBot(program.make_bot) as running:
            ann = Person(running, 7, "Ann")
            await ann.say("/go")
            while (name := await waiting_in(running)) is not None:
                question = program.question(name)
                assert question is not None, seed
                shown += [(name, value) for value in question.choices]
                deed = chance.random()
                if deed < 0.15 and answers:
                    await ann.tap("Back")
                    answers.popitem()
                elif deed < 0.3 and (old := [each for each in shown if each[0] in answers]):
                    again, value = chance.choice(old)
                    await ann.tap(f"{again} {value}")
                    if answers[again] != value:
                        names = [*answers]
                        for later in names[names.index(again) :]:
                            del answers[later]
                        answers[again] = value
                else:
                    text, value = an_answer(question, chance)
                    await ann.say(text)
                    if question.fits(value):
                        answers[name] = value
                talk = await running.talk()
                if talk is not None:
                    assert talk["answers"] == answers, seed
                session = await running.session()
                assert session == asdict(program.straight(answers)), seed
        assert program.over, seed
        assert program.taken == answers, seed
        assert set(program.done.values()) <= {1}, seed


@pytest.mark.slow
async def test_code_that_changes_under_open_talks_loses_no_answer_and_does_nothing_twice() -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)  # noqa: S311 - no secret
        numbers = count()
        program = Program(steps(chance, numbers))
        given: dict[str, Any] = {}
        said: dict[str, list[Any]] = defaultdict(list)
        async with RunningBot(program.make_bot) as running:
            ann = Person(running, 7, "Ann")
            await ann.say("/go")
            shown = program.question(await waiting_in(running))
            for _ in range(60):
                if shown is None:
                    break
                if chance.random() < 0.4:
                    renamed = change(program, chance, numbers)
                    if renamed is not None and renamed[0] in given:
                        given[renamed[1]] = given.pop(renamed[0])
                    if renamed is not None:
                        said[renamed[1]] = said.pop(renamed[0], [])
                    asked = renamed[1] if renamed and renamed[0] == shown.name else shown.name
                else:
                    asked = shown.name
                text, value = an_answer(shown, chance)
                now = program.question(asked)
                said[asked].append(value)
                if now is None or now.fits(value):
                    given[asked] = value
                await (ann.tap(text) if shown.choices else ann.say(text))
                name = await waiting_in(running)
                shown = program.question(name)
                assert (shown is None) is (name is None) is program.over, seed
                if shown is not None:
                    # An answer that the code of its time refused is gone when it is asked again.
                    assert not shown.fits(given.pop(shown.name, None)), seed
                for taken, answer in program.taken.items():
                    # What did not fit when it was said may fit when its question comes again.
                    assert answer in ([given[taken]] if taken in given else said[taken]), seed
        assert set(program.done.values()) <= {1}, seed


@pytest.mark.slow
def test_the_relations_of_the_hard_gate_hold_of_the_checkout() -> None:
    bot = ["--bot", "tests.talk_kit.checkout:make_bot"]
    specs = ["--specs", "tests/talk_kit/checkout.json"]
    command = [sys.executable, "-m", "toolkit.harness", "--hard", "--report", *bot, *specs]
    environment = {**os.environ, "PYTHONPATH": f"{TEMPLATE / 'src'}:{ROOT}"}

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
