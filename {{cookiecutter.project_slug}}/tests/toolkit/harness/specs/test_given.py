"""What a spec starts from, and texts that it names instead of quoting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import BotApp, create_bot
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.running_bot import RunningBot
from toolkit.harness.specs.spec import SpecError, parse_specs
from toolkit.harness.types import Json

WORDS = {
    "en": {"greeting": r"Hello (?P<name>.+)!", "question": "Who are you\\?", "more": "…"},
    "de": {"greeting": r"Hallo (?P<name>.+)!", "question": "Wer sind Sie\\?", "more": "…"},
}


@dataclass
class Talk:
    """This bot remembers nothing."""

    said: int = 0


def find_text(name: str, language: str, fields: Mapping[str, str]) -> str:
    pattern = WORDS[language][name]
    return pattern.replace("(?P<name>.+)", f"({fields.get('name', '.+')})")


def make_bot(
    settings: Mapping[str, Any] | None = None, *, texts: object = find_text
) -> BotApp[Talk]:
    name = (settings or {}).get("name", "the bot")
    app = create_bot("42:given", initial=Talk)
    if texts is not None:
        app["find_text"] = texts

    @app.message()
    async def greet(message: Message) -> None:
        german = message.from_user is not None and message.from_user.language_code == "de"
        hello, question = ("Hallo", "Wer sind Sie?") if german else ("Hello", "Who are you?")
        await message.answer(f"{hello} {name}!\n\n{question}")

    return app


async def failure(text: Any, given: Json | None = None, **options: Any) -> str | None:
    expect = [{"method": "sendMessage", "payload": {"text": text}}]
    spec = {"name": "a dialogue", "steps": [{"send": {"text": "hi"}, "expect": expect}]}
    [parsed] = parse_specs({**spec, **({"given": given} if given else {})}, "f")

    def factory(settings: Mapping[str, Any] | None = None) -> BotApp[Talk]:
        return make_bot(settings, **options)

    return (await run_spec(parsed, factory)).failure


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ({"$text": ["greeting", "question"]}, None),
        ({"$text": ["greeting", "question"], "name": "the bot"}, None),
        ({"$text": ["greeting", "question"], "name": "Ann"}, {"settings": {"name": "Ann"}}),
        ({"$text": ["greeting", "question"]}, {"language": "de"}),
        ({"$text": ["greeting", "question"], "language": "de"}, {"language": "de"}),
    ],
)
async def test_a_named_text_is_found(text: Json, given: Json | None) -> None:
    assert await failure(text, given) is None


@pytest.mark.parametrize(
    "text",
    [
        {"$text": "greeting"},
        {"$text": "question"},
        {"$text": ["question", "greeting"]},
        {"$text": ["greeting", "question"], "name": "Ann"},
        {"$text": ["greeting", "question"], "language": "de"},
    ],
)
async def test_another_text_is_not_taken_for_it(text: Json) -> None:
    assert "payload.text" in (await failure(text) or "")


async def test_a_name_that_no_text_has_fails_the_step() -> None:
    assert "$text: 'greting'" in (await failure({"$text": "greting"}) or "")


async def test_a_bot_that_names_no_texts_is_told_so() -> None:
    assert "this bot names no texts" in (await failure({"$text": "greeting"}, texts=None) or "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "given: must be an object"),
        ({"time": 1}, "given.time: unknown field; it may be settings, session, language"),
        ({"settings": "all"}, "given.settings: must be an object"),
        ({"session": "all"}, "given.session: must be an object"),
        ({"language": 1}, "given.language: must be text"),
    ],
)
def test_what_cannot_be_given_is_said(given: Any, reason: str) -> None:
    spec = {"name": "a", "given": given, "steps": [{"send": {"text": "hi"}, "expect": []}]}
    with pytest.raises(SpecError, match=reason):
        parse_specs(spec, "f")


async def test_sessions_begin_with_what_is_given_and_each_has_its_own() -> None:
    app = make_bot()

    async with RunningBot(lambda: app, session={"said": 3}) as running:
        await running.deliver(running.telegram.send_text(1, "hi"))
        assert await running.session() == {"said": 3}
        first, second = (app.sessions.codec.load(key, None)[0] for key in ("1_1", "2_2"))
        assert [key async for key in app.session_storage.read_all_keys()] == []

    assert first == second
    assert first is not second


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        ({"sad": 1}, "given.session: there is no field 'sad' in the session, only said"),
        ({"said": "often"}, "given.session"),
    ],
)
async def test_a_session_that_cannot_be_fails_the_spec(session: Json, reason: str) -> None:
    assert reason in (await failure({"$text": "greeting"}, {"session": session}) or "")


@pytest.mark.parametrize("wrong", [{"$text": 1}, {"$text": []}, {"$text": ["a", 1]}])
def test_a_text_is_named_by_a_text(wrong: Json) -> None:
    expect = [{"method": "sendMessage", "payload": {"text": wrong}}]
    spec = {"name": "a", "steps": [{"send": {"text": "hi"}, "expect": expect}]}
    with pytest.raises(SpecError, match=r"\$text must be the name of a text"):
        parse_specs(spec, "f")
