"""Secrets stay out of what is written down: logs, tracebacks, dead letters, messages.

A client's errors quote URLs and answers, and the token is part of each URL of the Bot API.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

_COLON: Final = r"(?::|%3[Aa])"
_TOKEN: Final = re.compile(rf"\d{{5,}}{_COLON}[\w-]{{30,}}")
# What is not quoted in the URL of a store, which is none of the web, may go on to the last `@`.
_PASSWORD: Final = re.compile(
    r"(\b(?!https?:)[\w+.-]+://[^\s:@/\"'<>]*:)[^\s\"'<>]+(?=@)"
    r"|(\b[\w+.-]+://[^\s:@/\"'<>]*:)[^\s@/\"'<>]+(?=@)"
    r"|([?&]\w*password=)[^&\s\"'<>]+",
    re.IGNORECASE,
)
_own: set[str] = set()
_own_pattern: re.Pattern[str] | None = None


def hide(token: str) -> None:
    """Let this token be hidden from now on, whatever it looks like."""
    global _own_pattern
    if token in _own:
        return
    _own.add(token)
    each = (re.escape(own).replace(":", _COLON) for own in _own)
    _own_pattern = re.compile(rf"(?<![\w-])(?:bot)?(?P<token>{'|'.join(each)})(?![\w-])")


def redact(text: str) -> str:
    """Return the text without bot tokens, and without passwords in URLs."""
    text = _TOKEN.sub("<token>", _without_own(text))
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2] or found[3]}<password>", text)


def redact_own(value: Any) -> Any:
    """Return the JSON value without this process' own tokens; what people sent stays as it is."""
    return json.loads(_without_own(json.dumps(value)))


def _without_own(text: str) -> str:
    return text if _own_pattern is None else _own_pattern.sub(_replace_own, text)


def _replace_own(found: re.Match[str]) -> str:
    return found[0].replace(found["token"], "<token>")


class RedactingFilter(logging.Filter):
    """Redacts records: their messages, tracebacks and stacks. Those without a secret stay whole."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - logging would print the arguments beside the error
            message = repr((record.msg, record.args))
            record.msg, record.args = message, ()
        if (redacted := redact(message)) != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and not record.exc_text:
            text = "".join(traceback.format_exception(*record.exc_info)).removesuffix("\n")
            if (redacted := redact(text)) != text:
                record.exc_info, record.exc_text = None, redacted
        elif record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


_FILTER: Final = RedactingFilter()


def redact_output() -> None:
    """Redact what all present handlers of `logging` write, and the traceback that ends a process.

    Call it again after adding handlers.
    """
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [each for logger in loggers for each in getattr(logger, "handlers", ())]
    if logging.lastResort is not None:
        handlers.append(logging.lastResort)
    for handler in handlers:
        handler.addFilter(_FILTER)
    tell_the_end(_write_traceback)


def tell_the_end(tell: Callable[[BaseException], None]) -> None:
    """Let `tell` report the exception that ends the process, unless something else does already.

    Ctrl-C is left to Python.
    """

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            tell(error)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = hook


def _write_traceback(error: BaseException) -> None:
    sys.stderr.write(redact("".join(traceback.format_exception(error))))
