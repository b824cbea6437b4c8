"""aiogram imported quickly is aiogram, model by model, and nothing else is changed by it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.support import TEMPLATE

pytestmark = pytest.mark.slow

BUILT = "from tests.test_quick_aiogram import print_models; print_models()"


def run(code: str, **environment: str) -> str:
    """Run code in a process that finds the toolkit, and return what it prints."""
    path = os.pathsep.join([str(TEMPLATE / "src"), str(TEMPLATE.parent)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "AIOGRAM_EAGER": "", **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def print_models() -> None:
    """Build every type and method of aiogram, and print the schemas and fields of each."""
    from aiogram import methods, types
    from pydantic import BaseModel

    models = {}
    for name in (*types.__all__, *methods.__all__):
        model = getattr(types, name, None) or getattr(methods, name)
        if isinstance(model, type) and issubclass(model, BaseModel):
            model.model_rebuild()
            fields = {field: repr(info) for field, info in model.model_fields.items()}
            schema = _Schema(model).plain(model.__pydantic_core_schema__)
            models[name] = [schema, fields, str(model.__signature__)]
    print(re.sub(r" at 0x[0-9a-f]+", "", json.dumps(models)))  # noqa: T201


class _Schema:
    """A model's schema with names in place of functions, and of the models that it refers to.

    pydantic writes out what was not built before, and refers to the rest, so that whole schemas
    depend on the order of building.
    """

    def __init__(self, model: type) -> None:
        self._model: type | None = model
        self._definitions: dict[str, Any] = {}
        self._open: list[str] = []

    def plain(self, part: Any) -> Any:
        """Return a part of the schema as JSON."""
        match part:
            case {"type": "definitions", "schema": schema, "definitions": definitions}:
                self._definitions |= {each["ref"]: each for each in definitions}
                return self.plain(schema)
            case {"type": "definition-ref", "schema_ref": ref}:
                return self._referred(ref)
            case {"type": "model", "cls": cls} if cls is not self._model:
                return _name(cls)
            case dict():
                if part.get("type") == "model":
                    self._model = None
                return {str(key): self.plain(each) for key, each in part.items() if key != "ref"}
            case list() | tuple():
                return [self.plain(each) for each in part]
            case str() | int() | None:
                return part
        return _name(part)

    def _referred(self, ref: str) -> Any:
        if ref in self._open:
            return re.sub(r":\d+", "", ref)
        self._open.append(ref)
        plain = self.plain(self._definitions[ref])
        self._open.remove(ref)
        return plain


def _name(part: Any) -> str:
    return f"{part.__module__}.{part.__qualname__}" if hasattr(part, "__qualname__") else repr(part)


def test_every_model_is_built_as_aiogram_builds_it() -> None:
    quick = json.loads(run(f"import toolkit; {BUILT}"))
    eager = json.loads(run(f"import toolkit; {BUILT}", AIOGRAM_EAGER="1"))

    assert len(quick) > 500
    assert quick["SendMessage"][0]["schema"]
    different = {name for name in quick if quick[name] != eager[name]}
    assert quick.keys() == eager.keys()
    assert different == set()


PENDING = "from aiogram.types import Update; print(Update.__pydantic_complete__)"


@pytest.mark.parametrize(
    ("code", "eager", "built"),
    [
        ("import toolkit", "", False),
        ("import bot", "0", False),
        ("import toolkit.harness.pytest_plugin, toolkit.app", "", False),
        ("import toolkit", "1", True),
        ("import aiogram, toolkit", "", True),
    ],
)
def test_it_is_quick_where_the_toolkit_comes_first(code: str, eager: str, built: bool) -> None:
    assert run(f"{code}; {PENDING}", AIOGRAM_EAGER=eager).strip() == str(built)


SUBCLASSES = """
import toolkit
from pydantic import BaseModel, TypeAdapter
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import Chat, Message, TelegramObject, Update, User

class MySend(SendMessage):
    note: str = ""

class Undocumented(TelegramMethod[list[Chat]]):
    __returning__ = list[Chat]
    __api_method__ = "undocumented"
    message: Message

class MyChat(Chat):
    later: "Later | None" = None

class MyMessage(Message):
    chat: MyChat

class Later(TelegramObject):
    user: User

class Holder(BaseModel):
    message: MyMessage
    others: list[Message] = []

def inside():
    class Here(Chat):
        mine: int = 1
    return Here(id=1, type="private")

user = {"id": 1, "is_bot": False, "first_name": "A"}
chat = {"id": 1, "type": "private", "later": {"user": user}}
holder = Holder.model_validate({"message": {"message_id": 1, "date": 1, "chat": chat}})
print(holder.message.chat.later.user.first_name, inside().mine)
print(TypeAdapter(list[Update]).validate_python([{"update_id": 1}])[0].update_id)
print(MySend(chat_id=1, text="B", reply_markup=None).text)
print(Undocumented(message={"message_id": 1, "date": 1, "chat": chat}).message.chat.type)
print(MyMessage(message_id=1, date=1, chat=MyChat(id=1, type="private")).chat.type)
"""


@pytest.mark.parametrize("eager", ["", "1"])
def test_models_of_others_are_built_on_those_of_aiogram(eager: str) -> None:
    assert run(SUBCLASSES, AIOGRAM_EAGER=eager).split() == [
        "A",
        "1",
        "1",
        "B",
        "private",
        "private",
    ]


UNTESTED = """
import logging
logging.basicConfig(level="DEBUG", format="%(message)s", stream=__import__("sys").stdout)
from toolkit import quick_aiogram
quick_aiogram.TESTED["aiogram"] = "2"
"""


def test_an_untested_version_is_left_as_it_is_and_that_is_logged() -> None:
    told, built = run(UNTESTED + PENDING).splitlines()

    assert re.fullmatch(r"not tested with aiogram [\d.]+: its models are all built", told)
    assert built == "True"


UNTOUCHED = """
import sys, pydantic
before = vars(pydantic.BaseModel)["model_rebuild"], list(sys.meta_path)
import toolkit, aiogram.types
after = vars(pydantic.BaseModel)["model_rebuild"], list(sys.meta_path)
print(before == after, type(aiogram.types.__spec__.loader).__name__)
"""


def test_nothing_is_left_behind() -> None:
    assert run(UNTOUCHED).split() == ["True", "SourceFileLoader"]


WARM = """
import toolkit
from toolkit.quick_aiogram import warm_up
warm_up()
from aiogram.types import Chat, Message, Update
print(all(model.__pydantic_complete__ for model in (Chat, Message, Update)))
"""


def test_what_a_message_needs_can_be_built_before() -> None:
    assert run(WARM).strip() == "True"
