"""What the admins see and do, and what becomes of notices that do not get through."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.errors import SettingsError
from bot.features.visits_of_day import SHOWN
from bot.languages import languages, texts_in
from bot.notices import Customer
from bot.settings import Settings, load_settings
from bot.shop import Booking
from toolkit import MemorySessionStorage, forget_user
from toolkit.harness import Person, RunningBot

TEXTS = texts_in("en")
ADMIN = 9
TODAY, TOMORROW = date(2026, 11, 23), date(2026, 11, 24)
VISIT = Booking(1, "Haircut", datetime(2026, 11, 24, 14, tzinfo=ZoneInfo("Europe/Berlin")), 45)
ANN = Customer("Ann", "")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Zoe is an admin, and so is somebody who has never written to the bot."""
    return settings.model_copy(update={"admin_ids": frozenset({ADMIN, 10**9})})


@pytest.fixture
async def admin(running_bot: RunningBot) -> Person:
    """Zoe, who has said hello."""
    zoe = Person(running_bot, ADMIN, "Zoe")
    await zoe.say("/start")
    return zoe


async def book(person: Person, when: str = "tomorrow 2pm") -> None:
    await person.say("/book")
    await person.tap("Haircut")
    await person.say(when)


def line(time: str, customer: Customer = ANN) -> str:
    return TEXTS.visit_line(time=time, service="Haircut", customer=customer)


async def test_visits_are_listed_with_name_and_number_soonest_first(
    admin: Person, person: Person, another_person: Person
) -> None:
    await another_person.contact("+49301234567")
    await book(person, "tomorrow 4pm")
    await book(another_person)
    await admin.say("/tomorrow")
    lines = [line("14:00", Customer(another_person.name, "+49301234567")), line("16:00")]
    assert admin.news == ["\n".join([TEXTS.visits_on(day=TOMORROW), *lines])]


async def test_a_number_that_is_given_later_is_in_the_list(admin: Person, person: Person) -> None:
    await book(person)
    await person.contact("+49301234567")
    await admin.say("/tomorrow")
    assert admin.sees(line("14:00", Customer("Ann", "+49301234567")))


async def test_who_books_in_a_group_is_listed_with_the_number_of_the_private_chat(
    admin: Person, person: Person, group: dict[str, Any]
) -> None:
    await person.contact("+49301234567")
    ann = person.at(group)
    await ann.say("/book")
    await ann.tap("Haircut")
    await ann.say("tomorrow 2pm", reply_to=ann.messages[-1]["message_id"])
    await admin.say("/tomorrow")
    assert admin.sees(line("14:00", Customer("Ann", "+49301234567")))
    await admin.tap(TEXTS.cancel_one_of(time="14:00", name="Ann"))
    await admin.tap(TEXTS.cancel_yes())
    assert ann.messages[-1]["text"] == TEXTS.shop_cancels(visit=VISIT)


async def test_an_anonymous_admin_of_a_group_is_listed_under_its_name(
    admin: Person, person: Person, running_bot: RunningBot, group: dict[str, Any]
) -> None:
    running_bot.telegram.hide(person.id, group["id"])
    ann = person.at(group)
    await ann.say("/book")
    await ann.tap("Haircut")
    await ann.tap("Tue 24 Nov")
    await ann.tap("14:00")
    assert admin.messages[-1]["text"] == TEXTS.new_visit(
        visit=VISIT, customer=Customer(group["title"], "")
    )


async def test_a_visit_of_before_is_listed_by_the_id_of_its_owner(
    admin: Person, storage: MemorySessionStorage, running_bot: RunningBot
) -> None:
    old = {"owner": 77, "service": "Haircut", "start": "2026-11-24T13:00+00:00", "minutes": 45}
    await storage.write("day:2026-11-24", {"visits": [{**old, "chair": 0}]})
    await admin.say("/tomorrow")
    assert admin.sees(line("14:00", Customer("77", "")))


async def test_names_are_shown_as_they_are(admin: Person, running_bot: RunningBot) -> None:
    await book(Person(running_bot, 3, "<b>Mallory & </i>"))
    await admin.say("/tomorrow")
    assert admin.sees("<b>Mallory & </i>")


async def test_what_is_forgotten_of_a_user_is_in_no_list(
    admin: Person, person: Person, running_bot: RunningBot, storage: MemorySessionStorage
) -> None:
    await person.contact("+49301234567")
    await book(person)
    await forget_user(running_bot.app.sessions, person.id)
    records = [str(await storage.read(key)) async for key in storage.read_all_keys()]
    assert not [text for text in records if "Ann" in text or "49301234567" in text]
    await admin.say("/tomorrow")
    assert admin.sees(line("14:00", Customer("1", "")))


async def test_a_visit_that_has_begun_is_listed_and_cannot_be_cancelled(
    admin: Person, person: Person, running_bot: RunningBot
) -> None:
    await book(person, "11am")
    await admin.say("/today")
    label = TEXTS.cancel_one_of(time="11:00", name="Ann")
    assert label in admin.buttons
    await running_bot.advance("30m")
    await admin.tap(label)
    assert admin.sees(TEXTS.not_booked_any_more())
    assert admin.sees(line("11:00"))
    assert label not in admin.buttons


