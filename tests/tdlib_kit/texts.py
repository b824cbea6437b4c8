"""Random characters, words and links, the same ones for the same seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


ODD = (
    "\0\t\r\n\v\f\x01\x1f\x7f\x85\xa0\xad\xb2\xb7\xb9\xbd«»ßİıſ\u212aяЯїςελअ०٣߀ක෴ඞ้๑中かｱＡ１ⅷ①𝟘𝒜"
    "\u0300\u030a\u0333\u033f\u1680\u180e\u2000\u200a\u200b\u200c\u200d\u200e\u200f\u2010\u2015"
    "\u2016\u2028\u202a\u202e\u202f\u203f\u205f\u2060\u206f\u2070\u2800\u3000\ufe0f\ufeff\ufffc"
    "…—’№€₽😀👍🏽🇺🇦\U000e0020\U0010fffe"
)
PUNCTUATION = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
WORDS = words("a b x1 Zz abc hello привет мир 7 42 1INCH USD A_b __ -- .. 2:30 tg http www")
PROTOCOLS = words(
    "http:// https:// HTTP:// ftp:// sftp:// xftp:// shttp:// tonsite:// mailto: :// http: "
    "яhttp:// tonsite: xhttps:// tftp:// a+http:// tg:// ton:"
)
LOGINS = ["u@", "u:p@", "a.b@", "@", "x@y@", "u%20@", "u%@", "ю@", "(a)@"]
PORTS = [":80", ":0", ":00080", ":65535", ":65536", ":99999", ":", ":x", ":-1", ":7:8"]
TOPS = words(
    "com org ru рф Com COM cOM ton onion xn--p1ai xn--p xn--a-b con c local museum укр УКР Укр 1 a1"
)
HOSTS = words(
    "1.2.3.4 255.255.255.255 256.1.1.1 01.2.3.4 1.2.3 [::1] [::g] [fe80::1%1] [::1 [] [::A] "
    "localhost . .. a_b.com a.b_c.com -.a.com a-.com teiegram.org Teiegram.Org t.me a~b.com"
)
HOSTS += ["", "x" * 63 + ".com", "x" * 64 + ".com", "я" * 31 + ".com", "я" * 32 + ".com"]
PATHS = words(
    "a (b) [c d] {e} f) ?q=1 #h &x=%20 . , ! ' ` : ; « » “ é %zz / // \\ \u2014 \u2026 _ @"
)
PATHS += [" ", "\t", "\u2028"]
NUMBERS = words(
    "1 123456789 0 -5 01 99999999999999999999 1099511627775 1099511627776 x "
    "5368324170671202286 -9223372036854775808 9223372036854775808 1700000000 2147483648"
)
NUMBERS += [""]


class Texts:
    """A source of texts."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret

    def pick(self, among: Sequence[T]) -> T:
        return among[int(self.random.random() * len(among))]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def several(self, make: Callable[[], str], least: int, most: int) -> str:
        return "".join([make() for _ in range(self.random.randint(least, most))])

    def char(self) -> str:
        roll = self.random.random()
        if roll < 0.5:
            return self.pick("abcxyzABCZ0123456789_")
        if roll < 0.75:
            return self.pick(PUNCTUATION)
        return self.pick(ODD) if roll < 0.97 else self._assigned()

    def _assigned(self) -> str:
        while True:
            char = chr(self.random.randrange(0x20, 0x30000))
            if unicodedata.category(char) not in ("Cn", "Cs"):
                return char

    def plain(self) -> str:
        return self.pick(WORDS) if self.chance(0.7) else self.several(self.char, 1, 3)

    def mutated(self, text: str) -> str:
        """Return the text with a few characters changed, most often none."""
        while text and self.chance(0.25):
            place = self.random.randrange(len(text))
            put = self.pick(["", self.char(), text[place] * 2, self.pick(PUNCTUATION)])
            text = text[:place] + put + text[place + self.random.randint(0, 1) :]
        return text

    def link(self) -> str:
        """Return a link or what nearly is one."""
        roll = self.random.random()
        if roll < 0.35:
            return self.pick(["http://a.b", "example.com", "https://t.me/x?y=1", "tg://user?id=7"])
        if roll < 0.55:
            return self.special_link()
        protocol = self.pick(PROTOCOLS) if self.chance(0.5) else ""
        login = self.pick(LOGINS) if self.chance(0.2) else ""
        port = self.pick(PORTS) if self.chance(0.2) else ""
        return protocol + login + self.host() + port + (self.path() if self.chance(0.5) else "")

    def host(self) -> str:
        if self.chance(0.2):
            return self.pick(HOSTS)
        first = self.plain() if self.chance(0.1) else self.pick(["a", "ab", "яндекс", "x-1", "b_c"])
        second = self.pick(["t.", "example.", "_x.", "9."]) if self.chance(0.2) else ""
        return f"{first}.{second}{self.pick(TOPS)}"

    def path(self) -> str:
        return self.pick("/?#") + self.several(lambda: self.pick(PATHS), 0, 5)

    def special_link(self) -> str:
        """Return a link to a user, an emoji or a time, or nearly so."""
        scheme = (
            "tg://" if self.chance(0.6) else self.pick(["tg:", "TG://", "tg:/", "ton://", "xtg://"])
        )
        name, parameter = self.pick([("user", "id="), ("emoji", "id="), ("time", "unix=")])
        if self.chance(0.2):
            name = self.pick(["User", "resolve", "users", "a.b", "a b", "", "x_1-"])
        if self.chance(0.1):
            parameter = self.pick(["ID=", "x=", "id", "id==", "format="])
        mark = "?" if self.chance(0.8) else self.pick(["/?", "#?", "//?", ""])
        number = "1700000000" if self.chance(0.5) else self.pick(NUMBERS)
        more = f"&format={self.date_format()}" if name == "time" and self.chance(0.5) else ""
        if self.chance(0.15):
            more += self.pick(["&id=1", "&unix=5", "&a", "#b", "&id=2", "&unix=x"])
        return f"{scheme}{name}{mark}{parameter}{number}{more}"

    def date_format(self) -> str:
        if self.chance(0.7):
            return self.pick(["", "r", "t", "T", "wd", "wDT", "Dt", "R", "tT", "dD"])
        return self.several(lambda: self.pick("tTdDwWrRx"), 0, 3)
