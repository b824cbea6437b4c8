"""What a verdict can complain about: a stable code for each, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CODES = {
    "CANNOT_RUN": "Nothing could be run: a file, the factory of the bot or its import is wrong.",
    "SPEC_FAILED": "The bot did not do what a step expects.",
    "NOT_COVERED": "No spec sends a command of the bot and expects a call after it.",
    "HANDLER_NEVER_RUN": "A handler of the bot runs in no spec.",
    "STEP_NEVER_ENTERED": "No spec brings a session to this member of its enum.",
    "STEP_NEVER_LEFT": "No spec goes on from this member of a session's enum.",
    "BUTTON_NEVER_TAPPED": "The bot shows a button of a kind that no spec taps.",
    "LEAKING_FACTORY": "What one bot of the factory registers or keeps is there for the next bot.",
    "UNNOTICED_DROP": "If the bot left this call out, the spec would pass.",
    "UNNOTICED_REPEAT": "If the bot made this call twice, the spec would pass.",
    "UNNOTICED_ORDER": "If the bot made these calls in another order, the spec would pass.",
    "UNNOTICED_TEXT": "If the message said something else, the spec would pass.",
    "UNNOTICED_CHAT": "If the message went to another chat, the spec would pass.",
    "UNNOTICED_PARSE_MODE": "If people saw markup instead of formatting, the spec would pass.",
    "UNNOTICED_BUTTONS": "If the message had no buttons, the spec would pass.",
    "UNNOTICED_LABEL": "If a button said something else, the spec would pass.",
    "UNNOTICED_DATA": "If a button did something else, the spec would pass: no step taps it.",
    "CHANGED_BY_RESTART": "The bot answers otherwise when it is restarted between the steps.",
    "CHANGED_BY_REDELIVERY": "The bot does something twice when an update is delivered twice.",
    "CHANGED_BY_OTHERS": "The bot answers otherwise when another user talks to it as well.",
    "CHANGED_BY_429": "The bot answers otherwise after a call that Telegram put off with 429.",
    "CHANGED_BY_NETWORK": "Doing it again after a call that was lost does not lead to the same.",
    "CHANGED_BY_STORE": "The bot answers otherwise on its own store than in memory.",
    "UNNOTICED_TOAST": "If the answer to the tap had no text, the spec would pass.",
    "REPLY_NEVER_EXPECTED": "No spec expects any message of this handler.",
    "TAP_NOT_ANSWERED": "The bot never answers a tap, so its button keeps spinning.",
    "TWO_HANDLERS": "Another handler asks for the same update, and never gets it.",
    "MODULE_CHANGED": "Handling an update changes a variable of a module of the bot.",
    "MESSAGE_TO_STRANGER": "The bot writes to somebody who has never written to it.",
    "NAIVE_DATETIME": "A datetime without a time zone meets one that has it.",
    "TASK_LEFT": "A task that a handler has started still waits at the end.",
    "CHANGED_BY_TIMEZONE": "The bot answers otherwise where the machine is in another time zone.",
    "CHANGED_BY_RACE": "Two users who do the same at once get what one after the other would not.",
    "UNESCAPED": "What users are called or say breaks a message, or is shown with its escapes.",
    "TALK_UNSTABLE": "The function of a talk reads the clock, or chance, outside of `once`.",
    "TALK_MISUSED": "A question of a talk is not awaited, in a task, or its leaving is caught.",
    "TAP_LEFT_FAILS": "A button that is still there at the end fails, or nobody answers it.",
}
"""Every code, and what it means. docs/testing.md has the same table."""

FINDINGS = (
    *("TAP_NOT_ANSWERED", "TWO_HANDLERS", "MODULE_CHANGED"),
    *("MESSAGE_TO_STRANGER", "NAIVE_DATETIME", "TASK_LEFT", "UNESCAPED", "TAP_LEFT_FAILS"),
    *("TALK_UNSTABLE", "TALK_MISUSED"),
)
"""What is wrong at run time, whatever a spec expects, unless it allows that."""


@dataclass(frozen=True)
class Failure:
    """One complaint: where it is, why, and in `fix` what would settle it.

    `step` counts from 1 and is None where a whole spec, or none, is meant.
    """

    code: str
    why: str
    fix: str
    file: str | None = None
    spec: str | None = None
    step: int | None = None

    def __str__(self) -> str:
        """Return it in words, on three lines at most."""
        spec = f"::{self.spec}" if self.spec else ""
        step = f"step {self.step}: " if self.step else ""
        place = f"{self.file}{spec}\n" if self.file else ""
        return f"{place}{step}{self.why}\n{self.fix}"

    def as_json(self) -> dict[str, Any]:
        """Return the object that stands in a verdict."""
        return {
            name: getattr(self, name) for name in ("code", "file", "spec", "step", "why", "fix")
        }


def in_words(verdict: dict[str, Any]) -> str:
    """Return the verdict of the hard gate for people: each failure, and how many there are."""
    failures = [Failure(**failure) for failure in verdict["failures"]]
    told = [f"{failure.code}\n{failure}\n" for failure in failures]
    strength = verdict.get("strength")
    noticed = (
        f"; of {strength['changes']} changes they notice {strength['noticed']}" if strength else ""
    )
    counts = f"{verdict['passed']} of {verdict['total']} specs pass{noticed}"
    end = "ok" if verdict["ok"] else f"not ok, failures: {len(failures)}"
    return "\n".join([*told, *filter(None, [verdict.get("left_out")]), f"{counts}. {end}", ""])