async def test_a_long_day_is_shown_in_pages(
    admin: Person, storage: MemorySessionStorage, running_bot: RunningBot
) -> None:
    visits = [
        {"owner": n, "service": "Haircut", "start": "2026-11-24T13:00+00:00", "minutes": 45}
        for n in range(100, 100 + 2 * SHOWN + 1)
    ]
    await storage.write("day:2026-11-24", {"visits": visits})
    await admin.say("/tomorrow")
    assert admin.buttons[SHOWN : SHOWN + 3] == ["1", "2", "3"]
    await admin.tap("3")
    assert admin.sees(line("14:00", Customer(f"{100 + 2 * SHOWN}", "")))
    assert len(admin.news[0].splitlines()) == 2


async def test_the_days_that_can_be_booked_follow_each_other(admin: Person) -> None:
    await admin.say("/today")
    assert admin.buttons == [TEXTS.close_day(), "Tue 24 Nov ›"]
    for _ in range(29):
        await admin.tap(admin.buttons[-1])
    assert admin.buttons == [TEXTS.close_day(), "‹ Mon 21 Dec"]


async def test_who_is_at_the_last_question_when_a_day_is_closed_is_told_so(
    admin: Person, person: Person, running_bot: RunningBot
) -> None:
    await person.say("/book")
    await person.tap("Haircut")
    await person.tap("Tue 24 Nov")
    await admin.say("/tomorrow")
    await admin.tap(TEXTS.close_day())
    await person.tap("14:00")
    assert person.sees(TEXTS.closed_on(day=TOMORROW))
    assert await running_bot.app["bookings"].upcoming(person.id) == []


async def test_a_closed_day_is_open_again_when_it_is_over(
    admin: Person, running_bot: RunningBot, storage: MemorySessionStorage
) -> None:
    await admin.say("/today")
    await admin.tap(TEXTS.close_day())
    await running_bot.advance("13h29m")
    assert await storage.has(f"day:{TODAY}")
    await running_bot.advance("1m")
    assert not await storage.has(f"day:{TODAY}")


async def test_no_admin_is_told_of_what_they_do_themselves(admin: Person) -> None:
    await book(admin)
    assert [text for text in admin.news if "Zoe" in text] == []


@pytest.mark.parametrize("text", ["/today", "/tomorrow"])
async def test_nobody_else_is_shown_a_day(
    person: Person, admin: Person, group: dict[str, Any], text: str
) -> None:
    await person.say(text)
    assert person.sees(TEXTS.not_understood())
    before = len(admin.at(group).messages)
    await admin.at(group).say(text)
    assert len(admin.at(group).messages) == before + 1


async def test_who_is_no_admin_any_more_can_tap_nothing(
    admin: Person, person: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await admin.say("/tomorrow")
    running_bot.app["admins"] = frozenset()
    await admin.tap(TEXTS.cancel_one_of(time="14:00", name="Ann"))
    assert admin.news == [TEXTS.old_button()]


@pytest.mark.parametrize("fault", ["blocked", "network", "slow"])
async def test_a_notice_that_does_not_get_through_costs_the_customer_nothing(
    admin: Person, person: Person, running_bot: RunningBot, fault: str
) -> None:
    telegram = running_bot.telegram
    await person.say("/book")
    await person.tap("Haircut")
    if fault == "blocked":
        telegram.block(ADMIN)
    elif fault == "network":
        telegram.faults.network_error("sendMessage", payload={"chat_id": ADMIN})
    else:
        telegram.faults.delay(3600, "sendMessage", payload={"chat_id": ADMIN})
    await person.say("tomorrow 2pm")
    assert person.sees(TEXTS.booked(visit=VISIT))
    session = await running_bot.session()
    assert session is not None
    assert session["step"] == "idle"


async def test_commands_are_offered_to_admins_alone(running_bot: RunningBot) -> None:
    lists = [call.payload for call in running_bot.telegram.calls if call.method == "setMyCommands"]
    offered = {
        (each.get("scope", {}).get("chat_id"), each.get("language_code")): [
            command["command"] for command in each["commands"]
        ]
        for each in lists
    }
    assert len(offered) == 3 * len(languages())
    for (chat, _), commands in offered.items():
        assert ("today" in commands and "tomorrow" in commands) == (chat is not None)
        assert {*TEXTS.commands()} <= {*commands}


@pytest.mark.parametrize(
    ("text", "ids"), [("", set()), ("7", {7}), ("7, 8,", {7, 8}), (" 7 8 ", {7, 8})]
)
def test_admins_are_listed_in_a_setting(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, ids: set[int]
) -> None:
    monkeypatch.setenv("ADMIN_IDS", text)
    assert load_settings().admin_ids == ids


@pytest.mark.parametrize("text", ["@zoe", "-100123", "0", "7;8", "²", "1.5"])
def test_what_is_no_id_is_refused(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("ADMIN_IDS", f"7,{text}")
    with pytest.raises(SettingsError, match=r"^ADMIN_IDS: .* is not the id of a user\. Write"):
        load_settings()
