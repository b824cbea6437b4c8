"""What happened, in a few words: titles of updates, headlines of exceptions."""

from __future__ import annotations

import pytest

from toolkit.harness.simulator.recorder import headline_of, traceback_of
from toolkit.harness.simulator.turns import title_of
from toolkit.harness.types import Json


def raised(error: Exception) -> str:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - whatever is given
        return traceback_of(caught)


@pytest.mark.parametrize(
    ("trace", "headline"),
    [
        (raised(ValueError("first\nsecond")), "ValueError: first"),
        (raised(ValueError("")), "ValueError"),
        (raised(ExceptionGroup("many", [KeyError(1)])), "ExceptionGroup: many (1 sub-exception)"),
        ("no traceback", "no traceback"),
    ],
)
def test_the_headline_of_an_exception_is_its_type_and_first_line(trace: str, headline: str) -> None:
    assert headline_of(trace) == headline


def test_what_is_no_message_has_a_title_in_words() -> None:
    ann = {"first_name": "Ann"}
    group = {"type": "group"}
    updates: list[tuple[Json, str]] = [
        ({"inline_query": {"from": ann, "query": "tea"}}, "Ann asked inline: tea"),
        ({"poll_answer": {"user": ann, "option_ids": []}}, "Ann retracted a vote"),
        ({"message_reaction": {"user": ann, "new_reaction": []}}, "Ann took a reaction back"),
        ({"pre_checkout_query": {"from": ann}}, "Ann wants to pay"),
        ({"poll": {"question": "Tea?"}}, "Votes in “Tea?”"),
        ({"callback_query": {"from": ann, "game_short_name": "chess"}}, "Ann tapped [chess]"),
        (
            {
                "my_chat_member": {
                    "from": ann,
                    "chat": group,
                    "new_chat_member": {"status": "administrator"},
                }
            },
            "Ann made the bot an administrator",
        ),
    ]
    for update, title in updates:
        assert title_of(update) == title
