"""What every store on a server does with a URL that cannot work."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

import pytest

from toolkit.storage import open_storage

QUOTED = "has to be quoted|quotes nothing|is not quoted|holds a space|beginning of a"
PASSWORDS = (
    *("my/secret", "my@secret", "my#secret", "my?secret", "my%secret", "my[secret", "my secret"),
    *("1/secret", "1?secret=1", "s@x/secret"),
)


class UrlConformance:
    """Give it the URLs of a store."""

    good: ClassVar[tuple[str, ...]]
    broken: ClassVar[dict[str, str]]
    """URLs, each with what is said of it, a regular expression."""
    password: ClassVar[str] = ""
    """A scheme whose URLs have passwords."""

    def test_what_the_driver_understands_is_taken(self) -> None:
        for url in self.good:
            assert open_storage(url)

    def test_a_broken_url_is_refused_with_what_is_wrong_and_without_its_password(self) -> None:
        for url, message in self.broken.items():
            with pytest.raises(ValueError, match=message) as refusal:
                open_storage(url)
            assert "secret" not in str(refusal.value)

    @pytest.mark.parametrize("password", PASSWORDS)
    def test_an_unquoted_password_is_refused_with_how_to_quote_it(self, password: str) -> None:
        if not self.password:
            return
        for url in (f"bot:{password}@h:1/0", f":{password}@h/0?x=1"):
            with pytest.raises(ValueError, match=QUOTED) as refusal:
                open_storage(f"{self.password}://{url}")
            assert "%2F" in str(refusal.value)
            assert "secret" not in str(refusal.value)

    def test_a_quoted_password_is_taken(self) -> None:
        if self.password:
            assert open_storage(f"{self.password}://bot:{quote('/@:#?%[] ', safe='')}@h:1/0")
