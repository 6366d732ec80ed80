"""What a person is told when something failed, and what they can press to put it right."""

from dataclasses import dataclass
from typing import Optional

from .errors import (
    Busy,
    Cancelled,
    ConnectionLost,
    FramewrightError,
    HiddenBySandbox,
    NoProgram,
    RequestError,
    StartsFailing,
    Unreachable,
)

START = "start"
"""Start the daemon."""
RETRY = "retry"
"""Make the same request again."""
LOG = "log"
"""Show the daemon's log."""
MODELS = "models"
"""Show the folder of models, to put one in."""
LOCATE = "locate"
"""Choose the daemon's program."""


@dataclass(frozen=True)
class Remedy:
    """`message` says what happened, `hint` what to do; `fix`, one of this module's constants,
    names what a button beside it does, and `label` what is written on that."""

    message: str
    hint: str = ""
    fix: Optional[str] = None
    label: str = ""

    @classmethod
    def of(cls, error: FramewrightError) -> Optional["Remedy"]:
        """The words for an error; none for what the person asked for, such as cancelling."""
        if isinstance(error, Cancelled):
            return None
        message = _sentence(error.message)
        if error.about and error.about not in message:
            message = f"{message[:-1]}: {error.about}."
        hint = _sentence(error.hint or "")
        fix, label = _fix(error)
        return cls(message, hint, fix, label)


def _fix(error: FramewrightError) -> tuple[Optional[str], str]:
    if isinstance(error, NoProgram):
        return LOCATE, "Find it…"
    if isinstance(error, (HiddenBySandbox, StartsFailing)):
        return RETRY, "Try again"
    if isinstance(error, (Unreachable, ConnectionLost)):
        return START, "Start the daemon"
    if isinstance(error, Busy):
        return RETRY, "Try again"
    if isinstance(error, RequestError):
        if error.code == "model_unusable" or (
            error.code == "not_found" and "model" in f"{error.message} {error.about or ''}"
        ):
            return MODELS, "Open the models folder"
        if error.code == "internal":
            return LOG, "Show the log"
        if error.code in ("storage", "stopping", "conflict"):
            return RETRY, "Try again"
    return None, ""


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…`" else text + "."
