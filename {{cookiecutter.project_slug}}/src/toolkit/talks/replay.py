"""What runs again must find the session as it was, and code that was changed be noticed."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from types import CodeType
from typing import Any

from pydantic import BaseModel


def restore(found: Any, wanted: Any) -> Any:
    """Make `found` equal to `wanted`, in place where it can be; return it, or else `wanted`.

    A local variable that holds a list of the session still holds it afterwards.
    """
    if type(found) is not type(wanted):
        return wanted
    if isinstance(found, list):
        found[:] = [restore(*pair) for pair in zip(found, wanted, strict=False)] + wanted[
            len(found) :
        ]
    elif isinstance(found, dict):
        kept = {name: restore(found.get(name), value) for name, value in wanted.items()}
        found.clear()
        found.update(kept)
    elif isinstance(found, set):
        found.clear()
        found.update(wanted)
    elif isinstance(found, BaseModel):
        restore(vars(found), vars(wanted))
        if found.__pydantic_extra__ is not None:
            restore(found.__pydantic_extra__, wanted.__pydantic_extra__)
        restore(found.__pydantic_fields_set__, wanted.__pydantic_fields_set__)
    elif dataclasses.is_dataclass(found):
        for each in dataclasses.fields(found):
            value = restore(getattr(found, each.name, None), getattr(wanted, each.name))
            object.__setattr__(found, each.name, value)
    else:
        return wanted
    return found


@functools.lru_cache(maxsize=1000)
def fingerprint(function: Any) -> str:
    """Return a few characters that are others when the code of a function is."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    said = _said(code) if code is not None else getattr(function, "__qualname__", "")
    return hashlib.blake2b(said.encode()).hexdigest()[:6]


def _said(code: CodeType) -> str:
    parts = [code.co_code.hex(), *code.co_names]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            parts.append(_said(constant))
        elif isinstance(constant, frozenset):
            parts.extend(sorted(map(repr, constant)))
        else:
            parts.append(repr(constant))
    return "\n".join(parts)
