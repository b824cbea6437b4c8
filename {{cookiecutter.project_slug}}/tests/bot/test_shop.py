"""What `shop.toml` may say, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.errors import SettingsError
from bot.languages import texts_in
from bot.settings import Settings
from bot.shop import Booking, Shop, load_shop

TEXTS = texts_in("en")
Changed = Callable[[dict[str, str]], Shop]


@pytest.fixture
def changed(settings: Settings, tmp_path: Path) -> Changed:
    """Reads the shop of the tests with some of its text replaced."""

    def read(replacements: dict[str, str]) -> Shop:
        text = settings.shop_file.read_text(encoding="utf-8")
        for old, new in replacements.items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
        return load_shop(tmp_path / "shop.toml")

    return read


def test_your_shop_can_be_read() -> None:
    path = Settings.model_fields["shop_file"].default
    assert load_shop(path).services


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("chairs = 1", "chairs = 0", "chairs: Input should be greater than or equal to 1"),
        ("chairs = 1", "chairs = one", "Invalid value"),
        ("chairs = 1", "chair = 1", "chair: Extra inputs are not permitted"),
        ("Europe/Berlin", "Berlin", "time_zone: 'Berlin' is no time zone. Write one like"),
        ("EUR", "€", "currency: String should match pattern"),
        ("monday", "mondays", "hours: 'mondays' is no weekday"),
        ("09:00-18:00", "9-18", "'9-18' is no opening. Write one like 09:00-18:00"),
        ("09:00-18:00", "18:00-09:00", "'18:00-09:00' ends before it begins, or past 24:00"),
        ("09:00-18:00", "09:00-24:30", "'09:00-24:30' ends before it begins, or past 24:00"),
        ('["09:00-18:00"]', '["09:00-13:00", "12:00-18:00"]', "hours.monday: the openings overlap"),
        ('name = "Shave"', 'name = "haircut"', "services: 'haircut' is there twice"),
        ("minutes = 60", "minutes = 600", "Haircut and shave takes 600 minutes, and the shop is"),
        ("price = 32", "price = -1", "services.0.price: Input should be greater than or equal"),
    ],
)
def test_a_mistake_is_said_with_its_place(
    changed: Changed, old: str, new: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as error:
        changed({old: new})
    assert reason in str(error.value)
    assert "shop.toml: " in str(error.value)


def test_a_missing_file_is_said() -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load_shop(Path("nowhere.toml"))


def test_a_visit_ends_by_closing_time(shop: Shop) -> None:
    for service in shop.services:
        *_, last = shop.starts_on(date(2026, 11, 23), service)
        assert last + service.duration <= last.replace(hour=18, minute=0)


def test_a_break_is_kept_free(changed: Changed) -> None:
    shop = changed({'"09:00-18:00"': '"09:00-12:00", "13:30-18:00"'})
    starts = shop.starts_on(date(2026, 11, 23), shop.services[2])
    assert [f"{start:%H:%M}" for start in starts] == [
        *("09:00", "10:00", "11:00"),
        *("13:30", "14:30", "15:30", "16:30"),
    ]
    assert not shop.is_open(datetime(2026, 11, 23, 12, tzinfo=shop.time_zone))


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_shop_open_around_the_clock_has_every_hour_that_exists(
    changed: Changed, day: date, count: int
) -> None:
    shop = changed({"09:00-18:00": "00:00-24:00"})
    starts = [start.astimezone(UTC) for start in shop.starts_on(day, shop.services[2])]
    assert len(starts) == len(set(starts)) == count


def test_days_off_are_closed(changed: Changed) -> None:
    shop = changed({"closed_on = []": "closed_on = [2026-12-25]", 'sunday = ["09:00-18:00"]': ""})
    assert shop.openings(date(2026, 12, 25)) == ()
    assert shop.openings(date(2026, 12, 27)) == ()
    assert shop.openings(date(2026, 12, 28)) != ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Haircut", "Haircut"),
        ("haircut", "Haircut"),
        ("a HAIRCUT please 💈", "Haircut"),
        ("haircut and shave", "Haircut and shave"),
        ("shave", "Shave"),
    ],
)
def test_a_service_is_found_in_what_people_type(shop: Shop, text: str, name: str) -> None:
    found = shop.find_service(text)
    assert found is not None
    assert found.name == name
    assert shop.service(found.id) == shop.service(name) == found


@pytest.mark.parametrize("text", ["", "💈", "hair", "manicure", "x" * 4096])
def test_what_names_no_service_finds_none(shop: Shop, text: str) -> None:
    assert shop.find_service(text) is None


def test_the_two_hours_that_a_clock_change_makes_of_one_are_told_apart() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 0, tzinfo=zone, fold=fold) for fold in (0, 1))
    visit = Booking(1, "Haircut", first, 60)
    assert visit.is_at(first)
    assert not visit.is_at(second)
    assert visit.ends == second.astimezone(UTC)
