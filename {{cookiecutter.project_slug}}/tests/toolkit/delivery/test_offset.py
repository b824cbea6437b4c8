"""Which updates may be confirmed, and which are recognised when they come again."""

from __future__ import annotations

from aiogram.types import Update

from toolkit.delivery.polling import Window


def window_of(*update_ids: int) -> Window:
    """A window with these updates in progress."""
    window = Window()
    for update_id in update_ids:
        window.begin(Update(update_id=update_id), now=0.0)
    window.saw(update_ids[-1])
    return window


def test_before_the_first_update_telegram_is_not_asked_for_an_offset() -> None:
    assert Window().offset is None


def test_the_oldest_update_in_work_holds_the_offset() -> None:
    window = window_of(5, 6, 7)
    window.settle(6)
    window.settle(7)
    assert window.offset == 5

    window.settle(5)
    assert window.offset == 8


def test_what_is_settled_behind_it_is_recognised_until_it_is_confirmed() -> None:
    window = window_of(5, 6)
    window.settle(6)
    assert window.knows(5)
    assert window.knows(6)

    window.settle(5)
    window.confirmed(7)
    assert not window.knows(6)


def test_an_update_of_an_earlier_process_moves_nothing() -> None:
    window = Window()
    window.settle(3)
    assert window.offset is None


def test_ids_that_start_again_lower_are_followed() -> None:
    window = window_of(900)
    window.settle(900)
    window.begin(Update(update_id=4), now=0.0)
    window.saw(4)
    assert window.offset == 4
