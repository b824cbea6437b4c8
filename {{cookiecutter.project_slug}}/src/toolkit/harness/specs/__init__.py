"""Dialogues: as JSON (`spec`, `runner`), as people in Python (`person`), and the gate over them."""
