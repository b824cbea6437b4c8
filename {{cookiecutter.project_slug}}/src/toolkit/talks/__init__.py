"""Dialogues as one function, which runs anew at each update with what was answered so far."""
