"""What is asked of the daemon, with everything that it takes, independent of Blender."""

import enum
from dataclasses import dataclass
from typing import Any, Optional

from .client import HIRES_SCALE, Picture, Settings, given


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


@dataclass(frozen=True)
class Order:
    """Everything that one request needs.

    `image` is what it starts from, `mask`, as large, which of its pixels may change; frames are
    made at `width` × `height` pixels (of two passes the second is), where no picture gives their
    size. `seed` is decided, so that the same order gives the same frames.
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
        frame = settings.frame(self.seed, key, format="png")
        if self.task is Task.INPAINT:
            return given(
                frame=frame,
                image=self.image,
                mask=self.mask,
                strength=settings.strength,
                fill=settings.fill,
            )
        params = given(**frame, width=self.width, height=self.height)
        if self.task is Task.START:
            params |= {"image": self.image, "strength": settings.strength}
        elif settings.hires:
            params["hires"] = {"scale": HIRES_SCALE}
        return params
