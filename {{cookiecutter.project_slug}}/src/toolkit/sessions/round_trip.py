"""Whether what a session's type writes is what it reads.

What its type always loses is refused when the bot is made. All else shows at the commit: what is
about to be written must pass validation, and a field whose type may read one value as another is
compared with what would be read. Types without such fields are not compared.
"""

from __future__ import annotations

import dataclasses
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel

Node = dict[str, Any]

_PLAIN = re.compile(
    "any|bool|bytes|computed-field|dataclass|dataclass-args|dataclass-field|date|decimal|default|"
    "definition-ref|definitions|dict|enum|float|frozenset|int|list|literal|model|model-field|"
    "model-fields|none|nullable|set|str|timedelta|tuple|uuid"
)
"""Kinds of pydantic's core schema that read what they write, or refuse to read it."""

_NO_KEYS = re.compile("dataclass|dict|frozenset|list|model|none|nullable|set|tuple")
_TURNING = ("custom_init", "post_init", "serialization_exclude_if", "strip_whitespace", "to_lower")
_HARMLESS = {"extra_fields_behavior", "frozen", "serialize_by_alias", "strict", "title"}
_ASIDE = {"config", "default", "expected", "members", "metadata", "return_schema", "serialization"}
_ALIASES = {"serialization_alias", "validation_alias"}
_FIELDS = {"dataclass-args", "model-fields", "typed-dict"}


class RoundTrip:
    """What pydantic's core schema of a session's type says about writing and reading it.

    Raises `ValueError` naming a field that is always lost.
    """

    def __init__(self, schema: Any) -> None:
        self._types: dict[str, Node] = {}
        if schema["type"] == "definitions":
            self._types = {item["ref"]: item for item in schema["definitions"]}
            schema = schema["schema"]
        found = self._nodes(schema)
        for path, node in found:
            if reason := _always_lost(node):
                raise ValueError(f"{path} {reason}")
        nodes = [node for _, node in found]
        kinds = {node["type"] for node in nodes}
        self.reading: dict[str, Any] = {}
        """Options to read with; they cost something, so that the usual type has none."""
        self.writing: dict[str, Any] = {"mode": "json", "warnings": "error"}
        has_aliases = any(node.keys() & _ALIASES for node in nodes)
        if has_aliases:
            self.reading |= {"by_alias": False, "by_name": True}
        if any({**node.get("config", {}), **node}.get("strict") for node in nodes):
            # JSON has no dates, enums and tuples, in which a strict type would insist.
            self.reading["strict"] = False
        if has_aliases or kinds & {"computed-field", "json"}:
            self.writing |= {"by_alias": False, "round_trip": True}
        self.copies = not kinds & {"any", "function-plain"} and "allow" not in map(_extra, nodes)
        """Whether reading leaves nothing of the record inside the session."""
        self.compared = self._compared(schema)
        """The fields to compare, "" for the whole, and whether the types of values count."""

    def _compared(self, node: Node) -> dict[str, bool]:
        turns = False
        while node["type"] not in _FIELDS:
            turns = turns or _turns(node)
            inner = node.get("schema") or self._types.get(node.get("schema_ref", ""))
            if inner is None:
                return self._traits("", node, turns)
            node = inner
        fields = node["fields"]
        named = fields.items() if isinstance(fields, dict) else ((f["name"], f) for f in fields)
        found: dict[str, bool] = {}
        for name, field in named:
            found |= self._traits(name, field, turns)
        return found

    def _traits(self, name: str, node: Node, turns: bool) -> dict[str, bool]:
        nodes = [inner for _, inner in self._nodes(node)]
        kinds = {inner["type"] for inner in nodes}
        # An instance of another class is written as if it were one of the right class.
        turns = turns or bool(kinds & {"dataclass", "model"}) or any(map(_turns, nodes))
        # What Any holds comes back as JSON, as documented.
        if "any" in kinds or not turns:
            return {}
        return {name: "union" in kinds}

    def _nodes(self, schema: Node) -> list[tuple[str, Node]]:
        return list(self._walk(schema, "session", dict(self._types)))

    def _walk(self, node: Any, path: str, types: dict[str, Node]) -> Iterator[tuple[str, Node]]:
        if isinstance(node, list | tuple):
            for item in node:
                yield from self._walk(item, path, types)
        elif isinstance(node, dict) and isinstance(node.get("type"), str):
            path = f"{path}.{node['name']}" if node["type"] == "dataclass-field" else path
            yield path, node
            # Each definition once: it may hold itself.
            yield from self._walk(types.pop(node.get("schema_ref", ""), None), path, types)
            for name, inner in node.items():
                if name not in _ASIDE:
                    yield from self._walk(inner, path, types)
        elif isinstance(node, dict):
            for name, inner in node.items():
                is_field = isinstance(inner, dict) and "schema" in inner
                yield from self._walk(inner, f"{path}.{name}" if is_field else path, types)


