"""Rectangles on a canvas, in whole pixels."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """A rectangle: `x`, `y` is its upper left pixel. It may lie outside of the canvas."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column that is no longer in it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row that is no longer in it."""
        return self.y + self.height

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width <= 0 or self.height <= 0

    @property
    def area(self) -> int:
        """How many pixels it holds."""
        return 0 if self.empty else self.width * self.height

    def intersection(self, other: "Bounds") -> "Bounds":
        """What is in both; empty where they do not meet."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width = min(self.right, other.right) - x
        height = min(self.bottom, other.bottom) - y
        return Bounds(x, y, max(width, 0), max(height, 0))

    def contains(self, other: "Bounds") -> bool:
        """Whether every pixel of `other` is in it."""
        return self.intersection(other) == other

    def grown(self, pixels: int) -> "Bounds":
        """The rectangle with a rim of so many pixels on each side."""
        return Bounds(
            self.x - pixels, self.y - pixels, self.width + 2 * pixels, self.height + 2 * pixels
        )

    def relative_to(self, other: "Bounds") -> "Bounds":
        """The same rectangle, counted from `other`'s upper left pixel."""
        return Bounds(self.x - other.x, self.y - other.y, self.width, self.height)

    def inside(self, outer: "Bounds") -> "Bounds":
        """The rectangle moved into `outer`, and cut where it is larger than it."""
        width, height = min(self.width, outer.width), min(self.height, outer.height)
        x = min(max(self.x, outer.x), outer.right - width)
        y = min(max(self.y, outer.y), outer.bottom - height)
        return Bounds(x, y, width, height)

    def tiles(self, rows: int) -> Iterator["Bounds"]:
        """Strips of at most so many rows that make up the rectangle, from the top."""
        for y in range(self.y, self.bottom, max(rows, 1)):
            yield Bounds(self.x, y, self.width, min(max(rows, 1), self.bottom - y))
