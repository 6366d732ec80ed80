"""What is asked of the daemon, with everything that it takes, independent of Blender."""

import enum
from dataclasses import dataclass, replace
from typing import Any, Optional

from .client import Picture


class Task(enum.Enum):
    """What an artist can ask for, beside a board."""

    GENERATE = "generate"
    """A frame from the prompt alone."""
    START = "start"
    """A frame that starts from a picture: a render, the viewport, an image."""
    INPAINT = "inpaint"
    """A part of a picture anew."""

    @property
    def method(self) -> str:
        """The method of the protocol that does it."""
        return "frame.inpaint" if self is Task.INPAINT else "frame.generate"


FILLS = ("blur", "border", "neutral", "original", "noise")
"""What a selection is filled with before it is painted anew, as they are offered."""


@dataclass(frozen=True)
class Settings:
    """What an artist chose in the panel.

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

    `image` is what it starts from, `mask`, as large, which of its pixels may change; frames are
    made at `width` × `height` pixels, where no picture gives their size. `seed` is decided, so
    that the same order gives the same frames.
    """

    task: Task
    settings: Settings
    seed: int
    width: Optional[int] = None
    height: Optional[int] = None
    image: Optional[Picture] = None
    mask: Optional[Picture] = None

    def params(self, key: str) -> dict[str, Any]:
        """The parameters of the request. By `key` the daemon finds its job again.

        Frames come as PNG files, which carry what is needed to make them again.
        """
        settings = self.settings
        frame: dict[str, Any] = {
            "prompt": settings.prompt,
            "negative_prompt": settings.negative_prompt or None,
            "model": settings.model,
            "seed": self.seed,
            "candidates": settings.candidates,
            "format": "png",
            "priority": "interactive",
            "key": key,
        }
        if self.task is Task.INPAINT:
            params: dict[str, Any] = {
                "frame": _given(frame),
                "image": self.image,
                "mask": self.mask,
                "strength": settings.strength,
                "fill": settings.fill,
            }
        else:
            params = {**frame, "width": self.width, "height": self.height}
            if self.task is Task.START:
                params |= {"image": self.image, "strength": settings.strength}
        return _given(params)


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
