"""For all tests: specs as items, and the fixtures of the harness (``person``, ``telegram``, …)."""

pytest_plugins = ["toolkit.harness.pytest_plugin"]
