"""A Jinja extension, loaded through `_extensions`: an answer is text and never a template.

Cookiecutter renders the answers given on its command line, in its configuration file and by cruft.
Without this extension a bot called `{{ 7*7 }}` would be called 49, and worse names would run. So
`__answers_are_text` comes before the first answer: where the extension is left out it is rendered,
and fails. It is a list of a list because no configuration can override that.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

from cookiecutter.exceptions import FailedHookException  # type: ignore[import-untyped]
from jinja2 import Environment
from jinja2.ext import Extension

ROOT = Path(__file__).parent
PROJECT = "{{cookiecutter.project_slug}}"


class AnswersAreText(Extension):
    """Renders what the template's own files say, and copies everything else as it is."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.policies["json.dumps_function"] = _readable_json
        environment.filters["folder_name"] = _folder_name

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Quote every text that is neither a file of the template nor a default of a question."""
        if source == PROJECT:  # checked here because cookiecutter makes the folder before any hook
            return "{{ cookiecutter.project_slug | folder_name }}"
        if name is not None or "{" not in source or source in _own_texts():
            return source
        return "{{ " + json.dumps(source, ensure_ascii=False) + " }}"


def _own_texts() -> set[str]:
    """Return the nameless texts that may hold Jinja: the defaults of questions, and the hooks."""
    questions = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    hooks = (ROOT / "hooks").glob("*.py")
    return {default for default in questions.values() if isinstance(default, str)} | {
        hook.read_text(encoding="utf-8") for hook in hooks
    }


def _readable_json(value: Any, **options: Any) -> str:
    """Return JSON that TOML reads too: it has no surrogate pairs, so an emoji stays an emoji."""
    text = json.dumps(value, **{**options, "ensure_ascii": False})
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _folder_name(slug: object) -> str:
    """Return the slug, or refuse it before a folder of that name exists."""
    spec = importlib.util.spec_from_file_location("pre_gen", ROOT / "hooks/pre_gen_project.py")
    if spec is None or spec.loader is None:
        raise ImportError("hooks/pre_gen_project.py is missing from the template")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    if reasons := hook.refuse_slug(slug):
        raise FailedHookException("\n".join(reasons))
    return str(slug)
