"""Masks: which pixels of a canvas are meant, and how much."""

import re
from dataclasses import dataclass
from typing import Optional

from .bounds import Bounds

_INSIDE = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class Mask:
    """One byte a pixel of `bounds`, rows from the top: 0 outside, 255 inside, soft between."""

    bounds: Bounds
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != self.bounds.area:
            raise ValueError(f"{len(self.data)} bytes are no mask of {self.bounds}")

    def covered(self) -> Optional[Bounds]:
        """The smallest rectangle around everything that is not 0; none for an empty mask."""
        width = self.bounds.width
        rows = range(self.bounds.height)
        used = [row for row in rows if self._row(row).strip(b"\0")]
        if not used:
            return None
        left, right = width, 0
        for row in range(used[0], used[-1] + 1):
            line = self._row(row)
            held = line.rstrip(b"\0")
            if held:
                right = max(right, len(held))
                left = min(left, width - len(line.lstrip(b"\0")))
        return Bounds(
            self.bounds.x + left,
            self.bounds.y + used[0],
            right - left,
            used[-1] + 1 - used[0],
        )

    def on(self, bounds: Bounds) -> "Mask":
        """The mask over another rectangle: cut where that is smaller, 0 where it is larger."""
        if bounds == self.bounds:
            return self
        shared = bounds.intersection(self.bounds)
        if shared.empty:
            return Mask(bounds, bytes(bounds.area))
        rows = bytearray(bounds.area)
        start = shared.x - self.bounds.x
        at = shared.x - bounds.x
        for y in range(shared.y, shared.bottom):
            line = self._row(y - self.bounds.y)[start : start + shared.width]
            begin = (y - bounds.y) * bounds.width + at
            rows[begin : begin + shared.width] = line
        return Mask(bounds, bytes(rows))

    def trimmed(self) -> "Mask":
        """The mask without the empty rows and columns around it."""
        return self.on(self.covered() or Bounds(self.bounds.x, self.bounds.y, 0, 0))

    def rectangles(self, bands: int, most: int) -> list[Bounds]:
        """What is more than half inside, roughly: rectangles in so many bands from top to bottom;
        none at all when they would be more than `most`."""
        height = -(-self.bounds.height // bands) if self.bounds.height else 1
        found: list[Bounds] = []
        for top in range(0, self.bounds.height, height):
            tall = min(height, self.bounds.height - top)
            y = self.bounds.y + top
            for run in _INSIDE.finditer(self._row(top + tall // 2)):
                found.append(Bounds(self.bounds.x + run.start(), y, run.end() - run.start(), tall))
            if len(found) > most:
                return []
        return found

    @property
    def full(self) -> bool:
        """Whether it holds every pixel of its rectangle wholly."""
        return self.data.count(255) == len(self.data)

    def _row(self, row: int) -> bytes:
        width = self.bounds.width
        return self.data[row * width : (row + 1) * width]
