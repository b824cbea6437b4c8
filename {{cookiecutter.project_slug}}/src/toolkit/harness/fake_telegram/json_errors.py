"""Why a text is no JSON, in the words of the server's own parser."""

from __future__ import annotations

import json

_TOKENS = {"f": "false", "t": "true", "n": "null"}
_END = "Unexpected string end"


def why_no_json(text: str) -> str:
    """Return what the server says of a text; empty for one that is JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _words(error)
    except (ValueError, RecursionError):
        return "Too big object depth"
    return ""


def _words(error: json.JSONDecodeError) -> str:
    found = error.doc[error.pos : error.pos + 1]
    if error.msg.startswith("Unterminated string"):
        return "Closing '\"' not found"
    if not found:
        return _END
    if error.msg.startswith("Expecting property name"):
        return "Opening '\"' expected"
    if error.msg.startswith("Expecting ':'"):
        return "':' expected"
    if error.msg.startswith("Expecting ','"):
        return f"Unexpected symbol while parsing JSON {_container(error.doc[: error.pos])}"
    if error.msg.startswith("Extra data"):
        return "Expected string end"
    if found in _TOKENS:
        return f"Token starts with '{found}' -- {_TOKENS[found]} expected"
    return f"Unexpected symbol '{found}'" if found.isascii() else "Unexpected symbol"


def _container(text: str) -> str:
    """Return what is open at the end of a text that was JSON so far."""
    depth = {"]": 0, "}": 0}
    for char in reversed(text):
        if char in depth:
            depth[char] += 1
        elif char in "[{":
            closing = "]" if char == "[" else "}"
            if not depth[closing]:
                return "Array" if char == "[" else "Object"
            depth[closing] -= 1
    return "Object"
