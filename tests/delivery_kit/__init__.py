"""What the proofs of delivery share: a bot that counts, in processes that are killed and started."""

import sys

from tests.support import ROOT

SOURCE = ROOT / "{{cookiecutter.project_slug}}" / "src"
sys.path.insert(0, str(SOURCE))
