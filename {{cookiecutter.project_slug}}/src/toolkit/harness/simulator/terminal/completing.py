"""What Tab offers: commands, button labels, users, files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from toolkit.harness.simulator.hub import commands_of
from toolkit.harness.simulator.terminal.acting import FILES
from toolkit.harness.simulator.terminal.commands import FAULTS, SENDS, TYPED
from toolkit.harness.simulator.terminal.conversation import Conversation
from toolkit.harness.simulator.terminal.targets import Target, numbered

Offers = Iterable[tuple[str, str]]
"""Texts to put in, with what is said about each."""


class Completions(Completer):
    """Completes the line of the person whose turn it is in a conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        """Iterate over what may stand in place of the line, or of what is behind its command."""
        line = document.text_before_cursor
        command, space, rest = line.partition(" ")
        kind, behind, path = rest.partition(" ")
        if not line.strip():
            return
        if not line.startswith("/"):
            yield from self._labels(line)
        elif not space:
            yield from _beginning(line, self._commands())
        elif command == "/send" and behind and kind in FILES:
            yield from self._paths.get_completions(Document(path, len(path)), event)
        else:
            yield from _beginning(rest, self._behind(command))

    def _commands(self) -> Offers:
        telegram = self._conversation.simulation.telegram
        for each in commands_of(telegram, telegram.chats[self._conversation.person]):
            yield f"/{each['command']}", each["description"]
        for usage, about in TYPED.items():
            yield usage.split()[0], about

    def _behind(self, command: str) -> Offers:
        match command:
            case "/tap":
                for number, target in enumerate(self._targets(), 1):
                    yield target.label, f"{number}"
            case "/as":
                for name in self._conversation.names:
                    yield name.title(), ""
            case "/fault":
                yield from FAULTS.items()
            case "/send":
                yield from SENDS.items()

    def _labels(self, line: str) -> Iterator[Completion]:
        # A button of the reply keyboard types its label; any other has to be tapped.
        for target in self._targets():
            if target.label.casefold().startswith(line.casefold()):
                text = target.label if target.kind == "key" else f"/tap {target.label}"
                yield Completion(text, -len(line), display=target.label, display_meta="button")

    def _targets(self) -> Iterable[Target]:
        return numbered(self._conversation.simulation.telegram, self._conversation.person)


def _beginning(start: str, offers: Offers) -> Iterator[Completion]:
    for text, about in offers:
        if text.casefold().startswith(start.casefold()):
            yield Completion(text, -len(start), display_meta=about)
