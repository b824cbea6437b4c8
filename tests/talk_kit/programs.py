"""Talks that a test makes up, plays, and changes while they are open."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from aiogram import Router
from aiogram.filters import Command

from toolkit import BotApp, Refused, Talk, create_bot, on_talk


@dataclass
class Session:
    """What the talk changes."""

    trail: list[str] = field(default_factory=list)
    total: int = 0


def short_ones(text: str) -> str:
    """Read a text of up to six characters."""
    if len(text) > 6:
        raise Refused("Too long.")
    return text


def even_ones(text: str) -> str:
    """Read a text that ends in an even digit."""
    if text[-1] not in "02468":
        raise Refused("Odd.")
    return text


READERS: tuple[Callable[[str], str], ...] = (short_ones, even_ones)


@dataclass(frozen=True)
class Question:
    """A question with choices, or one that is typed."""

    name: str
    choices: tuple[int, ...] = ()
    reader: int = 0
    was: str | None = None

    def fits(self, value: Any) -> bool:
        """Tell whether an answer is one."""
        if self.choices:
            return value in self.choices
        if not isinstance(value, str):
            return False
        try:
            READERS[self.reader](value)
        except Refused:
            return False
        return True


@dataclass(frozen=True)
class Once:
    """Something that is done once."""

    name: str


@dataclass(frozen=True)
class Change:
    """A change of the session."""

    amount: int


Step = Question | Once | Change


@dataclass
class Program:
    """What the talk is made of; a test may replace `steps` between two updates."""

    steps: list[Step]
    done: Counter[str] = field(default_factory=Counter)
    taken: dict[str, Any] = field(default_factory=dict)
    """What the last run was answered."""
    over: bool = False

    def make_bot(self) -> BotApp[Session]:
        """The bot that has it."""
        router = Router()

        @on_talk(router, "made up", Command("go"), in_place=False)
        async def made_up(talk: Talk, session: Session) -> None:
            self.taken = {}
            for step in tuple(self.steps):
                match step:
                    case Question(name, choices, reader, was):
                        value: Any
                        if choices:
                            offered = {f"{name} {each}": each for each in choices}
                            value = await talk.ask(name, f"{name}?", choices=offered, was=was)
                        else:
                            read = READERS[reader]
                            value = await talk.ask(name, f"{name}?", read=read, was=was)
                        self.taken[name] = value
                        session.trail.append(f"{name} {value}")
                    case Once(name):
                        await talk.once(name, partial(self.done.update, [name]))
                    case Change(amount):
                        session.total += amount
            self.over = True
            await talk.say("Over.")

        return create_bot("42:made-up", initial=Session, routers=[router])

    def straight(self, answers: dict[str, Any]) -> Session:
        """What the session is where the first question waits that is not in `answers`."""
        session = Session()
        for step in self.steps:
            if isinstance(step, Question):
                if step.name not in answers:
                    break
                session.trail.append(f"{step.name} {answers[step.name]}")
            elif isinstance(step, Change):
                session.total += step.amount
        return session

    def question(self, name: str | None) -> Question | None:
        """The question of a name."""
        for step in self.steps:
            if isinstance(step, Question) and step.name == name:
                return step
        return None


def steps(chance: random.Random, numbers: Iterator[int]) -> list[Step]:
    """Return the steps of a talk."""
    return [step(chance, numbers) for _ in range(chance.randint(2, 9))]


def step(chance: random.Random, numbers: Iterator[int]) -> Step:
    """Return a step with a name of its own."""
    name = f"q{next(numbers)}"
    kind = chance.random()
    if kind < 0.35:
        return Question(name, tuple(chance.sample(range(9), 3)))
    if kind < 0.7:
        return Question(name)
    return Once(name) if kind < 0.85 else Change(chance.randint(1, 9))


def change(
    program: Program, chance: random.Random, numbers: Iterator[int]
) -> tuple[str, str] | None:
    """Change the talk as a release would; return the old and the new name where one is renamed."""
    found = program.steps
    place = chance.randrange(len(found))
    old = found[place]
    match chance.randrange(5):
        case 0:
            found.insert(place, step(chance, numbers))
        case 1 if len(found) > 2:
            del found[place]
        case 2:
            other = chance.randrange(len(found))
            found[place], found[other] = found[other], found[place]
        case 3 if isinstance(old, Question) and old.was is None:
            found[place] = replace(old, name=f"q{next(numbers)}", was=old.name)
            return old.name, found[place].name  # type: ignore[union-attr]
        case 4 if isinstance(old, Question):
            if old.choices:
                found[place] = replace(old, choices=tuple(chance.sample(range(9), 3)))
            else:
                found[place] = replace(old, reader=1 - old.reader)
    return None


__all__ = ["Program", "Question", "Session", "change", "count", "steps"]
