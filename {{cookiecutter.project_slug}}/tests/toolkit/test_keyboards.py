"""Keyboards: what a dialogue needs, and nothing that Telegram would refuse."""

from __future__ import annotations

import pytest
from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardMarkup, KeyboardButton

from toolkit import button, confirm, menu, paginate, reply_menu


class Page(CallbackData, prefix="page"):
    number: int


ITEMS = [button(f"Item {number}", f"item:{number}") for number in range(20)]


def labels(keyboard: InlineKeyboardMarkup) -> list[list[str]]:
    return [[button.text for button in row] for row in keyboard.inline_keyboard]


def test_a_menu_has_rows_of_so_many_columns() -> None:
    assert labels(menu(ITEMS[:3], columns=2)) == [["Item 0", "Item 1"], ["Item 2"]]


def test_a_question_has_its_answers_side_by_side() -> None:
    assert labels(confirm(button("Yes", "y"), button("No", "n"))) == [["Yes", "No"]]


@pytest.mark.parametrize(
    ("page", "first", "turns"),
    [(0, "Item 0", ["More ›"]), (1, "Item 8", ["‹ Back", "More ›"]), (2, "Item 16", ["‹ Back"])],
)
def test_pages_can_be_turned(page: int, first: str, turns: list[str]) -> None:
    rows = labels(paginate(ITEMS, page, turn=lambda number: Page(number=number)))

    assert rows[0] == [first]
    assert rows[-1] == turns


@pytest.mark.parametrize(("page", "first"), [(-1, "Item 0"), (99, "Item 16")])
def test_a_page_that_is_gone_shows_the_nearest(page: int, first: str) -> None:
    assert labels(paginate(ITEMS, page, turn=str))[0] == [first]


def test_a_single_page_has_nothing_to_turn() -> None:
    keyboard = paginate(ITEMS[:2], 0, turn=str, extra=[button("Close", "close")])

    assert labels(keyboard) == [["Item 0"], ["Item 1"], ["Close"]]


def test_callback_data_may_be_64_bytes_and_no_more() -> None:
    button("Ж", "ж" * 32)
    with pytest.raises(ValueError, match="65 bytes of callback data"):
        button("Ж", "ж" * 32 + "a")


@pytest.mark.parametrize(
    ("label", "options"),
    [("", {"data": "x"}), ("A", {}), ("A", {"data": "x", "url": "https://example.org"})],
)
def test_a_button_has_a_label_and_one_purpose(label: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="button"):
        button(label, **options)


def test_answers_may_stand_in_place_of_the_letters() -> None:
    number = KeyboardButton(text="Send my number", request_contact=True)
    keyboard = reply_menu(["Yes", "No", number], columns=2)
    assert [[each.text for each in row] for row in keyboard.keyboard] == [
        ["Yes", "No"],
        ["Send my number"],
    ]
    assert keyboard.keyboard[1][0].request_contact
    assert keyboard.one_time_keyboard
    assert not reply_menu(["Yes"], once=False).one_time_keyboard


@pytest.mark.parametrize(("answers", "columns"), [([], 1), (["Yes"], 0), ([" "], 1)])
def test_answers_without_labels_or_columns_are_refused(answers: list[str], columns: int) -> None:
    with pytest.raises(ValueError, match="a reply keyboard has at least one column"):
        reply_menu(answers, columns=columns)
