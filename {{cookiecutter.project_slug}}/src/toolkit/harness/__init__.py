"""Tests of a bot without a token.

Dialogues as JSON (`spec`, `runner`), people in Python (`person`), both in pytest (`pytest_plugin`),
and the gate on the command line (`gate`). `running` wires a bot to the fake Telegram.
"""
