"""What the meta-tests import: where the template is, and the type of the `render` fixture."""

from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"

Render = Callable[..., Path]
