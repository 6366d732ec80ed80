"""What is asked of the daemon, with everything that it takes, independent of canvas and widgets."""

import enum
from dataclasses import dataclass
from typing import Any, Optional

from framewright import Picture
from framewright.settings import Settings, given
from framewright.working_size import HIRES_SCALE

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


# Pixels on a side of a selection that is meant as a click.
_CLICK = 8


@dataclass(frozen=True)
class Order:
    """Everything that one request needs.

    `bounds` is where the frames go on the canvas, `width` and `height` what they are made at (of
    two passes the second). `image` is what is there now, when the request starts from it, and
    `mask` which of its pixels may change. `canvas` is the whole canvas, of which `image` is the
    part at `bounds`; `content` is the part that stays when the rest is outpainted, or that shows
    what is to be selected. `seed` is decided, so that the same order gives the same frames.
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
    canvas: Optional[Bounds] = None
    content: Optional[Bounds] = None
    preview_every: int = 1

    def params(self, key: str) -> dict[str, Any]:
        """The parameters of the request. By `key` the daemon finds its job again."""
        if self.task is Task.SELECT:
            return {"image": self.image, **self._meant()}
        settings = self.settings
        frame = settings.frame(
            self.seed,
            key,
            preview_every=self.preview_every,
            format="bgra8" if self.depth == "U8" else "rgba16",
        )
        if self.task.repaints:
            return given(
                frame=frame,
                image=self.image,
                mask=self.mask,
                strength=settings.strength,
                fill=settings.fill,
                layer=True,
                **self._place(),
            )
        params = {**frame, "width": self.width, "height": self.height}
        if self.image is not None:
            params |= {"image": self.image, "strength": settings.strength}
        elif settings.hires:
            params["hires"] = {"scale": HIRES_SCALE}
        return params

    def _place(self) -> dict[str, Any]:
        """Where the picture lies on the canvas, or how far the canvas reaches beyond it."""
        canvas, content = self.canvas, self.content
        if canvas is None:
            return {}
        if content is None:
            at = self.bounds
            part = {"width": canvas.width, "height": canvas.height, "x": at.x, "y": at.y}
            return {"part": part}
        extend = {
            "left": content.x,
            "top": content.y,
            "right": canvas.right - content.right,
            "bottom": canvas.bottom - content.bottom,
        }
        return {"extend": extend}

    def _meant(self) -> dict[str, Any]:
        """A small selection is a click on the thing, a large one a box around it."""
        meant = self.content or self.bounds
        if max(meant.width, meant.height) <= _CLICK:
            middle = {"x": meant.x + meant.width / 2, "y": meant.y + meant.height / 2}
            return {"points": [middle]}
        edges = {
            "left": float(meant.x),
            "top": float(meant.y),
            "right": float(meant.right),
            "bottom": float(meant.bottom),
        }
        return {"boxes": [edges]}


def starts_from_canvas(settings: Settings) -> bool:
    """Whether a frame is made from what the canvas shows: at full strength nothing is left of it,
    and reading it would be in vain."""
    return settings.strength < 1.0
