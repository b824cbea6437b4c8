"""A screen for a person at a terminal, drawn with rich."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from toolkit.harness.fake_telegram import Event, Query
from toolkit.harness.simulator.recorder import headline_of
from toolkit.harness.simulator.terminal import drawing
from toolkit.harness.simulator.terminal.failures import own_frames, read_failure
from toolkit.harness.simulator.terminal.screens import addressee, printable
from toolkit.harness.simulator.turns import Turn
from toolkit.harness.types import Json


class RichScreen:
    """Draws on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn: dict[tuple[Any, Any], str] = {}
        """The beginnings of messages, to say which is deleted."""

    def show(self, event: Event, person: int) -> None:
        """Draw what a person sees of a change."""
        match event.kind:
            case "message":
                self._show_message(event.data, person)
            case "callback":
                for line in _answer(event.data):
                    self._console.print(line)
            case "deleted" if said := self._drawn.pop((event.chat_id, event.data), None):
                self.note(f"deleted: {said}")
            case "reaction" if event.data and event.data[1]:
                emoji = " ".join(each.get("emoji", "★") for each in event.data[1])
                self.note(f"the bot reacts: {emoji}")

    def _show_message(self, message: Json, person: int) -> None:
        is_bots = message.get("from", {}).get("is_bot", False)
        to = addressee(message, person)
        # What a person types is on the screen already. An invoice comes again, with its button.
        typed = not is_bots and (to or "text" in message)
        if typed or ("invoice" in message and "reply_markup" not in message):
            return
        heads = [f"to {to}"] if to else []
        heads += ["edited"] if "edit_date" in message else []
        style = drawing.BOT if is_bots else drawing.PERSON
        self._console.print(drawing.message(message, *heads, style=style))
        said = " ".join((message.get("text") or message.get("caption") or "a message").split())
        place = message["chat"]["id"], message["message_id"]
        self._drawn[place] = said if len(said) <= 60 else f"{said[:59]}…"

    def note(self, text: str) -> None:
        """Draw it in grey."""
        self._console.print(Text(printable(text), drawing.QUIET))

    def fail(self, turn: Turn) -> None:
        """Draw four lines: what was raised, where, the code there, and how to see the rest."""
        failure = read_failure(turn.error or "")
        lines = [Text.assemble(("✗ ", "bold red"), (printable(failure.headline), "bold red"))]
        if failure.place:
            where = Text.assemble((f"  {failure.place}", "bold"), f" in {failure.function}")
            lines += [where, Text(f"    {failure.code}")]
        lines.append(Text("  /why shows the rest", drawing.QUIET))
        for line in lines:
            self._console.print(line, soft_wrap=True)

    def explain(self, turn: Turn) -> None:
        """Draw the traceback, then the update with its handler, log lines and calls."""
        trace = (turn.error or "").rstrip()
        drawn = Text(printable(trace), drawing.QUIET)
        for frame in own_frames(trace):
            drawn.stylize("not dim default", *frame.span())
        drawn.stylize("bold red", max(0, trace.rfind(headline_of(trace))))
        self._console.print(drawn)
        self._console.print(Text(printable(turn.title), "bold"))
        if turn.handler:
            self.note(f"{turn.handler}  {turn.place or ''}")
        for line in turn.logs:
            head = line["text"].partition("\n")[0]
            self.note(f"{line['level']} {line['logger']}: {head}")
        for call in turn.calls:
            mark, style = ("✗", "red") if call.error else ("✓", "green")
            told = f": {call.error}" if call.error else ""
            self._console.print(Text.assemble((mark, style), printable(f" {call.method}{told}")))


def _answer(query: Query) -> Iterator[Any]:
    """Iterate over what a person sees of the bot's answer to a query."""
    answer = query.answer or {}
    match query.kind:
        case "callback_query":
            text = printable(answer.get("text", ""))
            if text and answer.get("show_alert"):
                yield Panel(text, expand=False, border_style="yellow")
            elif text:
                yield _told(text)
            if url := answer.get("url"):
                yield _told(f"opens {url}")
        case "inline_query":
            results = answer.get("results", [])
            yield Text(f"{len(results) or 'no'} results; /send choose RESULT", drawing.QUIET)
            for each in results:
                title = str(each.get("title") or each["id"])
                about = f"  {each['description']}" if each.get("description") else ""
                yield Text(printable(f"  {title}{about}"))
        case _ if not answer.get("ok", True):
            yield _told(f"the bot refuses: {answer['error_message']}")


def _told(text: str) -> Text:
    return Text.assemble(("◆ ", "yellow"), printable(text))
