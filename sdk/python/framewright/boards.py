"""A board as the daemon tells it: frames in order, each with its takes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional


@dataclass(frozen=True)
class BoardTake:
    """A picture of a frame: number `take`, from 1. `image` is relative to the board's folder."""

    take: int
    seed: int
    image: str
    hash: str
    present: bool
    picked: bool


@dataclass(frozen=True)
class BoardFrame:
    """A frame. `duration` is in seconds; `shown` is the absolute path of the picture that stands
    for it (the pick, or else its first take), and `pick` that of the pick within the folder."""

    id: str
    prompt: str
    seed: int
    duration: float
    takes: list[BoardTake]
    shot: Optional[str] = None
    negative_prompt: Optional[str] = None
    note: Optional[str] = None
    pick: Optional[str] = None
    shown: Optional[str] = None

    @property
    def shown_take(self) -> Optional[BoardTake]:
        """The take that `shown` is; none where it is a picture of the user's own."""
        picked = [take for take in self.takes if take.picked and take.present]
        if picked or self.pick is not None:
            return picked[0] if picked else None
        return next((take for take in self.takes if take.present), None)


@dataclass(frozen=True)
class Board:
    """A board. `path` is its folder, `missing` how many takes are asked for and not there,
    `revision` the version of its `board.toml`."""

    path: str
    scene: str
    candidates: int
    fps: float
    frames: list[BoardFrame]
    missing: int
    drawing: bool
    revision: str
    notices: list[str] = field(default_factory=list)
    generate: Any = None

    @property
    def name(self) -> str:
        """Its folder's name."""
        return Path(self.path).name

    def frame(self, id: str) -> Optional[BoardFrame]:
        """The frame of this id."""
        return next((frame for frame in self.frames if frame.id == id), None)

    def missing_of(self, frame: BoardFrame) -> int:
        """How many takes of a frame are asked for and not there."""
        return max(self.candidates - sum(take.present for take in frame.takes), 0)


@dataclass(frozen=True)
class BoardDrawn:
    """What `board.render` answers: how many takes were drawn, and the board as it is now."""

    drawn: int
    board: Board
    notices: list[str]
    seconds: float


@dataclass(frozen=True)
class BoardPlanned:
    """What `board.plan` answers: the board with its frames, and what a person should know."""

    planner: str
    notes: list[str]
    board: Optional[Board] = None
