"""The fake makes of a text what TDLib does, the library in which the Bot API server does it.

Neither looks at these: moments of a video, which TDLib does not look for in a bot's texts; phone
numbers, which only Telegram's servers find; characters that this Python does not know yet; and
inputs at which TDLib's own JSON door ends the process.

`TDLIB_TEXTS=100000 pytest -m slow tests/test_tdlib.py` tries as many of each kind.
"""

from __future__ import annotations

import itertools
import json
import os
import string
import sys
import unicodedata

import pytest

from tests.support import TEMPLATE
from tests.tdlib_kit.compare import MODES, Compared, fixed, found, parsed
from tests.tdlib_kit.texts import Texts

FAKE_TESTS = TEMPLATE / "tests" / "toolkit" / "harness" / "fake_telegram"
TEXTS = int(os.environ.get("TDLIB_TEXTS", "10000"))
PARSE_MODES = {mode.lower(): mode for mode in ("HTML", "Markdown", "MarkdownV2")}


def check(compared: Compared | None) -> bool:
    if compared is None:
        return False
    source, real, fake = compared
    assert fake == real, source
    return True


@pytest.mark.parametrize("mode", MODES)
def test_2_000_random_inputs_come_to_the_same(mode: str) -> None:
    texts = Texts(seed=1)
    assert sum(check(MODES[mode](texts)) for _ in range(2_000)) > 900


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_many_random_inputs_come_to_the_same(mode: str) -> None:
    texts, count = Texts(seed=2), 0
    while count < TEXTS:
        count += check(MODES[mode](texts))


@pytest.mark.parametrize("file", ["accepted.jsonl", "rejected.jsonl"])
def test_the_texts_of_the_corpora_come_to_the_same(file: str) -> None:
    count = 0
    for line in (FAKE_TESTS / file).read_text(encoding="utf-8").splitlines():
        payload = json.loads(line).get("payload", {})
        text = payload.get("text", payload.get("caption"))
        if isinstance(text, str) and text.isprintable():
            mode = PARSE_MODES.get(str(payload.get("parse_mode", "")).lower())
            count += check(parsed(text, mode)) if mode else check(found(text))
    assert count > 50


def test_the_top_level_domains_are_the_same() -> None:
    file = TEMPLATE / "src" / "toolkit" / "harness" / "fake_telegram" / "entities"
    listed = (file / "top_level_domains.txt").read_text(encoding="utf-8").split()
    words = [*listed, *(name[:-1] for name in listed), *(f"{name}s" for name in listed)]
    words += map("".join, itertools.product(string.ascii_lowercase, repeat=2))
    words += map("".join, itertools.product(string.ascii_lowercase, repeat=3))
    for word in words:
        check(found(f"a.{word} A.{word.title()} a.{word.upper()}"))


@pytest.mark.slow
def test_every_kind_of_character_counts_as_the_same() -> None:
    for code in itertools.chain(range(1, 0x3000), range(0x3000, sys.maxunicode, 17)):
        char = chr(code)
        if unicodedata.category(char) not in ("Cs", "Cn"):
            check(
                found(
                    f"{char}@abcd{char}\n/ab{char}\n#a{char}#b{char}b\n{char}$A{char}\n"
                    f"a.com/{char}b\n{char}b.com\nhttp://a{char}b.com\na.co{char}\n"
                    f"x{char}y@a.com {char}4111111111111111{char}\n{char}x://a.b"
                )
            )
            check(fixed(f"{char}a", [{"type": "bold", "offset": 0, "length": 1}]))
