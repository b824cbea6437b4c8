"""Dialogues as one function: it runs anew at each update, with the answers that were given so far."""
