"""The fake accepts or refuses any text: it never breaks, and entities fit."""

from __future__ import annotations

import html
import re
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit.harness.fake_telegram import ApiError
from toolkit.harness.fake_telegram.entities import EntityError, format_text, parse, utf16_length

pytestmark = pytest.mark.slow

Json = dict[str, Any]
HTML = (
    '<b> </b> <i> </i> <a href="example.com"> <a> </a> <code> <code class="language-x"> </code> '
    "<pre> </pre> <blockquote> <blockquote expandable> </blockquote> </> <p> < > </ & &lt; &lt "
    '&amp; &#128512; &#xd83d; <tg-spoiler> </tg-spoiler> <span class="tg-spoiler"> </span> " '
    "' = / <tg-emoji emoji-id='5'> </tg-emoji>"
)
MARKDOWN = "* _ __ ~ || ` ``` [ ] ( ) ![ > \\ \\* ](example.com) ](tg://user?id=1) . ! - # {"
PLAIN = ["a", "я", "😀", "👍🏽", " ", "\n", "\r", "\t", "\0", "\u200b", "x.com", "@name", "/go"]


def texts(markup: str) -> st.SearchStrategy[str]:
    pieces = st.sampled_from(markup.split() + PLAIN) | st.text(max_size=3)
    return st.lists(pieces, max_size=25).map("".join)


SOURCES = st.one_of(
    st.tuples(texts(HTML), st.just("HTML")),
    st.tuples(texts(MARKDOWN), st.sampled_from(["MarkdownV2", "Markdown"])),
)
KINDS = ("bold", "italic", "underline", "spoiler", "code", "pre", "blockquote", "text_link")


@st.composite
def entities(draw: st.DrawFn) -> list[Json]:
    span = st.integers(0, 12)
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=8))
    return [
        {"type": kind, "offset": draw(span), "length": draw(span), "url": "http://example.com/"}
        for kind in kinds
    ]


def check_fit(text: str, found: list[Json]) -> None:
    units = text.encode("utf-16-le")
    for one in found:
        begin, end = one["offset"], one["offset"] + one["length"]
        assert 0 <= begin < end <= utf16_length(text)
        units[2 * begin : 2 * end].decode("utf-16-le")  # fails on half of a pair


@given(SOURCES)
@settings(max_examples=600, deadline=None)
def test_a_parser_gives_entities_that_fit_or_an_offset_inside_the_source(
    source: tuple[str, str],
) -> None:
    try:
        text, found = parse(*source)
    except EntityError as error:
        size = len(source[0].encode())
        offsets = [int(offset) for offset in re.findall(r"byte offset (\d+)", str(error))]
        assert all(0 <= offset < max(size, 1) for offset in offsets)
    else:
        check_fit(text, found)


@given(SOURCES)
@settings(max_examples=600, deadline=None)
def test_what_a_message_shows_is_trimmed_and_shown_the_same_again(source: tuple[str, str]) -> None:
    try:
        text, found = format_text(*source)
    except ApiError:
        return
    check_fit(text, found)
    assert text == text.rstrip(" \n")
    assert "\r" not in text
    assert format_text(text, None, found) == (text, found)


@given(st.text(alphabet="ab😀 ", min_size=12, max_size=12), entities())
@settings(max_examples=600, deadline=None)
def test_entities_of_a_message_nest(text: str, given_entities: list[Json]) -> None:
    try:
        text, found = format_text(text, None, given_entities)
    except ApiError:
        return
    check_fit(text, found)
    spans = [(one["offset"], one["offset"] + one["length"]) for one in found]
    assert spans == sorted(spans, key=lambda span: (span[0], -span[1]))
    for begin, end in spans:
        for first, last in spans:
            assert last <= begin or end <= first or (begin - first) * (end - last) <= 0


@given(st.text())
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    text = text.replace("\0", " ")
    assert parse(html.escape(text), "HTML") == (text, [])
    escaped = re.sub(r"([_*\[\]()~`>#+\-=|{}.!\\])", r"\\\1", text)
    assert parse(escaped, "MarkdownV2") == (text, [])
