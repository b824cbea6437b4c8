"""Records become lines and lines records; what is no record is refused with its reason."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from toolkit.admin.file_format import LONGEST_LINE, Record, dump_line, load_line, numbered_lines
from toolkit.harness.conformance import ODD_KEYS, ODD_VALUES
from toolkit.storage.base import MAX_VALUE_BYTES, Entry


@pytest.mark.parametrize("name", ODD_VALUES)
def test_any_value_comes_back_as_it_was(name: str) -> None:
    record = Record("1_2", ODD_VALUES[name])
    assert repr(load_line(dump_line(record).encode("ascii"))) == repr(record)


def test_any_key_comes_back_as_it_was() -> None:
    for key in ODD_KEYS:
        line = dump_line(Record(key, {}))
        assert line.count("\n") == 1
        assert load_line(line.encode()) == Record(key, {})


def test_a_record_expires_at_the_same_moment_wherever_it_is() -> None:
    record = Record.of("1_2", Entry({}, 60.0))
    there = load_line(dump_line(record).encode())
    assert isinstance(there, Record)
    assert record.expires_at is not None
    assert there.expires_at is not None
    assert abs(there.expires_at - record.expires_at) < timedelta(milliseconds=1)
    left = there.expires_in()
    assert left is not None
    assert 0 < left <= 60.0


@pytest.mark.parametrize("seconds", [1e9, 1e12, 1e300])
def test_an_expiry_that_no_calendar_can_say_is_a_century_away_at_most(seconds: float) -> None:
    moment = Record.of("1_2", Entry({}, seconds)).expires_at
    assert moment is not None
    assert moment <= datetime.now(UTC) + timedelta(days=36_525)


def test_a_time_zone_may_be_any() -> None:
    line = b'{"key": "1", "value": {}, "expires_at": "2026-11-24T16:00:00+01:00"}'
    assert load_line(line) == Record("1", {}, datetime(2026, 11, 24, 15, tzinfo=UTC))


def test_the_last_line_counts() -> None:
    assert load_line(dump_line(7).encode()) == 7


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON"),
        (b"key,value", "not JSON"),
        (b'{"key": "1_2", "value": {"st', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "a line is an object"),
        (b"{}", "a line is an object"),
        (b'{"records": "7"}', "a line is an object"),
        (b'{"key": 12, "value": {}}', "a line is an object"),
        (b'{"key": "1_2", "value": null}', "a line is an object"),
        (b'{"key": "1_2", "value": {}, "expires_in": 60}', "a line is an object"),
        (b'{"key": "1_2", "value": {}, "expires_at": 1795000000}', "expires_at is a moment"),
        (b'{"key": "1_2", "value": {}, "expires_at": "2026-11-24T16:00:00"}', "not '2026-11-24T"),
        (b" " * LONGEST_LINE, "longer than"),
    ],
)
def test_what_is_no_record_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load_line(line)


def test_a_file_of_a_windows_editor_is_read_too() -> None:
    assert load_line(b'\xef\xbb\xbf{"key": "1", "value": {}}\r\n') == Record("1", {})


def test_lines_are_numbered_and_of_an_endless_one_only_the_beginning_is_kept() -> None:
    endless = b"x" * (3 * LONGEST_LINE)
    lines = list(numbered_lines(io.BytesIO(b"one\n\n" + endless + b"\nfour")))
    assert [(number, len(line)) for number, line in lines] == [
        (1, 4),
        (2, 1),
        (3, LONGEST_LINE),
        (4, 4),
    ]


def test_the_longest_record_fits_into_a_line() -> None:
    value = {"text": "\0" * ((MAX_VALUE_BYTES - len('{"text":""}')) // 6)}
    assert len(dump_line(Record("🔑" * 120, value))) < LONGEST_LINE
