"""Writes the JSON Schema of spec files, from what the parser goes by.

`.venv/bin/python scripts/make_schema.py` writes `src/toolkit/harness/botspec.schema.json` of the
project. A test says when to run it again, and that both take the same files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(PROJECT / "src"))

from toolkit.harness.clock import DURATION, MOMENT  # noqa: E402
from toolkit.harness.fake_telegram.faults import FIELDS  # noqa: E402
from toolkit.harness.fake_telegram.rights import ALL_RIGHTS  # noqa: E402
from toolkit.harness.specs import scene, sends  # noqa: E402
from toolkit.harness.specs.spec import (  # noqa: E402
    ACTS,
    ALLOWABLE,
    FILE,
    GIVEN,
    MIN_CONCURRENT,
    SPEC,
    STEP,
    TALK,
)

FILE_NAME = PROJECT / "src/toolkit/harness/botspec.schema.json"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
TYPES: dict[type | sends.Shape, Schema] = {
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
    "talk": "Fields of the talk that is open after the step; null for none.",
    "waiting": "The question or the event that the talk waits for.",
    "answers": "What was answered, by the names of the questions.",
    "language": "The language of the users, as Telegram tells it.",
    "sessions": "Fields of single sessions, by key: the chat and the user, such as 1_1.",
    "records": "Other records of the store, by key.",
    "users": "Who they are, as fields of a Bot API User.",
    "chats": "Private chats, groups, channels and forums.",
    "bot_rights": "The rights of the bot, which is an administrator.",
    "topics": "The topics of a forum.",
    "send": "What a user does.",
    "concurrently": "What several users do at the same time; the calls may come in any order.",
    "fails": "Part of the exception that the handler raises.",
    "replyTo": "The id of the message that this one answers.",
    "topicId": "The topic of a forum, by its id.",
    "messageId": "The message that is meant, by its id; by default the newest that can be.",
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


def the_id(least: int = 1) -> Schema:
    """Return the schema of a whole number from `least` on."""
    return {"type": "integer", "minimum": least}


def label() -> Schema:
    """Return the schema of what a user sees."""
    return {"anyOf": [TEXT, ref("matcher")]}


def shapes() -> dict[type | sends.Shape, Schema]:
    """Return the schemas of the types that fields of a `send` have."""
    option = {"anyOf": [TEXT, ref("matcher"), the_id(0)]}
    place = {
        name: {"type": "number", "minimum": -most, "maximum": most}
        for name, most in sends.RANGES.items()
    }
    parts = [
        an_object({name: TYPES[each] for name, each in fields.items()}, kind)
        for kind, fields in sends.PARTS.items()
    ]
    many = {"minItems": sends.MIN_ALBUM, "maxItems": sends.MAX_ALBUM}
    return {
        **TYPES,
        sends.Shape.TEXT: {"type": "string"},
        sends.Shape.LABEL: label(),
        sends.Shape.LABELS: {"anyOf": [*option["anyOf"], an_array(option)]},
        sends.Shape.TEXTS: {"anyOf": [TEXT, an_array(TEXT)]},
        sends.Shape.SOURCE: {"anyOf": [TEXT, TYPES[int]]},
        sends.Shape.LOCATION: an_object(place, *place),
        sends.Shape.ALBUM: an_array({"oneOf": parts}, **many),
        sends.Shape.DATA: {"anyOf": [TEXT, TYPES[dict]]},
        sends.Shape.GROUP: {"type": "integer", "maximum": -1},
    }


def all_sends() -> Schema:
    """Return the schema of what a user may do."""
    known = shapes()
    kinds = []
    for kind, fields in sends.SENDS.items():
        schemas = {name: known[each] for name, each in fields.items()}
        schemas["userId"] = the_id()
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


def given() -> Schema:
    """Return the schema of what a dialogue starts from."""
    user = {name: TYPES[kind] for name, kind in scene.USER.items()} | {"id": the_id()}
    of_session = {"pattern": scene.SESSION_KEY, "minLength": 1}
    of_record = {"not": {"pattern": scene.SESSION}, "minLength": 1}
    fields = {
        "settings": TYPES[dict],
        "session": TYPES[dict],
        "language": TEXT,
        "now": {"type": "string", "pattern": f"^{MOMENT}$"},
        "sessions": a_map(of_session),
        "records": a_map(of_record),
        "users": an_array(an_object(user, "id")),
        "chats": an_array({"anyOf": [*chats()]}),
    }
    return an_object({name: fields[name] for name in GIVEN})


def a_map(keys: Schema) -> Schema:
    """Return the schema of objects under such keys."""
    return {"type": "object", "propertyNames": keys, "additionalProperties": TYPES[dict]}


def chats() -> Iterator[Schema]:
    """Yield the schemas of a private chat, of a group or channel, and of a forum."""
    private = {"id": the_id(), "type": {"const": "private"}}
    yield an_object({name: private[name] for name in scene.PRIVATE}, "id")
    group = {
        name: an_array(the_id()) if kind is list else TYPES[kind]
        for name, kind in scene.CHAT.items()
    }
    topic = {"id": the_id(), "name": TEXT}
    group |= {
        "id": {"type": "integer", "maximum": -1},
        "bot_rights": an_array({"enum": [*ALL_RIGHTS]}),
        "topics": an_array(an_object(topic, *scene.TOPIC)),
        "type": {"const": "supergroup"},
    }
    yield an_object(group, "id")
    del group["topics"]
    yield an_object({**group, "type": {"enum": [*scene.KINDS]}}, "id")


def talk() -> Schema:
    """Return the schema of the open talk; its `name` is none that reports call something by."""
    fields = an_object({name: ref("value") for name in TALK if name != "name"})
    fields["properties"] = {"name": ref("value"), **fields["properties"]}
    return fields


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
    buttons = {"anyOf": [ref("matcher"), an_array({"anyOf": [TEXT, ref("matcher")]})]}
    call = {"method": TEXT, "payload": or_null(ref("plain")), "buttons": or_null(buttons)}
    step = {
        "send": ref("send"),
        "advance": {"type": "string", "pattern": f"^{DURATION}$"},
        "expect": an_array(an_object(call, "method")),
        "session": or_null(ref("plain")),
        "talk": or_null(ref("talk")),
        "fault": {"anyOf": [ref("fault"), an_array(ref("fault"))]},
        "fails": label(),
        "concurrently": an_array(ref("send"), minItems=MIN_CONCURRENT),
    }
    rest = [name for name in STEP if name not in ACTS]
    steps = [an_object({name: step[name] for name in (act, *rest)}, act, "expect") for act in ACTS]
    fields = {
        "$schema": TEXT,
        "name": TEXT,
        "strict": TYPES[bool],
        "given": ref("given"),
        "allow": an_array({"enum": ALLOWABLE}),
        "steps": an_array({"anyOf": steps}, minItems=1),
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
            "given": given(),
            "send": all_sends(),
            "talk": talk(),
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
