"""Every text is there in every language, and gets what it needs wherever it is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

import bot
from bot.languages import LOCALES, languages, texts_in
from bot.shop import Booking, Shop
from bot.texts import Text, Texts
from toolkit.harness import Person, RunningBot

SOURCE = Path(bot.__file__).parent
TEXTS = {name: text for name, text in vars(Texts).items() if isinstance(text, Text)}
CATALOGUES = sorted(LOCALES.glob("*.po"))


def fields(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Where a text is written, which, and what is put into it."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(attr=name), [], given) if name in TEXTS:
                    yield f"{path.name}:{node.lineno}", name, {str(each.arg) for each in given}


CALLS = list(calls())


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_every_text_with_its_fields_and_no_other(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem, abort_invalid=True)
    found: dict[Any, Any] = {message.id: message for message in catalogue if message.id}
    wanted = {(text.one, text.many) if text.many else text.one for text in TEXTS.values()}

    assert found.keys() == wanted, "run: make texts"
    for message in found.values():
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for string in strings:
            assert string, f"{ids[0]!r} is not translated"
            assert fields(string) == fields(ids[0]), f"the fields of {ids[0]!r} differ"
        assert not message.fuzzy, f"{ids[0]!r} is marked as fuzzy"


def test_every_text_gets_its_fields_wherever_it_is_written() -> None:
    wrong = {
        f"{place}: {name} has the fields {sorted(fields(TEXTS[name].one))}"
        for place, name, given in CALLS
        if given | {"n"} != fields(TEXTS[name].one) | {"n"}
    }
    assert wrong == set()


def test_every_text_is_used() -> None:
    assert TEXTS.keys() == {name for _, name, _ in CALLS}


def test_days_amounts_and_plurals_are_written_as_the_language_does(shop: Shop) -> None:
    zone = ZoneInfo("Europe/Berlin")
    visit = Booking(1, "Haircut", datetime(2026, 11, 4, 14, tzinfo=zone), 45)
    english, german = texts_in("en"), texts_in("de")
    wednesday = date(2026, 11, 4)
    assert english.say(wednesday) != german.say(wednesday)
    for texts in (english, german):
        assert "Haircut" in texts.say(visit)
        assert texts.say(wednesday) in texts.say(visit)
        assert "14:00" in texts.say(visit)
        assert re.fullmatch(texts.pattern("booked", {}), texts.booked(visit=visit))
        assert re.fullmatch(texts.pattern("and_more", {}), texts.and_more(n=1))
    haircut = shop.services[0]
    assert english.amount(haircut, shop) == "€32.00"
    assert german.amount(haircut, shop) == "32,00\xa0€"


def test_hours_that_differ_by_day_are_said_by_day(shop: Shop) -> None:
    whole = shop.hours["monday"]
    hours = {**shop.hours, "saturday": ((9 * 60, 13 * 60),), "sunday": ()}
    said = texts_in("en").hours(shop.model_copy(update={"hours": hours}))
    assert said == texts_in("en").open_on(days="Mon–Fri 09:00–18:00\nSat 09:00–13:00")
    assert texts_in("en").hours(shop) == texts_in("en").open_every_day(
        opens="09:00", closes="18:00"
    )
    assert whole


@pytest.mark.parametrize(
    ("code", "spoken"), [("de", "de"), ("de-AT", "de"), ("tlh", "en"), ("", "en"), (None, "en")]
)
def test_a_language_that_is_not_spoken_is_replaced(code: str | None, spoken: str) -> None:
    assert texts_in(code).language == spoken


def test_the_language_of_the_shop_is_for_all_the_others() -> None:
    assert texts_in("tlh", "de").language == "de"
    assert {"en", "de"} <= languages().keys()


@pytest.mark.parametrize("said", ["<b>&", "{0}", "{name}", "{__class__}"])
def test_what_is_put_into_a_text_means_nothing_else(said: str) -> None:
    assert texts_in("en").hello(name=said) == texts_in("en").hello(name="\0").replace(
        "\0", said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )


async def test_one_is_addressed_in_the_language_of_ones_telegram(
    person: Person, another_person: Person, running_bot: RunningBot
) -> None:
    running_bot.telegram.user(person.id, language_code="de")
    await person.say("/book")
    await another_person.say("/book")
    assert person.news == [texts_in("de").what_service()]
    assert another_person.news == [texts_in("en").what_service()]


async def test_a_language_that_was_chosen_stays(person: Person) -> None:
    german = texts_in("de")
    await person.say("/language")
    await person.tap(german.language_name())
    assert person.news == [german.language_chosen()]
    await person.say("/book")
    await person.say("Haircut")
    await person.say("übermorgen um 14 Uhr")
    start = datetime(2026, 11, 25, 14, tzinfo=ZoneInfo("Europe/Berlin"))
    assert person.sees(german.booked(visit=Booking(person.id, "Haircut", start, 45)))
