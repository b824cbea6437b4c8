"""The labels of the items of a list."""

from __future__ import annotations

_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC")),
    *((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)


def label_of(kind: str, number: int) -> str:
    """Return the label of an item: of an ordered list by its type, else a bullet."""
    if not kind:
        return "•"
    if number <= 0 or kind == "1" or (kind in "iI" and number >= 4000):
        return f"{number}."
    text = _roman(number) if kind in "iI" else _letters(number)
    return f"{text.lower() if kind in 'ai' else text}."


def _letters(number: int) -> str:
    text = ""
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("A") + letter) + text
    return text


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text
