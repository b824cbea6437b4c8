"""What the proofs of delivery share: a bot that counts, its users, and failing stores."""

import sys

from tests.support import ROOT

SOURCE = ROOT / "{{cookiecutter.project_slug}}" / "src"
sys.path.insert(0, str(SOURCE))

import toolkit  # noqa: E402, F401 - before aiogram, which then starts in a fraction of its time
