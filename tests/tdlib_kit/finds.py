"""Random texts in which something may be found, and entities that a bot may give."""

from __future__ import annotations

from typing import Any

from tests.tdlib_kit.texts import Texts, words

Json = dict[str, Any]

USERS = ["abc", "ab", "gif", "Nft", "durov", "a" * 32, "a" * 33, "x_9", "я", "a", "12", "ufcx"]
TAGS = words("tag 1 a1 _ тег १ x·y ක ² #")
TAGS += ["z\u200cz", "t" * 255, "t" * 256, "t" * 257, "1" * 256 + "a"]
CASHTAGS = ["USD", "1INCH", "ABCDEFGH", "ABCDEFGHI", "usd", "A", "1INC", "US1", "1INCHX"]
CHATS = ["@abc", "@ab", "@" + "a" * 32, "@" + "a" * 33, "@я", "@", "@abc@"]
LOGINS = ["me", "a.b+c", "a" * 35, "a" * 36, "x_-y", "a" * 26 + ".b", "a" * 27 + ".b", ""]
LOGINS += [".".join("a" * count) for count in (11, 12)]
ISSUERS = words("4 51 2221 2720 34 37 62 81 2200 2205 9 60 55 50 56")
STYLES = ["bold", "italic", "underline", "strikethrough", "spoiler"]
KINDS = words(
    "code pre blockquote expandable_blockquote text_link text_mention custom_emoji date_time "
    "bold italic underline strikethrough spoiler"
)
CHARS = ["a", "b", " ", "\n", "я", "😀", "\r", "\t", "\u2029", "\u0333", "\u200e", "\u200f", "👍🏽"]


def findable(texts: Texts) -> str:
    pieces = []
    for _ in range(texts.random.randint(1, 4)):
        pieces += [_thing(texts), _glue(texts)]
    return texts.mutated("".join(pieces))


def _glue(texts: Texts) -> str:
    roll = texts.random.random()
    if roll < 0.5:
        return " "
    return texts.pick(["", "\n", ", ", ". ", "/"]) if roll < 0.75 else texts.char()


def _thing(texts: Texts) -> str:
    chat = texts.pick(CHATS) if texts.chance(0.4) else ""
    match texts.random.randrange(11):
        case 0:
            return f"@{texts.pick(USERS)}"
        case 1:
            return f"/{texts.pick(USERS)}{chat}"
        case 2:
            return f"#{texts.pick(TAGS)}{chat}"
        case 3:
            return f"${texts.pick(CASHTAGS)}{chat}"
        case 4:
            return _card(texts)
        case 5:
            prefix = "mailto:" if texts.chance(0.2) else ""
            return f"{prefix}{texts.pick(LOGINS)}@{texts.host()}"
        case 6:
            return texts.special_link()
        case 7:
            return f"{texts.host()}/{_thing(texts)}"
        case 8:
            return f"{texts.pick(['tg', 'ton', 'tonsite', 'TG'])}://{_thing(texts)}"
        case _:
            return texts.link()


def _card(texts: Texts) -> str:
    start = texts.pick(ISSUERS)
    size = texts.pick([12, 13, 15, 16, 16, 16, 18, 19, 20])
    digits = start + "".join(texts.pick("0123456789") for _ in range(size - 1 - len(start)))
    doubled = [int(digit) * 2 - 9 * (int(digit) > 4) for digit in digits[::-2]]
    digits += str(-(sum(doubled) + sum(map(int, digits[-2::-2]))) % 10)
    if texts.chance(0.1):
        digits = digits[:-1] + texts.pick("0123456789")
    gap, step = texts.pick(["", "", " ", "-", "  "]), texts.pick([4, 4, 4, 1, 6])
    return gap.join(digits[place : place + step] for place in range(0, len(digits), step))


def letters(texts: Texts) -> str:
    """Return a text without markup."""
    chars = CHARS[:4] if texts.chance(0.6) else CHARS
    return texts.several(lambda: texts.pick(chars), 0, 14)


def entities(texts: Texts, length: int) -> list[Json]:
    """Return entities for a text of this length, most of them inside it."""
    return [_entity(texts, length) for _ in range(texts.random.randint(1, texts.pick([2, 4, 8])))]


def _entity(texts: Texts, length: int) -> Json:
    beyond = 3 if texts.chance(0.01) else 0
    offset = texts.random.randint(0, length + beyond)
    size = texts.random.randint(0, max(0, length - offset) + beyond)
    kind = texts.pick(STYLES if texts.chance(0.3) else KINDS)
    given: Json = {"type": kind, "offset": offset, "length": size}
    if texts.chance(0.002):
        given[texts.pick(["offset", "length"])] = texts.pick([-1, 1_000_000, 1_000_001])
    match kind:
        case "text_link":
            given["url"] = texts.link() if texts.chance(0.05) else "http://a.b/"
        case "text_mention":
            given["user"] = {"id": 1}
        case "custom_emoji":
            given["custom_emoji_id"] = "5"
        case "date_time":
            given["unix_time"] = 5
        case "pre":
            given["language"] = texts.pick(["", "py", "a\tb", "x\r"])
    return given
