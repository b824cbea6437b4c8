"""Draw messages with rich: styles, buttons with numbers, polls, invoices, media."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from toolkit.harness.fake_telegram.rich.plain import text_of
from toolkit.harness.simulator.terminal.screens import printable
from toolkit.harness.simulator.terminal.targets import OPENS, Rows, Target, plain, targets_of
from toolkit.harness.types import Json

BOT, PERSON, QUIET = "cyan", "green", "bright_black"
STYLES = {
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strikethrough": "strike",
    "spoiler": "reverse",
    "code": "magenta",
    "pre": "magenta",
    "blockquote": "italic",
    "expandable_blockquote": "italic",
    **dict.fromkeys(
        ("mention", "text_mention", "hashtag", "cashtag", "bot_command", "url", "email"), "blue"
    ),
    "phone_number": "blue",
    "text_link": "blue underline",
}
ENVELOPE = {"message_id", "date", "chat", "from", "edit_date"}
"""Fields that every message has."""

BAR = 20
"""The width of the bar of a poll that everybody has chosen."""


class Bubble:
    """A message with a bar at its left, in the colour of who has written it."""

    def __init__(self, body: RenderableType, style: str) -> None:
        self._body = body
        self._style = Style.parse(style)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the bar before every line."""
        narrow = options.update(width=max(20, options.max_width - 2))
        for line in console.render_lines(self._body, narrow, pad=False):
            yield Segment("▎ ", self._style)
            yield from line
            yield Segment.line()


def message(content: Json, *heads: str, style: str = BOT) -> Bubble:
    """Draw a message; `heads` are words about it."""
    parts: list[Text] = []
    if heads:
        parts.append(Text(printable(" · ".join(heads)), QUIET))
    parts += (Text(printable(line), "bold") for line in _media(content))
    for field, entities in (("text", "entities"), ("caption", "caption_entities")):
        if field in content:
            parts.append(styled(content[field], content.get(entities, ())))
    if "rich_message" in content:
        parts.append(Text(printable(text_of(content))))
    parts += _poll_and_buttons(content)
    if len(parts) == len(heads[:1]):
        parts.append(Text(", ".join(content.keys() - ENVELOPE).replace("_", " "), "bold"))
    return Bubble(Group(*parts), style)


def styled(text: str, entities: list[Json] | tuple[()] = ()) -> Text:
    """Draw a text with what its entities say; they count in units of UTF-16."""
    drawn = Text(printable(text))
    units = text.encode("utf-16-le")
    for each in entities:
        start, end = each["offset"], each["offset"] + each["length"]
        place = [len(units[: 2 * x].decode("utf-16-le", "replace")) for x in (start, end)]
        drawn.stylize(STYLES.get(each["type"], ""), *place)
        if "url" in each:
            drawn.stylize(Style(link=printable(each["url"])), *place)
    return drawn


def chips(rows: Rows, first: int = 1) -> list[Text]:
    """Draw buttons row by row, with numbers that begin with `first`."""
    numbers = itertools.count(first)
    return [Text(" ").join(_chip(next(numbers), each) for each in row) for row in rows]


def _chip(number: int, target: Target) -> Text:
    # A line ends between buttons, not in them.
    label = printable(plain(target.label)).replace(" ", "\u00a0")
    opens = "↗" if target.kind in OPENS else ""
    return Text.assemble(("[", QUIET), (f"{number}", "bold"), f"\u00a0{label}{opens}", ("]", QUIET))


def _poll_and_buttons(content: Json) -> Iterator[Text]:
    rows = targets_of(content)
    drawn = chips(rows)
    if poll := content.get("poll"):
        about = [poll["type"], "anonymous" if poll["is_anonymous"] else "public"]
        about += ["several answers: /tap 1 2"] if poll["allows_multiple_answers"] else []
        about += ["closed"] if poll["is_closed"] else []
        yield styled(poll["question"], poll.get("question_entities", ())).append(
            f"  {', '.join(about)}", QUIET
        )
        options = poll["options"]
        labels = drawn[: len(options)] if not poll["is_closed"] else []
        labels = labels or [Text(printable(each["text"])) for each in options]
        drawn = drawn[len(options) :] if not poll["is_closed"] else drawn
        yield from map(_option, options, labels, itertools.repeat(poll))
    yield from drawn


def _option(option: Json, label: Text, poll: Json) -> Text:
    votes, total = option["voter_count"], poll["total_voter_count"]
    if not votes:
        return label
    share = votes / total
    return label.append(f" {'█' * max(1, round(BAR * share))}", "green").append(f" {share:.0%}")


def _media(content: Json) -> Iterator[str]:
    """Iterate over lines that stand for what a terminal cannot show."""
    for kind, describe in _MEDIA.items():
        # An animation is a document too, and a venue has a location.
        if kind in content and not (kind == "document" and "animation" in content):
            if kind == "location" and "venue" in content:
                continue
            words = describe(content[kind])
            yield f"{kind.replace('_', ' ')}  {words}" if words else kind.replace("_", " ")


def _file(file: Json) -> str:
    size = f"{file['width']}×{file['height']}" if "width" in file else ""
    length = f"{file['duration'] // 60}:{file['duration'] % 60:02}" if "duration" in file else ""
    name = " – ".join(str(file[x]) for x in ("performer", "title") if x in file)
    named = [name or file.get("file_name", ""), file.get("emoji", ""), length, size]
    return " · ".join([*filter(None, named), *_weight(file)])


def _weight(file: Json) -> Iterator[str]:
    if size := file.get("file_size"):
        yield f"{size} bytes" if size < 1000 else f"{size / 1000:,.1f} kB"


def _place(place: Json) -> str:
    return f"{place['latitude']:g}, {place['longitude']:g}"


_MEDIA: dict[str, Callable[[Any], str]] = {
    "photo": lambda sizes: _file({**sizes[-1], "file_name": ""}),
    **dict.fromkeys(
        ("video", "animation", "audio", "voice", "video_note", "document", "sticker"), _file
    ),
    "location": _place,
    "venue": lambda venue: f"{venue['title']}, {venue['address']} ({_place(venue['location'])})",
    "contact": lambda card: " ".join(
        str(card[x]) for x in ("first_name", "last_name", "phone_number") if x in card
    ),
    "dice": lambda dice: f"{dice['emoji']} {dice['value']}",
    "game": lambda game: f"{game['title']}: {game['description']}",
    "invoice": lambda invoice: f"{invoice['title']}: {invoice['description']}",
    "successful_payment": lambda payment: payment["invoice_payload"],
    "web_app_data": lambda data: data["data"],
}
