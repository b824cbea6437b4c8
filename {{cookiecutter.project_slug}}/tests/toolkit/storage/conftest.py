import pytest

# The conformance suite is a module of the toolkit, and its failures should explain themselves too.
pytest.register_assert_rewrite("toolkit.storage.conformance")
