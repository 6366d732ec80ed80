"""What is asked of the daemon, with everything that it takes, independent of canvas and widgets."""

import enum
from dataclasses import dataclass, replace
from typing import Any, Optional

from framewright import Picture

from .bounds import Bounds


class Task(enum.Enum):
    """What a painter can ask for."""

    GENERATE = "generate"
    INPAINT = "inpaint"
    REPLACE = "replace"
    OUTPAINT = "outpaint"
    SELECT = "select"

    @property
    def method(self) -> str:
        """The method of the protocol that does it."""
        return _METHODS[self]

    @property
    def repaints(self) -> bool:
        """Whether it changes a part of a picture."""
        return self.method == "frame.inpaint"


_METHODS = {
    Task.GENERATE: "frame.generate",
    Task.INPAINT: "frame.inpaint",
    Task.REPLACE: "frame.inpaint",
    Task.OUTPAINT: "frame.inpaint",
    Task.SELECT: "mask.segment",
}

_MISSING = {
    "frame.inpaint": "This daemon cannot inpaint yet: update Framewright to repaint a selection.",
    "mask.segment": "This daemon cannot segment yet: update Framewright to select by a click.",
    "frame.generate": "This daemon cannot make frames: update Framewright.",
}


def unavailable(task: Task, methods: Optional[frozenset[str]]) -> str:
    """Why a task cannot be done with a daemon that has these methods; empty when it can, and as
    long as nobody knows."""
    if methods is None or task.method in methods:
        return ""
    return _MISSING[task.method]


FILLS = ("blur", "border", "neutral", "original", "noise")
"""What a selection is filled with before it is repainted, as they are offered."""


@dataclass(frozen=True)
class Settings:
    """What a painter chose in the docker.

    `strength` is above 0 to 1; a `seed` of none is drawn anew each time; `model` of none is the
    daemon's default.
    """

    prompt: str = ""
    negative_prompt: str = ""
    model: Optional[str] = None
    strength: float = 1.0
    candidates: int = 2
    seed: Optional[int] = None
    fill: str = FILLS[0]

    def checked(self) -> "Settings":
        """The same within what can be asked for."""
        return replace(
            self,
            prompt=self.prompt.strip(),
            negative_prompt=self.negative_prompt.strip(),
            strength=min(max(self.strength, 0.01), 1.0),
            candidates=min(max(self.candidates, 1), 64),
            fill=self.fill if self.fill in FILLS else FILLS[0],
        )


@dataclass(frozen=True)
class Order:
    """Everything that one request needs.

    `bounds` is where the frames go on the canvas, `width` and `height` what they are made at.
    `image` is what is there now, when the request starts from it, and `mask` which of its pixels
    may change. `seed` is decided, so that the same order gives the same frames.
    """

    task: Task
    settings: Settings
    seed: int
    bounds: Bounds
    width: int
    height: int
    depth: str = "U8"
    image: Optional[Picture] = None
    mask: Optional[Picture] = None
    preview_every: int = 1

    def params(self) -> dict[str, Any]:
        """The parameters of the request."""
        settings = self.settings
        params: dict[str, Any] = {
            "prompt": settings.prompt,
            "negative_prompt": settings.negative_prompt or None,
            "model": settings.model,
            "seed": self.seed,
            "candidates": settings.candidates,
            "preview_every": self.preview_every,
            "format": "bgra8" if self.depth == "U8" else "rgba16",
            "priority": "interactive",
        }
        if self.task.repaints:
            params |= {
                "image": self.image,
                "mask": self.mask,
                "strength": settings.strength,
                "fill": settings.fill,
            }
        else:
            params |= {"width": self.width, "height": self.height}
            if self.image is not None:
                params |= {"image": self.image, "strength": settings.strength}
        return {key: value for key, value in params.items() if value is not None}


def starts_from_canvas(settings: Settings) -> bool:
    """Whether a frame is made from what the canvas shows: at full strength nothing is left of it,
    and reading it would be in vain."""
    return settings.strength < 1.0
