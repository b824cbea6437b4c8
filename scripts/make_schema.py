"""Writes the JSON Schema of spec files, from what the parser goes by.

`.venv/bin/python scripts/make_schema.py` writes `src/toolkit/harness/botspec.schema.json` of the
project. A test says when to run it again, and that both take the same files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(PROJECT / "src"))

from toolkit.harness.clock import DURATION, MOMENT  # noqa: E402
from toolkit.harness.fake_telegram.faults import FIELDS  # noqa: E402
from toolkit.harness.specs.spec import ALLOWABLE, FILE, GIVEN, SENDS, SPEC, STEP  # noqa: E402

FILE_NAME = PROJECT / "src/toolkit/harness/botspec.schema.json"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
TYPES: dict[type, Schema] = {
    str: TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
}
DESCRIPTIONS = {
    "name": "How reports call it.",
    "strict": "The bot makes the expected calls and no others, in the chat of the step.",
    "given": "What it starts from.",
    "allow": "Codes of --hard that may hold of it.",
    "steps": "What happens.",
    "specs": "The dialogues of this file.",
    "now": "The date, at which time stands still between the steps.",
    "advance": "How long to wait, in place of send: 90s, 15m, 24h, 30d, 1d12h.",
    "settings": "Settings that differ from those of the environment.",
    "session": "Fields of the session.",
    "language": "The language of the users, as Telegram tells it.",
    "send": "What a user does.",
    "expect": "The calls to the Bot API that must follow, in order.",
    "fault": "Calls that fail from this step on.",
    "method": "A method of the Bot API.",
    "payload": "The fields that matter, at any depth.",
    "buttons": "The labels of all its buttons, row by row.",
}


def ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def an_object(fields: dict[str, Schema], *required: str) -> Schema:
    """Return the schema of an object with these fields and no others."""
    described = {
        name: {"description": DESCRIPTIONS[name], **schema} if name in DESCRIPTIONS else schema
        for name, schema in fields.items()
    }
    rest = {"required": [*required]} if required else {}
    return {"type": "object", "properties": described, **rest, "additionalProperties": False}


def or_null(schema: Schema) -> Schema:
    """Let null stand for a field that is left out."""
    return {"anyOf": [schema, {"type": "null"}]}


def an_array(items: Schema, **more: Any) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items, **more}


def matcher() -> Schema:
    """Return the schema of what may stand for a value."""
    named = {"anyOf": [{"type": "string"}, an_array({"type": "string"}, minItems=1)]}
    return {
        "anyOf": [
            an_object({"$contains": ref("value")}, "$contains"),
            an_object({"$regex": {"type": "string", "format": "regex"}}, "$regex"),
            {
                "type": "object",
                "properties": {"$text": named},
                "required": ["$text"],
                "propertyNames": {"pattern": r"^(\$text$|(?!\$))"},
                "additionalProperties": ref("value"),
            },
        ]
    }


def plain() -> Schema:
    """Return the schema of an object that is no matcher, but may hold some."""
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^(?!\$)"},
        "additionalProperties": ref("value"),
    }


def sends() -> Schema:
    """Return the schema of what a user may do."""
    kinds = []
    for kind, fields in SENDS.items():
        schemas = {name: TYPES[each] for name, each in fields.items()}
        schemas["userId"] = {"type": "integer", "minimum": 1}
        if kind == "tap":
            schemas["tap"] = {"anyOf": [TEXT, ref("matcher")]}
        if kind == "update":
            # One update, with its id or without.
            with_id = {"required": ["update_id"], "minProperties": 2, "maxProperties": 2}
            without = {
                "not": {"required": ["update_id"]},
                "minProperties": 1,
                "maxProperties": 1,
            }
            schemas["update"] = {"type": "object", "anyOf": [with_id, without]}
        kinds.append(an_object(schemas, kind))
    return {"oneOf": kinds}


def faults() -> Schema:
    """Return the schema of a fault."""
    special: dict[str, Schema] = {
        "error": {"anyOf": [{"type": "integer", "minimum": 400}, {"const": "network"}]},
        "times": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "always"}]},
        "delay": {"type": "number"},
        "method": {"type": "string"},
        "text": {"type": "string"},
    }
    return an_object({name: special.get(name) or TYPES[kind] for name, (kind, _) in FIELDS.items()})


def schema() -> Schema:
    """Return the schema of a file."""
    moment = {"type": "string", "pattern": f"^{MOMENT}$"}
    given = dict(zip(GIVEN, ({"type": "object"}, {"type": "object"}, TEXT, moment), strict=True))
    buttons = {"anyOf": [ref("matcher"), an_array({"anyOf": [TEXT, ref("matcher")]})]}
    call = {"method": TEXT, "payload": or_null(ref("plain")), "buttons": or_null(buttons)}
    step = {
        "send": ref("send"),
        "advance": {"type": "string", "pattern": f"^{DURATION}$"},
        "expect": an_array(an_object(call, "method")),
        "session": or_null(ref("plain")),
        "fault": {"anyOf": [ref("fault"), an_array(ref("fault"))]},
    }
    steps = an_object({name: step[name] for name in STEP}, "expect")
    steps["oneOf"] = [{"required": ["send"]}, {"required": ["advance"]}]
    fields = {
        "$schema": TEXT,
        "name": TEXT,
        "strict": TYPES[bool],
        "given": ref("given"),
        "allow": an_array({"enum": ALLOWABLE}),
        "steps": an_array(steps, minItems=1),
    }
    spec = an_object({name: fields[name] for name in SPEC}, "name", "steps")
    file = {"$schema": TEXT, "given": ref("given"), "specs": an_array(ref("spec"))}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dialogues with a bot",
        "description": "docs/testing.md explains them.",
        "anyOf": [
            ref("spec"),
            an_array(ref("spec")),
            an_object({name: file[name] for name in FILE}, "specs"),
        ],
        "$defs": {
            "spec": spec,
            "given": an_object(given),
            "send": sends(),
            "fault": faults(),
            "matcher": matcher(),
            "plain": plain(),
            "value": {
                "anyOf": [
                    ref("matcher"),
                    ref("plain"),
                    an_array(ref("value")),
                    {"type": ["string", "number", "boolean", "null"]},
                ]
            },
        },
    }


def text() -> str:
    """Return the file."""
    return f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n"


if __name__ == "__main__":
    FILE_NAME.write_text(text(), encoding="utf-8")
