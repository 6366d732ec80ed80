"""What all operators have in common: nothing is done while Blender renders or saves, and what
cannot be done is said in words."""

from typing import Any

from .. import workplace
from ..client import FramewrightError, Remedy


class Action:
    """Base of the operators; `do` does it, and raises `FramewrightError` where it cannot be."""

    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls: Any, _context: Any) -> bool:
        """Blender asks whether it can be pressed now."""
        if workplace.quiet():
            cls.poll_message_set("Blender renders or saves: wait until it is done")
            return False
        return True

    def execute(self: Any, context: Any) -> "set[str]":
        """Blender calls it."""
        try:
            self.do(context)
        except FramewrightError as error:
            remedy = Remedy.of(error)
            words = f"{remedy.message} {remedy.hint}".strip() if remedy is not None else str(error)
            self.report({"ERROR"}, words)
            return {"CANCELLED"}
        return {"FINISHED"}

    def do(self, context: Any) -> None:
        """What it does."""
        raise NotImplementedError
