"""What a talk raises, and what its functions may."""

from __future__ import annotations


class Refused(Exception):
    """Raised by `read` for a text that is no answer; the question is asked again with `text`."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


class TalkEnded(Exception):
    """Something came instead of an answer. Uncaught, it ends the talk with a sentence."""


class TalkTimeout(TalkEnded):
    """No answer came `within` its time."""


class TalkCancelled(TalkEnded):
    """The user has tapped the button that cancels."""


class TalkMisused(RuntimeError):
    """The function of a talk does what cannot work; the message names the line and the remedy."""


class Asked(BaseException):
    """Leaves the function of a talk after a question was asked, as `SystemExit` leaves a program.

    No `Exception`, as handlers of those are not meant for it.
    """


ENDINGS: dict[str, type[TalkEnded]] = {"timeout": TalkTimeout, "cancel": TalkCancelled}
"""Under which names `Answer.ended` keeps them."""
