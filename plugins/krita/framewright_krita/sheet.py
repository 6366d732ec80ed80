"""What goes on in one document: its jobs, what they made, and what is tried on the canvas."""

import uuid
from dataclasses import dataclass, field, replace
from typing import Optional, Protocol

from framewright import Progress, Remedy

from .bounds import Bounds
from .history import Entry, History
from .link import Call
from .mask import Mask
from .order import Order
from .pixels import Pixels
from .steps import Steps


class CanvasLike(Protocol):
    """What is asked of a document; `canvas.Canvas` is the real one."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def bounds(self) -> Bounds: ...
    @property
    def depth(self) -> str: ...
    @property
    def trouble(self) -> str: ...
    @property
    def selection(self) -> Optional[Mask]: ...
    @property
    def history(self) -> History: ...
    @property
    def previewing(self) -> bool: ...
    @property
    def takes_transparency_masks(self) -> bool: ...

    def insert(self, name: str, pixels: Pixels) -> None: ...
    def insert_group(self, name: str, layers: "list[tuple[str, Pixels]]") -> None: ...
    def insert_masked(self, name: str, pixels: Pixels, mask: Mask) -> None: ...
    def select(self, mask: Mask) -> None: ...
    def show_preview(self, pixels: Pixels) -> None: ...
    def hide_preview(self) -> None: ...
    def keep(self, history: History) -> None: ...


@dataclass
class Job:
    """A request that is under way in a document. By its `key` the daemon finds it again."""

    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    order: Optional[Order] = None
    mask: Optional[Mask] = None
    call: Optional[Call] = None
    reading: "Optional[Steps[Order]]" = None
    progress: Progress = field(default_factory=Progress)
    preview_at: float = 0.0

    def cancel(self) -> None:
        """Ends it, wherever it is."""
        if self.reading is not None:
            self.reading.stop()
        if self.call is not None:
            self.call.cancel()
            self.progress.words = "Cancelling…"


@dataclass(frozen=True)
class Choice:
    """One candidate of an entry: result number `index`."""

    entry: Entry
    index: int

    @property
    def seed(self) -> int:
        """Its seed."""
        return self.entry.results[self.index].seed

    @property
    def blob(self) -> str:
        """Its hash."""
        return self.entry.results[self.index].blob

    @property
    def applied(self) -> bool:
        """Whether it became a layer."""
        return self.index in self.entry.applied


@dataclass
class Meant:
    """What a click may mean, the likeliest first; one of them is the selection."""

    masks: list[Mask] = field(default_factory=lambda: list[Mask]())
    at: int = 0

    def is_selected(self, selection: Optional[Mask]) -> bool:
        """Whether the selection still is the one that was chosen here."""
        return bool(self.masks) and selection is not None and selection.trimmed() == self.chosen

    @property
    def chosen(self) -> Mask:
        """The one that is the selection."""
        return self.masks[self.at]

    def go_on(self) -> None:
        """To the next one, after the last to the first."""
        self.at = (self.at + 1) % len(self.masks)


@dataclass
class Sheet:
    """A document's part of the docker: what is shown while that document is the active one."""

    canvas: CanvasLike
    history: History
    job: Optional[Job] = None
    tried: Optional[Choice] = None
    notice: Optional[Remedy] = None
    meant: "Meant" = field(default_factory=lambda: Meant())

    @classmethod
    def of(cls, canvas: CanvasLike) -> "Sheet":
        """The sheet of a document that was just opened, with the history that it brought."""
        return cls(canvas, canvas.history)

    @property
    def choices(self) -> list[Choice]:
        """Every candidate, those of the newest request first."""
        return [
            Choice(entry, index)
            for entry in self.history.newest_first()
            for index in range(len(entry.results))
        ]

    def record(self, entry: Entry) -> None:
        """Adds what a request made, and keeps it in the document."""
        self.history.add(entry)
        self.canvas.keep(self.history)

    def note_applied(self, choice: Choice) -> None:
        """Notes that a candidate became a layer."""
        entry = choice.entry
        if not choice.applied:
            noted = replace(entry, applied=(*entry.applied, choice.index))
            self.history.replace(entry, noted)
            self.canvas.keep(self.history)

    def forget(self, entry: Entry) -> None:
        """Takes an entry out of the history."""
        self.history.remove(entry)
        self.canvas.keep(self.history)