def _always_lost(node: Node) -> str | None:
    kind, serialization = node["type"], node.get("serialization", {})
    if node.get("serialization_exclude"):
        return (
            "has exclude=True and is never written. Private attributes are for what need not last"
        )
    if kind == "dataclass" and not node.get("post_init"):
        for field in node["schema"].get("fields", ()):
            if field.get("init") is False:
                return f"loses {field['name']}: with init=False it is never read. Remove that"
    if getattr(serialization.get("function"), "__name__", "").startswith("_serialize_secret"):
        return "is written as asterisks. Keep the secret elsewhere, or as text"
    if kind == "dict":
        keys = node.get("keys_schema", {})
        if _NO_KEYS.fullmatch(keys.get("type", "")) and "serialization" not in keys:
            return f"has keys of the kind {keys['type']}; keys are text, numbers, dates or enums"
    return None


def _turns(node: Node) -> bool:
    """Tell whether this kind may read another value than it has written."""
    kind = node["type"]
    if not _PLAIN.fullmatch(kind) or "serialization" in node or any(map(node.get, _TURNING)):
        return True
    if not node.get("config", {}).keys() <= _HARMLESS:
        return True
    if kind == "enum":
        kinds = {type(member.value) for member in node["members"]}
        return len(kinds) > 1 or not kinds <= {str, int}
    if kind == "literal":
        kinds = {type(value) for value in node["expected"]}
        # Of more than one kind it is written without a look: an enum's member as its value.
        return len(kinds) > 1 or not kinds <= {str, int, bool, type(None)}
    return kind == "dict" and node.get("keys_schema", {}).get("type") not in ("str", "int", "any")


def _extra(node: Node) -> Any:
    return node.get("extra_behavior") or node.get("config", {}).get("extra_fields_behavior")


def difference(old: Any, new: Any, path: str, exact: bool) -> tuple[str, Any] | None:
    """Return the first place where `new` is not what `old` is, and what is there.

    `exact` says that types count too, and not only equality.
    """
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        pairs = [(f"{path}[{key!r}]", value, new[key]) for key, value in old.items()]
    elif isinstance(old, list | tuple | deque) and type(old) is type(new) and len(old) == len(new):
        pairs = [(f"{path}[{at}]", *both) for at, both in enumerate(zip(old, new, strict=True))]
    elif isinstance(old, BaseModel) and type(old) is type(new):
        names = (*type(old).model_fields, *(old.model_extra or ()))
        pairs = [(f"{path}.{name}", getattr(old, name), getattr(new, name)) for name in names]
    elif dataclasses.is_dataclass(old) and type(old) is type(new):
        names = tuple(field.name for field in dataclasses.fields(old))
        pairs = [(f"{path}.{name}", getattr(old, name), getattr(new, name)) for name in names]
    elif isinstance(old, datetime) and isinstance(new, datetime) and old.tzinfo and new.tzinfo:
        # In an hour that a clock repeats or skips, no zone equals any other (PEP 495).
        return None if old.timestamp() == new.timestamp() else (path, new)
    else:
        same = old == new and (type(old) is type(new) or not exact)
        return None if same else (path, new)
    found = (difference(old, new, place, exact) for place, old, new in pairs)
    return next(filter(None, found), None)
