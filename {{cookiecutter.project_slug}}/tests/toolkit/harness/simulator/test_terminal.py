"""Talking to a bot in the terminal, with a small bot of two steps."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from toolkit import (
    BotApp,
    MemorySessionStorage,
    SessionStorage,
    Timer,
    Timers,
    button,
    create_bot,
    menu,
    on_timer,
)
from toolkit.harness.simulator.terminal import converse, play
from toolkit.harness.storage import PersistentStorage

from .tea_house import make_tea_house

router = Router()
TEA = menu([button("Green", "tea:green"), button("Black", "tea:black")], columns=2)


@dataclass
class Session:
    said: int = 0


@router.message(F.text == "tea")
async def offer(message: Message) -> None:
    await message.answer("Which?", reply_markup=TEA)


@router.message(F.text == "crash")
async def crash(message: Message) -> None:
    raise RuntimeError("secret detail")


@router.message(F.text == "later")
async def answer_later(message: Message) -> None:
    asyncio.ensure_future(message.answer("here it is"))  # noqa: RUF006 - floated on purpose


@router.message(F.text.startswith("call "))
async def call(message: Message) -> None:
    await message.bot.send_message(1, "a call for you")  # type: ignore[union-attr]


@router.message(F.text == "beep")
async def beep(message: Message) -> None:
    await message.answer("listen", reply_markup=menu([button("a\x07b\x1b[31mc", "x")]))


@router.message(F.text == "remind me")
async def remind_later(message: Message, timers: Timers) -> None:
    timers.set("remind", after=timedelta(hours=2))
    await message.answer("in two hours")


@on_timer(router, "remind")
async def remind(timer: Timer) -> None:
    await timer.answer("it is time")


@router.message()
async def count(message: Message, session: Session) -> None:
    session.said += 1
    await message.answer(f"{session.said}: {message.text}")


@router.callback_query()
async def pour(callback: CallbackQuery) -> None:
    await callback.answer("Poured")
    if isinstance(callback.message, Message):
        await callback.message.edit_text("Here you are")


def make_bot(storage: SessionStorage | None = None) -> BotApp[Session]:
    return create_bot("42:offline", initial=Session, storage=storage, routers=(router,))


Talk = Callable[..., str]


@pytest.fixture
def talk() -> Talk:
    """Sends lines to a new process of the bot, and returns what it prints."""
    storage = PersistentStorage(MemorySessionStorage())

    def send(*lines: str, mark_edits: bool = False, reset: bool = False) -> str:
        written = io.StringIO()
        typed = [f"{line}\n" for line in lines]
        play(make_bot, storage, typed, written.write, mark_edits=mark_edits, reset=reset)
        return written.getvalue()

    return send


@pytest.mark.parametrize(
    ("echo", "printed"), [(False, "1: hello\n"), (True, "> hello\n1: hello\n")]
)
def test_what_is_piped_in_can_be_printed_too(
    echo: bool, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n"))
    # A process that a broken pipe ends is no place for other tests.
    monkeypatch.setattr("signal.signal", lambda *_: None)
    converse(make_bot, MemorySessionStorage(), echo=echo)
    assert capsys.readouterr().out == printed


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_without_rich_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if its imports failed: what has been imported already would not miss rich.
    monkeypatch.setitem(sys.modules, "toolkit.harness.simulator.terminal.prompt", None)
    screen = Screen()
    monkeypatch.setattr("sys.stdin", Screen("tea\n/tap Green\n"))
    monkeypatch.setattr("sys.stdout", screen)
    converse(make_bot, MemorySessionStorage())
    said = "> Which?\n[Green] [Black]\n> (Poured)\n(edited) Here you are\n> \n"
    assert screen.getvalue().endswith(said)


def test_every_line_is_a_message_and_only_answers_are_printed(talk: Talk) -> None:
    assert talk("hello", "", "  ", "you") == "1: hello\n2: you\n"


def test_buttons_are_printed_row_by_row_and_tapped_by_label(talk: Talk) -> None:
    assert talk("tea", "/tap Green") == "Which?\n[Green] [Black]\n(Poured)\nHere you are\n"


def test_an_edit_is_marked_on_a_terminal(talk: Talk) -> None:
    assert talk("tea", "/tap Green", mark_edits=True).endswith("(edited) Here you are\n")


def test_a_button_that_is_not_there_is_answered_with_those_that_are(talk: Talk) -> None:
    assert "No button labelled 'Milk'; there are 'Green', 'Black'" in talk("tea", "/tap Milk")


def test_time_passes_at_once_and_timers_are_due_meanwhile(talk: Talk) -> None:
    answers = talk("remind me", "/wait 1h59m", "hello", "/wait 1m", "/wait 30d")
    assert answers == "in two hours\n1: hello\nit is time\n"
    assert talk("remind me", "/wait", "/wait") == "in two hours\nit is time\n(no timer is set)\n"
    assert talk("/wait soon") == "(a duration is like 90s, 15m, 24h, 30d or 1d12h, not 'soon')\n"


def test_a_timer_that_was_set_by_an_earlier_process_is_due_in_the_next(talk: Talk) -> None:
    assert talk("remind me") == "in two hours\n"
    assert talk("/wait 3h") == "it is time\n"


def test_another_user_has_a_session_of_their_own_and_the_same_one_next_time(talk: Talk) -> None:
    assert talk("a", "/as Bob", "b", "c", "/as Ann", "d", "/as you", "e") == (
        "1: a\n1: b\n2: c\n1: d\n2: e\n"
    )
    assert talk("/as bob ", "f") == "3: f\n"


def test_what_goes_to_another_user_says_to_whom(talk: Talk) -> None:
    assert talk("hi", "/as Bob", "call them") == "1: hi\n(to You) a call for you\n"


def test_a_new_process_goes_on_where_the_last_one_stood(talk: Talk) -> None:
    assert talk("one", "two") == "1: one\n2: two\n"
    assert talk("three") == "3: three\n"
    assert talk("one", reset=True) == "1: one\n"


def test_a_crash_is_one_sentence_and_the_talk_goes_on(talk: Talk) -> None:
    said = talk("crash", "hello")
    assert said.startswith("Something went wrong")
    assert said.endswith("1: hello\n")
    assert "secret" not in said


def test_an_answer_that_is_not_awaited_is_printed_before_the_next_line(talk: Talk) -> None:
    assert talk("later", "next") == "here it is\n1: next\n"


def test_control_characters_do_not_reach_the_terminal(talk: Talk) -> None:
    said = talk("beep")
    assert said.startswith("listen\n[a")
    assert said.replace("\n", "").isprintable()


def test_the_open_talk_is_shown_and_gone_back_in() -> None:
    written = io.StringIO()
    lines = ["/order", "/tap Black", "2", "/session", "/back cups", "/back tea", "5", "/session"]
    play(make_tea_house, PersistentStorage(MemorySessionStorage()), lines, written.write)
    asked, _, rest = written.getvalue().partition("(step = 'idle')\n")
    assert asked.endswith("How many cups?\n[Back] [Cancel]\n")
    assert "(order: kind = 'Black')\n(order: cups = 2)\n(order waits for paid)\n" in rest
    back, _, after = rest.partition("waits for paid)\n")[2].partition("(step = 'idle')\n")
    assert back == (
        "How many cups?\n[Back] [Cancel]\n"
        "('tea' is no question that was answered; there are: kind)\n"
    )
    assert "(cups = 5)\n" in after
    assert after.endswith("(order: cups = 5)\n(order waits for paid)\n")


def test_in_a_pipe_only_whole_labels_and_the_commands_of_old_are_more_than_messages(
    talk: Talk,
) -> None:
    lines = ["/why", "/send location", "/tap", "/as", "/save", "/fault", "/session now"]
    said = "".join(f"{number}: {line}\n" for number, line in enumerate(lines, 1))
    assert talk(*lines) == said
    assert "No button labelled '1'" in talk("tea", "/tap 1")
    assert "No button labelled 'Gre'" in talk("tea", "/tap Gre")


def test_back_without_an_open_talk_says_so_and_alone_is_a_message(talk: Talk) -> None:
    assert talk("/back kind", "/back") == "(no talk is open)\n1: /back\n"


def test_ctrl_c_stops_the_bot_and_ends_quietly(talk: Talk) -> None:
    stopped: list[bool] = []

    def make_stoppable(storage: SessionStorage | None = None) -> BotApp[Session]:
        app = make_bot(storage)
        app.shutdown.register(lambda: stopped.append(True))
        return app

    def lines() -> object:
        yield "hello\n"
        raise KeyboardInterrupt

    written = io.StringIO()
    play(make_stoppable, MemorySessionStorage(), lines(), written.write)  # type: ignore[arg-type]
    assert written.getvalue() == "1: hello\n\n"
    assert stopped == [True]


def test_what_the_bot_remembers_is_shown_on_request(talk: Talk) -> None:
    assert talk("hi", "/session", "/as Bob", "/session") == "1: hi\n(said = 1)\n(said = 0)\n"


def test_a_fault_is_switched_on_and_off(talk: Talk) -> None:
    said = talk("/fault network", "hi", "/fault network", "hello", "/fault nonsense")
    assert said.startswith("(network is on)\n(network is off)\n1: hello\n")
    assert "there is no fault 'nonsense'" in said


def test_a_person_who_blocks_the_bot_hears_nothing_and_others_are_told(talk: Talk) -> None:
    said = talk("hi", "/fault blocked", "/as Bob", "call them", "/as you", "hello?")
    assert said.startswith("1: hi\n(blocked is on)\nSomething went wrong")
    assert "\n(user 1 has blocked the bot" in said


def test_a_talk_is_saved_as_a_spec_and_passes(
    talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = talk("tea", "/tap Green", "/save Green tea", "/save Green tea")
    assert "(saved tests/specs/green_tea.json; it passes when it is run)" in said
    assert "exists already" in said
    steps = json.loads((tmp_path / "tests/specs/green_tea.json").read_text())["steps"]
    assert [step["send"] for step in steps] == [{"text": "tea"}, {"tap": "Green"}]
