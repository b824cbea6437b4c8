"""A Jinja extension, loaded through `_extensions`: a project has the toolkit's tests or not.

It has a module of its own because `cruft update` renders the old template and then the new one in
the same process: what both import is the old one's. So a filter that is new needs a new module.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import Extension


class ToolkitTests(Extension):
    """Brings the filter of `__toolkit_tests`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["or_as_created"] = _or_as_created


def _or_as_created(asked: object) -> str:
    """Return "yes" where the toolkit's tests are asked for, now or when the project was created.

    `cruft update` passes no private variable on. But it runs in the project, where .cruft.json
    tells what was asked for.
    """
    given = [asked]
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        created = json.loads(Path(".cruft.json").read_text(encoding="utf-8"))
        answers = created["context"]["cookiecutter"]
        given += [answers.get(name) for name in ("_toolkit_tests", "__toolkit_tests")]
    return "yes" if {str(answer).lower() for answer in given} & {"true", "yes", "1"} else ""
