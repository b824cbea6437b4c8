"""What is asked, and who is right."""

from __future__ import annotations

QUESTIONS = {
    "How many legs has a spider?": ("Six", "Eight", "Ten"),
    "What is the capital of Peru?": ("Lima", "Quito", "Cusco"),
}
RIGHT = ("Eight", "Lima")
