"""Markdown of rich messages, turned into their HTML."""

from __future__ import annotations

import re
from html import escape

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_RULE = re.compile(r"\s*([-*_])(\s*\1){2,}\s*$")
_ITEM = re.compile(r"(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(?:\[([ xX])\]\s+)?(.*)$")
_FENCE = re.compile(r"\s*(```+|~~~+)\s*([^\s`]*)\s*$")
_ROW = re.compile(r"\s*\|(.*)\|\s*$")
_RULER = re.compile(r"\s*:?-+:?\s*")
# The longer signs come first; what is in code is not looked at again.
_INLINE = (
    (re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)"), r'<img src="\2">'),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)"), r'<a href="\2">\1</a>'),
    (re.compile(r"\*\*(?=\S)(.+?)\*\*"), r"<b>\1</b>"),
    (re.compile(r"__(?=\S)(.+?)__"), r"<b>\1</b>"),
    (re.compile(r"~~(?=\S)(.+?)~~"), r"<s>\1</s>"),
    (re.compile(r"==(?=\S)(.+?)=="), r"<mark>\1</mark>"),
    (re.compile(r"\|\|(?=\S)(.+?)\|\|"), r"<tg-spoiler>\1</tg-spoiler>"),
    (re.compile(r"\*(?=\S)(.+?)\*"), r"<i>\1</i>"),
    (re.compile(r"(?<![A-Za-z0-9])_(?=\S)(.+?)_(?![A-Za-z0-9])"), r"<i>\1</i>"),
)
_CODE = re.compile(r"(`+)(.+?)\1")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def markdown_html(source: str) -> str:
    """Return the HTML that Markdown stands for."""
    return _blocks(source.splitlines())


def _blocks(lines: list[str]) -> str:
    made, at = [], 0
    while at < len(lines):
        for read in (_empty, _fenced, _math, _heading, _quoted, _table, _list, _paragraph):
            found = read(lines, at)
            if found is not None:
                html, at = found
                made.append(html)
                break
    return "".join(made)


Found = tuple[str, int] | None


def _empty(lines: list[str], at: int) -> Found:
    return None if lines[at].strip() else ("", at + 1)


def _fenced(lines: list[str], at: int) -> Found:
    fence = _FENCE.match(lines[at])
    if not fence:
        return None
    end = at + 1
    while end < len(lines) and not lines[end].strip().startswith(fence[1]):
        end += 1
    code = escape("\n".join(lines[at + 1 : end]))
    language = f' class="language-{escape(fence[2])}"' if fence[2] else ""
    return f"<pre><code{language}>{code}</code></pre>", end + 1


def _math(lines: list[str], at: int) -> Found:
    line = lines[at].strip()
    if not line.startswith("$$"):
        return None
    end, text = at, line[2:]
    while not text.rstrip().endswith("$$") and end + 1 < len(lines):
        end += 1
        text += f"\n{lines[end]}"
    return f"<tg-math-block>{escape(text.rstrip().removesuffix('$$'))}</tg-math-block>", end + 1


def _heading(lines: list[str], at: int) -> Found:
    if _RULE.match(lines[at]):
        return "<hr>", at + 1
    found = _HEADING.match(lines[at])
    if not found:
        return None
    tag = f"h{len(found[1])}"
    return f"<{tag}>{_inline(found[2])}</{tag}>", at + 1


def _quoted(lines: list[str], at: int) -> Found:
    end = at
    while end < len(lines) and lines[end].lstrip().startswith(">"):
        end += 1
    if end == at:
        return None
    inside = [line.lstrip()[1:].removeprefix(" ") for line in lines[at:end]]
    return f"<blockquote>{_blocks(inside)}</blockquote>", end


def _table(lines: list[str], at: int) -> Found:
    head = _ROW.match(lines[at])
    ruler = _ROW.match(lines[at + 1]) if at + 1 < len(lines) else None
    if not head or not ruler or not all(map(_RULER.fullmatch, ruler[1].split("|"))):
        return None
    aligns = [_align(cell.strip()) for cell in ruler[1].split("|")]
    rows = [_cells(head[1], "th", aligns)]
    end = at + 2
    while end < len(lines) and (row := _ROW.match(lines[end])):
        rows.append(_cells(row[1], "td", aligns))
        end += 1
    return f"<table bordered>{''.join(rows)}</table>", end


def _align(ruler: str) -> str:
    if ruler.endswith(":"):
        return "center" if ruler.startswith(":") else "right"
    return "left"


def _cells(row: str, tag: str, aligns: list[str]) -> str:
    cells = [
        f'<{tag} align="{align}">{_inline(cell.strip())}</{tag}>'
        for cell, align in zip(row.split("|"), [*aligns, *["left"] * row.count("|")], strict=False)
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _list(lines: list[str], at: int) -> Found:
    first = _ITEM.match(lines[at])
    if not first:
        return None
    indent, ordered, end, items = len(first[1]), first[2] is not None, at, []
    while end < len(lines):
        item = _ITEM.match(lines[end])
        if not item or len(item[1]) != indent or (item[2] is not None) is not ordered:
            break
        inside, end = [item[4]], end + 1
        while end < len(lines) and lines[end].strip() and _indent(lines[end]) > indent:
            inside.append(lines[end])
            end += 1
        items.append(f"<li>{_box(item[3])}{_item(inside)}</li>")
    tag = "ol" if ordered else "ul"
    start = f' start="{first[2]}"' if ordered else ""
    return f"<{tag}{start}>{''.join(items)}</{tag}>", end


def _box(mark: str | None) -> str:
    if mark is None:
        return ""
    return '<input type="checkbox" checked>' if mark in "xX" else '<input type="checkbox">'


def _item(lines: list[str]) -> str:
    nested = min((_indent(line) for line in lines[1:]), default=0)
    return _blocks([lines[0], *(line[nested:] for line in lines[1:])])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _paragraph(lines: list[str], at: int) -> Found:
    end = at + 1
    others = (_empty, _fenced, _math, _heading, _quoted, _table, _list)
    while end < len(lines) and all(read(lines, end) is None for read in others):
        end += 1
    text = "\n".join(lines[at:end])
    if text.lstrip().startswith("<"):  # HTML may stand in Markdown
        return text, end
    return f"<p>{'<br>'.join(_inline(line.strip()) for line in lines[at:end])}</p>", end


def _inline(text: str) -> str:
    """Return the HTML of a line: what is in code stays as it is."""
    pieces, done = [], 0
    for code in _CODE.finditer(text):
        pieces += [_styled(text[done : code.start()]), f"<code>{escape(code[2].strip())}</code>"]
        done = code.end()
    return "".join([*pieces, _styled(text[done:])])


def _styled(text: str) -> str:
    text = _ESCAPED.sub(lambda found: f"&#{ord(found[1])};", text)
    for sign, html in _INLINE:
        text = sign.sub(html, text)
    return text
