"""Random texts in HTML and Markdown, most of them almost right."""

from __future__ import annotations

import re

from tests.tdlib_kit.texts import PUNCTUATION, WORDS, Texts, words

TAGS = words(
    "b strong i em u ins s strike del tg-spoiler span code pre a tg-emoji tg-time blockquote"
)
ATTRIBUTES = words("href class emoji-id unix format expandable id HREF Class x")
EMOJI = ["5", "5368324170671202286", "5", "0", "-1", "x", "05"]
MOMENTS = ["5", "1700000000", "5", "0", "x", "2147483648", "-4294967295", "12ab"]
CODES = words("128512 x1F600 60 x26 0 x 1114111 x10fffe 99999999 xfffff1 32 10")
CODES += [""]
NAMES = ["lt", "gt", "amp", "quot", "nbsp", "apos", "LT"]
NEWLINES = ["\n", "\r\n", "\n\r", " ", "", "py\n", "c++ ", "я\n", "x`", "\r"]
ODD_TAGS = words("< > </ <a </> </b> & &#xd83d; &#xd83d;&#xde00; <p> <br>")
MARKS = words("_ * __ ~ || ` ``` [ ] ( ) ![ > .")
BREAKS = ["\n", "\n>", "\r\n", "\n>>", "||\n", "||\r\n", "\r", "\n\n", "||", "\n**>"]


def html(texts: Texts) -> str:
    return texts.mutated(texts.several(lambda: _html(texts, 0), 1, 4))


def _html(texts: Texts, depth: int) -> str:
    roll = texts.random.random()
    if depth > 3 or roll < 0.35:
        return texts.plain().replace("<", "&lt;") if texts.chance(0.95) else texts.plain()
    if roll < 0.45:
        return _reference(texts)
    if roll < 0.47:
        return texts.pick(ODD_TAGS)
    tag = texts.pick(TAGS)
    inside = texts.several(lambda: _html(texts, depth + 1), 0, 3)
    shown = tag.upper() if texts.chance(0.03) else tag
    end = (
        f"</{tag}>" if texts.chance(0.97) else texts.pick(["</>", f"</{tag} >", "", "</b>", "</I>"])
    )
    return _start_tag(texts, shown) + inside + end


def _reference(texts: Texts) -> str:
    name = texts.pick(NAMES) if texts.chance(0.6) else f"#{texts.pick(CODES)}"
    return f"&{name}{texts.pick([';', ';', ';', '', ' '])}"


def _start_tag(texts: Texts, tag: str) -> str:
    attributes = []
    if texts.chance(0.95):
        if tag == "a":
            attributes = [f'href="{texts.link()}"'] if texts.chance(0.8) else []
        elif tag == "span":
            attributes = ['class="tg-spoiler"']
        elif tag == "code" and texts.chance(0.5):
            attributes = ['class="language-py"']
        elif tag == "tg-emoji":
            attributes = [f'emoji-id="{texts.pick(EMOJI[: texts.pick([3, 3, 7])])}"']
        elif tag == "tg-time":
            moment = texts.pick(MOMENTS[: texts.pick([3, 3, 8])])
            attributes = [f'unix="{moment}" format="{texts.date_format()}"']
        elif tag == "blockquote":
            attributes = [texts.pick(["expandable", "", 'expandable="x"'])]
    while texts.chance(0.08):
        attributes.insert(texts.random.randint(0, len(attributes)), _attribute(texts))
    return "<" + " ".join([tag, *attributes]) + ("" if texts.chance(0.9) else " ") + ">"


def _attribute(texts: Texts) -> str:
    name = texts.pick(ATTRIBUTES)
    if texts.chance(0.1):
        return name
    values = ["language-py", "language-", "tg-spoiler", "tg-x", "1", "", "5", "1700000000", "a&b"]
    makers = [texts.link, texts.date_format, texts.plain]
    value = texts.pick(values) if texts.chance(0.5) else texts.pick(makers)()
    value += _reference(texts) if texts.chance(0.1) else ""
    quote = texts.pick(['"', '"', "'", ""])
    spaces = "" if texts.chance(0.8) else texts.pick([" ", "\n\t"])
    return f"{name}{spaces}={spaces}{quote}{value}{quote}"


def markdown(texts: Texts, *, escape: bool) -> str:
    """Return Markdown, most of whose plain text is escaped as MarkdownV2 wants it, or not."""
    return texts.mutated(texts.several(lambda: _markdown(texts, 0, escape), 1, 4))


def _markdown(texts: Texts, depth: int, escape: bool) -> str:
    roll = texts.random.random()
    if depth > 3 or roll < 0.4:
        return texts.pick(WORDS[:10])
    if roll < 0.47:
        return "\\" + texts.pick(PUNCTUATION + "a\n\ré😀")
    if roll < 0.49:
        return texts.pick(MARKS)
    if roll < 0.55:
        return texts.pick(BREAKS) if texts.chance(0.9) else texts.char()
    inside = texts.several(lambda: _markdown(texts, depth + 1, escape), 0, 3)
    if roll < 0.72:
        mark = texts.pick(["*", "_", "__", "~", "||", "`"])
        return mark + inside + mark
    if roll < 0.78:
        return f"```{texts.pick(NEWLINES)}{texts.pick(WORDS[:10])}```"
    if roll < 0.86:
        return _quote(texts, inside, depth, escape)
    return _link(texts, inside, escape)


def _quote(texts: Texts, inside: str, depth: int, escape: bool) -> str:
    lines = [_markdown(texts, depth + 2, escape) for _ in range(texts.pick([0, 0, 1, 2]))]
    end = texts.pick(["\n", "||\n", "||", "\r\n", "||\r\n", "", "\n"])
    return texts.pick(["", "\n", "\n", "**"]) + "\n>".join([">" + inside, *lines]) + end


def _link(texts: Texts, inside: str, escape: bool) -> str:
    label = inside if texts.chance(0.7) else texts.link()
    if escape and label is not inside and texts.chance(0.8):
        label = re.sub(r"([_*\[\]()~`>#+\-=|{}.!\\])", r"\\\1", label)
    address = texts.link()
    if texts.chance(0.9):
        address = address.replace(")", "\\)")
    if texts.chance(0.2):
        return f"![{inside}]({texts.special_link()})"
    return f"[{label}]" + (f"({address})" if texts.chance(0.8) else "")
