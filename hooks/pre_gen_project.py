"""Refuses bad answers before a file is written: what is wrong, and what would be right."""

# ruff: noqa: T201

from __future__ import annotations

import json
import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path

# The one place where Jinja writes. JSON of Jinja's tojson holds no apostrophe and no newline,
# so no answer can end this literal.
ANSWERS = r'{{ cookiecutter | tojson }}'  # fmt: skip

# A user configuration, a replay file or cruft can leave some out. The first keeps answers text.
EXTENSIONS = ("bot_starter_answers.AnswersAreText", "bot_starter_tests.ToolkitTests")

MAX_SLUG = 50
SLUG = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

# A project cannot be called as something that it installs: pip would take one for the other.
INSTALLED = frozenset(
    """
    aiofiles aiogram aiohappyeyeballs aiohttp aiohttp-socks aiosignal annotated-types ast-serialize
    asyncpg attrs babel certifi cffi charset-normalizer cronsim cryptography dateparser dnspython
    execnet frozenlist future google-api-core google-auth google-cloud-core google-cloud-firestore
    googleapis-common-protos grpcio grpcio-status hatchling hiredis idna iniconfig librt
    magic-filter markdown-it-py mdurl multidict mypy mypy-extensions numpy opentelemetry-api
    packaging pathspec pip pluggy prometheus-client prompt-toolkit propcache proto-plus protobuf
    pyasn1 pyasn1-modules pycparser pydantic pydantic-core pydantic-settings pygments pymongo
    pytest pytest-asyncio pytest-xdist python-dateutil python-dotenv python-socks pytz redis regex
    requests rich ruff s2sphere secantusdb setuptools shapely six time-machine trove-classifiers
    types-dateparser typing-extensions typing-inspection tzdata tzlocal urllib3 uv uvloop wcwidth
    yarl
    """.split()  # noqa: SIM905
)
# Folders that Windows cannot make.
DEVICES = {
    "aux",
    "con",
    "nul",
    "prn",
    *(f"{name}{i}" for name in ("com", "lpt") for i in range(10)),
}


def refuse(answers: Mapping[str, object]) -> list[str]:
    """Return one sentence for every answer that cannot be used; none means go ahead."""
    reasons = refuse_extensions(answers.get("_extensions"))
    reasons += refuse_slug(answers["project_slug"])
    for question in ("project_name", "description", "author_name"):
        reasons += refuse_text(question, answers[question])
    return reasons


def refuse_extensions(active: object) -> list[str]:
    """Refuse to go on without the template's extensions: an answer could run then."""
    missing = set(EXTENSIONS) - set(active if isinstance(active, list) else ())
    if not missing:
        return []
    return [f"_extensions is overridden and lacks {' and '.join(sorted(missing))}; leave it out."]


def refuse_folder(folder: Path) -> list[str]:
    """Refuse to write over what is there, whatever cookiecutter was told; a repository may be."""
    found = sorted(path.name for path in folder.iterdir() if path.name != ".git")
    if not found:
        return []
    return [
        f"the folder {folder} is not empty, it holds {', '.join(found[:5])}; choose another"
        " project_slug or move that away. A living project follows along by `make update`."
    ]


def refuse_text(question: str, answer: object) -> list[str]:
    """Refuse an empty answer and one with characters that no file of text may hold."""
    if not isinstance(answer, str) or not answer.strip():
        return [f"{question} is empty; write at least one word."]
    if found := CONTROL.search(answer):
        code = f"U+{ord(found.group()):04X}"
        return [f"{question} holds the control character {code}; write it without."]
    return []


def refuse_slug(slug: object) -> list[str]:
    """Refuse a slug that cannot name a folder and a distribution, or that something else has."""
    reason = _slug_fault(slug)
    return [f"project_slug {slug!r} {reason}; {_suggest(str(slug))!r} would do."] if reason else []


def _slug_fault(slug: object) -> str | None:
    if not isinstance(slug, str) or not slug:
        return "is empty"
    if len(slug) > MAX_SLUG:
        return f"has {len(slug)} characters, and at most {MAX_SLUG} are allowed"
    if not SLUG.fullmatch(slug):
        return (
            "is no name for a folder and a distribution: write letters a to z, digits, '-' and '_',"
            " with a letter or a digit first and last"
        )
    return _name_clash(slug)


def _name_clash(slug: str) -> str | None:
    distribution = re.sub(r"[-_]+", "-", slug).lower()
    module = distribution.replace("-", "_")
    if module in {word.lower() for word in keyword.kwlist}:
        return "is a keyword of Python"
    if module in {name.lower() for name in sys.stdlib_module_names}:
        return "is a module of Python's standard library, and would hide it"
    if distribution in INSTALLED:
        return "is a package that the project installs, and would hide it"
    if distribution in DEVICES:
        return "is a device name on Windows"
    return None


def _suggest(slug: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")[:MAX_SLUG].strip("-") or "my-bot"
    return f"{name}-bot" if _name_clash(name) else name


def main() -> int:
    """Print every refusal and return the exit code."""
    reasons = [*refuse(json.loads(ANSWERS)), *refuse_folder(Path.cwd())]
    for reason in reasons:
        print(f"ERROR: {reason}", file=sys.stderr)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
