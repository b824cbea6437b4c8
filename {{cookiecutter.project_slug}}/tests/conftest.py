"""For all tests: specs as items, and the fixtures of the harness (`person`, `telegram`, …)."""

from __future__ import annotations

pytest_plugins = ["toolkit.harness.pytest_plugin"]
