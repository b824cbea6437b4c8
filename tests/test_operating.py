"""docs/operating.md, the dashboard and the alerts speak of what a running bot really has."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.delivery_kit import SOURCE
from tests.stores import free_port
from tests.support import Render
from tests.test_over_http import until
from toolkit import BotApp, create_bot
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.server import serve

TOKEN = "123456789:AAHcanary_canary-canary_canary-canar"
PATIENCE = 60

ASKED = re.compile(r"\b(?:bot|process)_\w+|\bup\b")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
# Prometheus and Grafana add them.
ADDED = {"job", "instance"}


class Run:
    """What the example has said and served: with JSON lines, metrics and uvloop."""

    def __init__(self) -> None:
        self.page = ""
        self.log = ""
        self.code: int | None = None

    async def play(self, folder: Path) -> None:
        """Let one user talk to it, look at its metrics, and stop it."""
        telegram, port = FakeTelegram(token=TOKEN), free_port()
        telegram.send_text(31, "/start")
        telegram.send_text(31, "/help")
        settings = {
            **{"BOT_TOKEN": TOKEN, "STORAGE_URL": "memory:", "METRICS_PORT": str(port)},
            **{"LOG_FORMAT": "json", "LOG_LEVEL": "debug", "EVENT_LOOP": "uvloop"},
        }
        async with serve(telegram) as address, asyncio.timeout(PATIENCE):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot"),
                cwd=folder,
                env={
                    **{**os.environ, "PYTHONPATH": str(SOURCE), "TELEGRAM_API_URL": address},
                    **settings,
                },
                stderr=subprocess.PIPE,
            )
            try:
                await until(telegram, lambda: sent(telegram) == 2)
                self.page = await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/metrics")
                process.terminate()
                _, said = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        self.log, self.code = said.decode(), process.returncode

    @property
    def samples(self) -> dict[str, set[str]]:
        """The names of all samples, each with its labels."""
        found: dict[str, set[str]] = {"up": set()}
        for family in text_string_to_metric_families(self.page):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
        # Nothing has failed, so that there is no sample with these labels.
        assert "bot_api_errors_total" not in found
        found["bot_api_errors_total"] = {"method", "error"}
        return found


def sent(telegram: FakeTelegram) -> int:
    return sum(call.method == "sendMessage" for call in telegram.calls)


def fetch(url: str) -> str:
    with urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - ours
        text: str = answer.read().decode()
        return text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run()
    asyncio.run(run.play(tmp_path_factory.mktemp("run")))
    return run


def rules(project: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load((project / "ops/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions(project: Path) -> list[str]:
    """All that dashboard and alerts ask Prometheus for."""
    dashboard = json.loads((project / "ops/grafana-dashboard.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    asked = [rule["expr"] for rule in rules(project)]
    return [*asked, *(target["expr"] for target in targets)]


def test_dashboard_and_alerts_ask_for_what_a_running_bot_serves(run: Run, render: Render) -> None:
    samples, asked = run.samples, expressions(render())
    assert len(asked) > 20
    for expression in asked:
        names = {*ASKED.findall(expression)} - {"bot"}
        assert names
        assert names <= samples.keys(), expression
        known = ADDED.union(*(samples[name] for name in names))
        grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
        labels = {*MATCHER.findall(expression), *re.findall(r"\w+", " ".join(grouped))}
        assert labels <= known, expression


def test_every_alert_says_how_grave_it_is_and_what_has_happened(render: Render) -> None:
    found = rules(render())
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+m", rule.get("for", "1m"))


def test_the_page_explains_every_metric_of_the_bot_and_no_other(run: Run, render: Render) -> None:
    page = (render() / "docs/operating.md").read_text()
    served = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(run.page)
        if family.name.startswith("bot_") and not family.name.endswith("_created")
    }
    assert {*re.findall(r"^\| `(bot_\w+)`", page, re.MULTILINE)} == served


def test_every_line_of_the_log_is_json_and_no_token_is_in_it(run: Run) -> None:
    assert run.code == 0, run.log
    lines = [json.loads(line) for line in run.log.splitlines()]
    assert TOKEN.partition(":")[2] not in run.log
    handled = [line for line in lines if line["logger"] == "aiogram.event"]
    assert [line["session_key"] for line in handled] == ["31_31", "31_31"]
    assert all(line["update_id"] for line in handled)
    # asyncio's own loop says which selector it uses.
    assert not [line for line in lines if line["message"].startswith("Using selector")]


def snippet(render: Render, name: str) -> dict[str, Any]:
    """Run the file of this name as the page has it, and return its names."""
    page = (render() / "docs/operating.md").read_text()
    before, _, rest = page.partition(f"this as `{name}.py`")
    assert before, f"the page has no {name}.py"
    code = rest.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {"__name__": f"bot.{name}"}
    exec(compile(code, f"{name}.py", "exec"), names)  # noqa: S102 - the page's own code
    return names


def failing() -> Any:
    """A bot that answers, and fails at "bad" with an ordinary error."""
    app: BotApp[dict[str, Any]] = create_bot(TOKEN, initial=dict)

    @app.message()
    async def answer(message: Any) -> None:
        await message.answer("well")
        if message.text == "bad":
            logging.getLogger("bot").warning("a call of https://h/bot%s/getMe", TOKEN)
            raise ValueError("a mistake")

    return app


async def serve_two_messages(app: Any, telegram: FakeTelegram) -> None:
    stop = asyncio.Event()
    telegram.send_text(31, "good")
    telegram.send_text(32, "bad")
    serving = asyncio.create_task(app.start_polling(stop=stop, handle_signals=False))
    # Two answers, and an apology.
    await until(telegram, lambda: sent(telegram) == 3)
    stop.set()
    await serving


@pytest.fixture
def telegram() -> FakeTelegram:
    return FakeTelegram(token=TOKEN)


@pytest.fixture
def sentry() -> Iterator[list[Any]]:
    """What Sentry is sent; its own changes to `logging` are taken back."""
    import sentry_sdk

    call_handlers = logging.Logger.callHandlers
    yield []
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


async def test_a_failure_reaches_sentry_once_and_without_the_token(
    sentry: list[Any], telegram: FakeTelegram, render: Render
) -> None:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Post(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sentry.extend(filter(None, (item.get_event() for item in envelope.items)))

    app = failing()
    telegram.attach(app.bot)
    snippet(render, "sentry")["report_to_sentry"]("https://key@sentry.example.com/1")
    sentry_sdk.get_client().transport = Post()
    await serve_two_messages(app, telegram)

    (event,) = sentry
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "a mistake")
    assert not [frame for frame in error["stacktrace"]["frames"] if "vars" in frame]
    crumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert "a call of https://h/bot<token>/getMe" in crumbs
    assert TOKEN not in json.dumps(event)


async def test_spans_tell_of_updates_and_of_the_calls_within_them(
    telegram: FakeTelegram, render: Render
) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    app, exporter = failing(), InMemorySpanExporter()
    telegram.attach(app.bot)
    snippet(render, "tracing")["trace_updates"](app, exporter)
    await serve_two_messages(app, telegram)

    spans = exporter.get_finished_spans()
    updates = {span.context.span_id: span for span in spans if span.name == "message"}
    within = [span.parent.span_id for span in spans if span.name == "sendMessage" and span.parent]
    assert {*within} == updates.keys()
    said = sorted(span.status.description or "" for span in updates.values())
    assert said == ["", "ValueError"]
    assert not [span for span in spans if span.name == "getUpdates"]
