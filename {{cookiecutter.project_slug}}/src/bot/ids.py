"""Telegram ids, as a setting lists them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def _listed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    ids = given.replace(",", " ").split()
    for each in ids:
        if not (each.isascii() and each.isdecimal() and int(each)):
            raise ValueError(
                f"{each!r} is not the id of a user. Write numbers with commas between them, "
                "like 123456789,987654321; @userinfobot tells you yours"
            )
    return ids


Ids = Annotated[frozenset[int], NoDecode, BeforeValidator(_listed)]
