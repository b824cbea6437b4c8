"""The real TDLib beside the fake: what each makes of a text."""

import sys

from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))
