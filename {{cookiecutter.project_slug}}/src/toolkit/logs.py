"""The log: its level, lines of text or of JSON, and which update each line is about."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from toolkit.redaction import redact, redact_output, tell_the_end

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATS: Final = ("text", "json")

MAX_DEPTH: Final = 5
"""How deep the `extra` of a record is taken apart; what lies deeper is written as its `repr`."""

update_in_work: ContextVar[tuple[int, str | None] | None] = ContextVar(
    "update_in_work", default=None
)
"""The id of the update that is being handled here, and the key of its session once it is known."""


def set_up_logging(level: str = "INFO", log_format: str = "text") -> None:
    """Write the log to standard error from `level` on, as `text` or as `json`; no secret is in it.

    A line that is written while an update is handled names the update and its session, whoever
    writes it. Handlers that `logging` has already stay as they are, and nothing is added to them.
    Raises ValueError for another level or format.
    """
    for given, right in ((level, LEVELS), (log_format, FORMATS)):
        if given not in right:
            raise ValueError(f"{given!r} is not one of {', '.join(right)}")
    handler = logging.StreamHandler()
    handler.addFilter(UpdateFilter())
    if log_format == "json":
        handler.setFormatter(JsonFormatter())
        # What Python itself would write as text.
        logging.captureWarnings(True)
        tell_the_end(_log_traceback)
    else:
        handler.setFormatter(TextFormatter("%(asctime)s"))
    logging.basicConfig(level=level, handlers=[handler])
    redact_output()


class UpdateFilter(logging.Filter):
    """Gives records `update_id` and `session_key`; put it on a handler of your own for the same."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        # A record that comes through a queue had both on the other side.
        if not hasattr(record, "update_id"):
            record.update_id, record.session_key = update_in_work.get() or (None, None)
        return True


class TextFormatter(logging.Formatter):
    """Writes a record as text, with `[update 712 31_31]` before what is about one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without exception and stack."""
        about = [getattr(record, name, None) for name in ("update_id", "session_key")]
        words = [str(word) for word in about if word is not None]
        shown = f" [update {' '.join(words)}]" if words else ""
        return f"{record.asctime} {record.levelname} {record.name}:{shown} {record.message}"


# What every record has; all else was given as `extra`.
_USUAL: Final = {
    *vars(logging.makeLogRecord({})),
    *("message", "asctime", "update_id", "session_key"),
}


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, with what was given as `extra` under its own names."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = record.exc_text or (record.exc_info and self.formatException(record.exc_info))
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "update_id": getattr(record, "update_id", None),
            "session_key": getattr(record, "session_key", None),
            "exception": redact(text) if text else None,
        }
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        for name, value in vars(record).items():
            if name not in _USUAL and name not in fields:
                fields[name] = _as_json(value)
        return json.dumps(fields)


def _as_json(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return the value in JSON's types and without secrets; what JSON has not is its `repr`."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping) and depth:
        return {redact(str(name)): _as_json(each, depth - 1) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_as_json(each, depth - 1) for each in value]
    try:
        return redact(repr(value))
    except Exception:  # noqa: BLE001 - a line must not be lost to an object's own fault
        return f"<{type(value).__name__}>"


def _log_traceback(error: BaseException) -> None:
    ended = f"the process ends with {type(error).__name__}"
    logging.getLogger(__name__).critical(ended, exc_info=error)
