"""Markup becomes text and entities, and entities become consistent."""

from __future__ import annotations

import pytest

from toolkit.harness.fake_telegram import ApiError
from toolkit.harness.fake_telegram.entities import EntityError, format_text, parse, utf16_length
from toolkit.harness.fake_telegram.entities.links import LinkError, check_link
from toolkit.harness.types import Json


def spans(entities: list[Json]) -> list[tuple[str, int, int]]:
    return [(one["type"], one["offset"], one["length"]) for one in entities]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("🏟 🏟<i>🏟 &lt🏟</i>", "🏟 🏟🏟 <🏟", [("italic", 5, 6)]),
        ("<i aba  =  '&lt;&gt;&quot;'>a</>", "a", [("italic", 0, 1)]),
        ("<pre><code>a</code></pre>", "a", [("pre", 0, 1), ("code", 0, 1)]),
        ('<code class="language-c"><pre>a</pre></code>', "a", [("pre", 0, 1)]),
        (
            '<pre><code class="language-c">a</code> </pre>',
            "a ",
            [("pre", 0, 2), ("code", 0, 1)],
        ),
        ("<a   href=  'telegram.org?&lt;'   >x</a>", "x", [("text_link", 0, 1)]),
        ("&#x1F600;&#12345678;&laquo;", "😀&#12345678;&laquo;", []),
        ("<blockquote>a<b>b</b></blockquote>", "ab", [("blockquote", 0, 2), ("bold", 1, 1)]),
    ],
)
def test_html_gives_text_and_entities(
    source: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    shown, found = parse(source, "HTML")
    assert (shown, spans(found)) == (text, entities)


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("\\\\\\a\\b\\1\\➡️\\", "\\ab1\\➡️\\", []),
        ("_a __b___", "a b", [("italic", 0, 3), ("underline", 2, 1)]),
        (
            "`_* *_`__*` `*__",
            "_* *_ ",
            [("code", 0, 5), ("code", 5, 1), ("bold", 5, 1), ("underline", 5, 1)],
        ),
        ("a``", "a", []),
        ("a****", "a", []),
        ("```🏟\n\r🏟```", "🏟", [("pre", 0, 2)]),
        ("```🏟\n\n🏟```", "\n🏟", [("pre", 0, 3)]),
        ("```x y```", " y", [("pre", 0, 2)]),
        ("[](telegram.org)", "", []),
        ("[telegram\\.org]a", "telegram.orga", [("text_link", 0, 12)]),
        ("[x](https://telegram.dog?\\\\\\()", "x", [("text_link", 0, 1)]),
        ("[x](nowhere)", "x", []),
        (">a\n>b\nc\n>d", "a\nb\nc\nd", [("blockquote", 0, 4), ("blockquote", 6, 1)]),
        (">*a*||", "a", [("expandable_blockquote", 0, 1), ("bold", 0, 1)]),
        ("![t](tg://time?unix=1700000000&format=wDT)", "t", [("date_time", 0, 1)]),
    ],
)
def test_markdown_gives_text_and_entities(
    source: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    shown, found = parse(source, "MarkdownV2")
    assert (shown, spans(found)) == (text, entities)


def test_what_is_kept_of_a_link_is_normal() -> None:
    assert check_link("Example.COM") == "http://example.com/"
    assert check_link("https://Example.com?x=1#y") == "https://example.com/?x=1#y"
    assert check_link("tg:resolve?domain=x") == "tg://resolve?domain=x"
    assert (
        check_link("http://user:word@example.com:8080/a") == "http://user:word@example.com:8080/a"
    )
    assert check_link("http://[::1]/") == "http://[::1]/"


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("", "URL host is empty"),
        ("word", "Wrong HTTP URL"),
        ("http://localhost", "Wrong HTTP URL"),
        ("mailto://a.b", "Unsupported URL protocol"),
        ("http://example.com:99999/", "Wrong port number specified in the URL"),
        ("tg://", "URL host is empty"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused_with_its_reason(link: str, reason: str) -> None:
    with pytest.raises(LinkError, match=reason):
        check_link(link)


def test_entities_that_the_server_finds_by_itself() -> None:
    text = (
        "/book@bot @someone #tag $USD me@example.com see https://example.com/a(b). "
        "or telegram.org, tg://resolve?domain=a or 4111 1111 1111 1111"
    )
    found = format_text(text)[1]
    assert [(one["type"], text[one["offset"] :][: one["length"]]) for one in found] == [
        ("bot_command", "/book@bot"),
        ("mention", "@someone"),
        ("hashtag", "#tag"),
        ("cashtag", "$USD"),
        ("email", "me@example.com"),
        ("url", "https://example.com/a(b)"),
        ("url", "telegram.org"),
        ("url", "tg://resolve?domain=a"),
        ("bank_card_number", "4111 1111 1111 1111"),
    ]


@pytest.mark.parametrize(
    "text",
    ["a/b", "1/2", "x@y", "#1", "$usd", "file.txt", "http://", "//", "a@b", "<b>", "@ab", "/"],
)
def test_nothing_is_found_where_there_is_nothing(text: str) -> None:
    assert format_text(text)[1] == []


def test_nothing_is_found_inside_code_and_links() -> None:
    source = "<code>/start</code> <a href='example.com'>@someone</a>"
    assert spans(format_text(source, "HTML")[1]) == [("code", 0, 6), ("text_link", 7, 8)]


def test_white_space_and_control_characters_move_entities() -> None:
    text, entities = format_text("  a\r\t<b>b</b>\n ", "HTML")
    assert (text, spans(entities)) == ("a b", [("bold", 2, 1)])


def test_white_space_inside_the_first_entity_stays() -> None:
    text, entities = format_text("  <b> x</b>", "HTML")
    assert (text, spans(entities)) == (" x", [("bold", 0, 2)])


def test_styles_that_touch_are_one() -> None:
    assert spans(format_text("<b>a</b><b>b</b>", "HTML")[1]) == [("bold", 0, 2)]


def test_a_style_is_split_at_the_border_of_a_link() -> None:
    bold = {"type": "bold", "offset": 0, "length": 4}
    link = {"type": "text_link", "offset": 2, "length": 4, "url": "example.com"}
    assert spans(format_text("abcdef", None, [bold, link])[1]) == [
        ("bold", 0, 2),
        ("text_link", 2, 4),
        ("bold", 2, 2),
    ]


def test_of_two_links_that_overlap_the_first_stays() -> None:
    links = [
        {"type": "text_link", "offset": offset, "length": 4, "url": "example.com"}
        for offset in (0, 2)
    ]
    assert spans(format_text("abcdef", None, links)[1]) == [("text_link", 0, 4)]


def test_nested_styles_come_in_pieces() -> None:
    assert spans(format_text("<b>a<i>b</i>c</b>", "HTML")[1]) == [
        ("bold", 0, 1),
        ("bold", 1, 2),
        ("italic", 1, 1),
    ]


def test_what_is_found_splits_styles_and_gives_way_to_links_and_code() -> None:
    source = "<b>see t.me now</b> <a href='a.b'>x @name</a> <blockquote>@some name</blockquote>"
    assert spans(format_text(source, "HTML")[1]) == [
        ("bold", 0, 4),
        ("url", 4, 4),
        ("bold", 4, 4),
        ("bold", 8, 4),
        ("text_link", 13, 7),
        ("blockquote", 21, 10),
        ("mention", 21, 5),
    ]


def test_nothing_is_found_across_the_border_of_a_quote() -> None:
    assert spans(format_text("<blockquote>@so</blockquote>me", "HTML")[1]) == [("blockquote", 0, 3)]


def test_a_message_shows_100_entities_links_first() -> None:
    bold = [{"type": "bold", "offset": 2 * place, "length": 1} for place in range(99)]
    code = [{"type": "code", "offset": 200 + 2 * place, "length": 1} for place in range(2)]
    emoji = {"type": "custom_emoji", "offset": 210, "length": 1, "custom_emoji_id": "5"}
    shown = format_text("x" * 211, None, [*bold, *code, emoji])[1]
    assert [each["type"] for each in shown] == ["bold"] * 98 + ["code"] * 2 + ["custom_emoji"]


def test_a_legacy_link_without_an_address_leads_where_the_server_reads_it() -> None:
    assert parse("[a.com]", "Markdown")[1][0]["url"] == "http://.comm/"
    assert parse("*1*, *2*, *3*, *4*: [a.co]", "Markdown")[1][-1]["url"] == "http://a.co/"
    with pytest.raises(ApiError, match=r"messageEntityTextUrl\.url must be encoded in UTF-8"):
        format_text("[яндекс.рф]", "Markdown")


def test_an_unknown_parse_mode_is_an_error_in_both_doors() -> None:
    with pytest.raises(EntityError, match="Unsupported parse_mode"):
        parse("x", "BBCode")
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        format_text("x", "BBCode")


def test_lengths_count_utf16_units() -> None:
    assert [utf16_length(text) for text in ("", "a", "é", "😀", "👍🏽")] == [0, 1, 1, 2, 4]
