"""`python -m bot sessions …`: list, show, delete and move records, also while the bot runs."""
