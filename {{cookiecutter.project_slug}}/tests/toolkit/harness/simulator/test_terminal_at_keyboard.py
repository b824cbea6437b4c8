"""Talking to a bot at a terminal with prompt_toolkit and rich: what is typed, what is drawn."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import (
    CallbackQuery,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    KeyboardButton,
    LabeledPrice,
    Message,
    PollAnswer,
    PreCheckoutQuery,
    ReplyKeyboardMarkup,
)
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from toolkit import BotApp, MemorySessionStorage, SessionStorage, create_bot
from toolkit.harness.simulator.terminal.completing import Completions
from toolkit.harness.simulator.terminal.conversation import Conversation, running
from toolkit.harness.simulator.terminal.drawing import styled
from toolkit.harness.simulator.terminal.prompt import Prompt
from toolkit.harness.simulator.terminal.rich_screen import RichScreen
from toolkit.harness.storage import PersistentStorage

END = "\x04"
CTRL_C = "\x03"
router = Router()


@dataclass
class Session:
    pass


BUTTONS = InlineKeyboardMarkup(
    inline_keyboard=[
        [
            InlineKeyboardButton(text="Green tea", callback_data="green"),
            InlineKeyboardButton(text="Black tea", callback_data="black"),
        ],
        [
            InlineKeyboardButton(text="Site", url="https://example.org/"),
            InlineKeyboardButton(text="Code", copy_text=CopyTextButton(text="T-1")),
        ],
    ]
)
KEYBOARD = ReplyKeyboardMarkup(
    keyboard=[[KeyboardButton(text="My number", request_contact=True), KeyboardButton(text="Bye")]]
)


@router.message(Command("tea"))
async def offer(message: Message) -> None:
    await message.answer("Which?", reply_markup=BUTTONS)


@router.message(Command("keys"))
async def show_keys(message: Message) -> None:
    await message.answer("Who are you?", reply_markup=KEYBOARD)


@router.message(F.contact | F.location | F.photo)
async def take(message: Message) -> None:
    kind = next(x for x in ("contact", "location", "photo") if getattr(message, x))
    await message.answer(f"a {kind}")


@router.message(Command("poll"))
async def ask(message: Message) -> None:
    await message.answer_poll(
        "Your favourite?",
        ["Oolong", "Mint", "Sencha"],
        is_anonymous=False,
        allows_multiple_answers=True,
    )


@router.poll_answer()
async def note_vote(answer: PollAnswer) -> None:
    assert answer.bot
    assert answer.user
    await answer.bot.send_message(answer.user.id, f"chosen: {answer.option_ids}")


@router.message(Command("buy"))
async def sell(message: Message) -> None:
    price = [LabeledPrice(label="tea", amount=2500)]
    await message.answer_invoice("Tea", "A cup", "cup-1", "EUR", price, provider_token="1:TEST:x")


@router.message(Command("sold_out"))
async def sell_nothing(message: Message) -> None:
    price = [LabeledPrice(label="tea", amount=2500)]
    await message.answer_invoice("Gone", "A cup", "gone", "EUR", price, provider_token="1:TEST:x")


@router.pre_checkout_query()
async def check(query: PreCheckoutQuery) -> None:
    await query.answer(query.invoice_payload == "cup-1", error_message="It is sold out")


@router.message(F.successful_payment)
async def thank(message: Message) -> None:
    await message.answer("Thanks")


@router.message(Command("crash"))
async def crash(message: Message) -> None:
    logging.getLogger("kettle").warning("it is hot")
    int("kettle")


@router.message(Command("bell"))
async def ring(message: Message) -> None:
    button = InlineKeyboardButton(text="a\x1b[31mb", callback_data="x")
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[button]])
    await message.answer("rings", reply_markup=keyboard)


@router.message(Command("hang"))
async def hang(message: Message) -> None:
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)  # Ctrl-C
    await asyncio.Event().wait()


@router.callback_query()
async def pour(callback: CallbackQuery) -> None:
    await callback.answer("Careful", show_alert=callback.data == "black")
    if isinstance(callback.message, Message):
        await callback.message.edit_text(f"A cup of {callback.data}")


@router.inline_query()
async def find(query: InlineQuery) -> None:
    said = InputTextMessageContent(message_text=f"found {query.query}")
    found = InlineQueryResultArticle(
        id="1", title="Leaves", description="all of them", input_message_content=said
    )
    await query.answer([found])


@router.message(F.text)
async def echo(message: Message) -> None:
    await message.answer(f"“{message.text}”")


def make_bot(storage: SessionStorage | None = None) -> BotApp[Session]:
    commands = {"tea": "Have tea", "save": "Save water"}
    return create_bot(
        "42:offline", initial=Session, storage=storage, routers=(router,), commands=commands
    )


Typing = Callable[..., str]


@pytest.fixture
def typing(tmp_path: Path) -> Typing:
    """Types lines and keys into a new conversation; returns what is on screen after its head."""

    def keys(*lines: str, raw: str = "", reset: bool = False) -> str:
        console = Console(file=io.StringIO(), width=100, record=True)
        with create_pipe_input() as source, create_app_session(input=source, output=DummyOutput()):
            source.send_text("".join(f"{line}\r" for line in lines) + raw + END)
            Prompt(console, tmp_path / "history").converse(
                make_bot, PersistentStorage(MemorySessionStorage()), reset=reset
            )
        shown = console.export_text().replace("\u00a0", " ").splitlines()
        return "".join(f"{line.rstrip()}\n" for line in shown).partition("tells what each does.\n")[
            2
        ]

    return keys


@pytest.fixture
def talk() -> Iterator[tuple[Callable[[str], None], Conversation]]:
    """A conversation, and what has it take a line."""
    screen = RichScreen(Console(file=io.StringIO()))
    storage = PersistentStorage(MemorySessionStorage())
    with running(make_bot, storage, screen, at_keyboard=True) as (runner, conversation):
        yield lambda line: runner.run(conversation.take(line)), conversation


def test_buttons_have_numbers_by_which_they_are_tapped(typing: Typing) -> None:
    shown = typing("/tea", "/tap 2")
    assert "▎ Which?\n▎ [1 Green tea] [2 Black tea]\n▎ [3 Site↗] [4 Code↗]\n" in shown
    assert "│ Careful │" in shown
    assert shown.endswith("▎ edited\n▎ A cup of black\n")


def test_the_beginning_of_a_label_is_enough_where_it_is_the_only_one(typing: Typing) -> None:
    assert "◆ Careful\n▎ edited\n▎ A cup of green\n" in typing("/tea", "/tap gre")
    assert "nothing to tap" in typing("/tap gre")
    listed = "“Green tea”, “Black tea”, “Site”, “Code”"
    assert typing("/tea", "/tap milk").endswith(f"no button is “milk”; there are: {listed}\n")
    assert typing("/poll", "/tea", "/keys", "/tap b").endswith(
        "several begin with “b”: “Bye”, “Black tea”\n"
    )


def test_a_button_that_tells_the_bot_nothing_says_what_it_does(typing: Typing) -> None:
    shown = typing("/tea", "/tap 3", "/tap 4")
    assert "[Site] opens https://example.org/. The bot is not told.\n" in shown
    assert "[Code] copies “T-1”. The bot is not told.\n" in shown


def test_the_reply_keyboard_goes_on_counting_and_shares_the_number(typing: Typing) -> None:
    shown = typing("/tea", "/keys", "/tap 5", "/tap 6")
    assert "▎ contact  You +10000000000\n▎ a contact\n▎ “Bye”\n" in shown


def test_a_poll_is_voted_in_by_number(typing: Typing) -> None:
    shown = typing("/poll", "/tap 1 3")
    assert "▎ Your favourite?  regular, public, several answers: /tap 1 2\n▎ [1 Oolong]\n" in shown
    assert "▎ [1 Oolong] ████████████████████ 100%\n▎ [2 Mint]\n▎ [3 Sencha] ███" in shown
    assert shown.endswith("▎ chosen: [0, 2]\n")


def test_an_invoice_is_paid_where_the_bot_agrees(typing: Typing) -> None:
    shown = typing("/buy", "/tap pay")
    assert shown.startswith("▎ invoice  Tea: A cup\n▎ [1 Pay ")
    assert shown.endswith("▎ successful payment  cup-1\n▎ Thanks\n")
    assert typing("/sold_out", "/tap 1").endswith("◆ the bot refuses: It is sold out\n")


def test_files_places_and_contacts_are_sent(typing: Typing, tmp_path: Path) -> None:
    picture = tmp_path / "leaf.png"
    picture.write_bytes(bytes(1500))
    shown = typing(f"/send photo {picture}", "/send location 1.5, 2", "/send contact +1555")
    assert "▎ photo  1280×720 · 1.5 kB\n▎ a photo\n▎ location  1.5, 2\n▎ a location\n" in shown
    assert shown.endswith("▎ contact  You +1555\n▎ a contact\n")
    assert typing("/send photo no.png") == "no.png: No such file or directory\n"
    assert "latitude and a longitude, like 52.52" in typing("/send location here")
    assert typing("/send tea", "/send reply").endswith(
        "reply, edit, reaction,\nquery, choose, webAppData\n"
        "/send reply wants more: TEXT, to the bot's last message\n"
    )


def test_an_inline_query_is_asked_and_a_result_chosen(typing: Typing) -> None:
    shown = typing("/send query mint", "/send choose Leaves")
    assert "1 results; /send choose RESULT\n  Leaves  all of them\n" in shown


def test_an_error_is_four_lines_and_why_has_the_rest(typing: Typing) -> None:
    shown = typing("/crash", "/why")
    said, _, rest = shown.partition("✗ ")
    assert said.startswith("WARNING kettle: it is hot\n▎ Something went wrong")
    assert "Traceback" not in said
    four, why = rest.split("\n", 4)[:4], rest.split("\n", 4)[4]
    assert four[0] == "ValueError: invalid literal for int() with base 10: 'kettle'"
    assert four[1].startswith(f"  {Path(__file__).relative_to(Path.cwd())}:")
    assert four[1].endswith(" in crash")
    assert four[2:] == ['    int("kettle")', "  /why shows the rest"]
    assert why.startswith("Traceback (most recent call last):\n")
    assert "\nYou: /crash\n" in why
    assert "\nWARNING kettle: it is hot\n" in why
    assert why.endswith("✓ sendMessage\n")


def test_why_without_an_error_and_unknown_words_behind_it(typing: Typing) -> None:
    assert typing("/why", "/why not") == "no handler has failed yet\n▎ “/why not”\n"


def test_ctrl_c_clears_the_line_and_ctrl_d_ends(typing: Typing) -> None:
    assert typing(raw=f"half a line{CTRL_C}\r  \rnext\r") == "▎ “next”\n"


def test_ctrl_c_cuts_off_a_handler_that_hangs(typing: Typing) -> None:
    # Tests of servers leave another one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        shown = typing("/hang", "hello")
    finally:
        signal.signal(signal.SIGINT, before)
    assert shown == "stopped: the handler was cut off\n▎ “hello”\n"


def test_bare_commands_explain_themselves(typing: Typing) -> None:
    assert typing("/tap") == "There is nothing to tap.\n"
    assert "/as NAME        switch to another user\n/session        show" in typing("/")
    shown = typing("/tea", "/tap")
    assert "/tap 1  Green tea\n/tap 2  Black tea\n" in shown
    shown = typing("/as Ben", "hello", "/as")
    assert "/as Ben lets Ben go on; /as you, yourself again. You have met: ben.\n" in shown
    assert "/back QUESTION has the open talk ask again. Nothing was answered" in typing("/back")
    shown = typing("/fault network", "/fault")
    assert "/fault network  on   no call reaches Telegram\n/fault slow     off" in shown
    assert "/send location    52.52 13.405\n" in typing("/send")


def test_a_bare_command_that_the_bot_declares_goes_to_the_bot(typing: Typing) -> None:
    assert typing("/save") == "▎ “/save”\n"


def test_votes_and_payments_are_saved_as_steps_that_pass(
    typing: Typing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = typing(
        "/poll", "/tap mint", "/buy", "/tap pay", "/tea", "/tap green", "/save All of it"
    )
    assert "saved tests/specs/all_of_it.json; it passes when it is run\n" in shown
    steps = json.loads((tmp_path / "tests/specs/all_of_it.json").read_text())["steps"]
    sends = [step["send"] for step in steps if "text" not in step["send"]]
    assert sends == [{"vote": "Mint"}, {"pay": "Tea"}, {"tap": "Green tea"}]


def test_what_was_typed_comes_again_next_time_unless_it_is_reset(typing: Typing) -> None:
    assert typing("hello there") == "▎ “hello there”\n"
    assert typing(raw="\x1b[A\r") == "▎ “hello there”\n"
    assert typing(raw="\x1b[A\r", reset=True) == ""


def test_tab_completes_commands_and_labels(typing: Typing) -> None:
    shown = typing(raw="/te\t\rBla\t\r")
    assert shown.startswith("▎ Which?\n")
    assert shown.endswith("▎ edited\n▎ A cup of black\n")


def test_what_can_be_completed(
    talk: tuple[Callable[[str], None], Conversation],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, conversation = talk
    completions = Completions(conversation)

    def offered(line: str) -> list[str]:
        found = completions.get_completions(Document(line), CompleteEvent())
        return [line[: len(line) + each.start_position] + each.text for each in found]

    assert offered("/te") == ["/tea"]
    assert offered("/s") == ["/save", "/send", "/session", "/save"]
    assert offered("") == offered("gre") == offered("/tap ") == []
    take("/tea")
    take("/keys")
    assert offered("gre") == ["/tap Green tea"]
    assert offered("by") == ["Bye"]
    assert offered("/tap ")[-2:] == ["/tap My number", "/tap Bye"]
    take("/as Ben")
    assert offered("/as b") == ["/as Ben"]
    assert offered("/tap ") == []
    assert offered("/fault n") == ["/fault network"]
    assert offered("/send lo") == ["/send location"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaf.png").touch()
    assert offered("/send photo le") == ["/send photo leaf.png"]


def test_styles_are_drawn_where_telegram_counts_them() -> None:
    drawn = styled("😀 bold", [{"type": "bold", "offset": 3, "length": 4}])
    assert [(span.start, span.end, span.style) for span in drawn.spans] == [(2, 6, "bold")]


def test_what_could_command_the_terminal_is_not_drawn(typing: Typing) -> None:
    assert typing("/bell") == "▎ rings\n▎ [1 a�[31mb]\n"
