"""Pixels in the order in which Krita keeps them, blue, green, red, alpha, and what is done to them.

Without numpy, which Krita does not ship: slices with a step copy a channel at the speed of memory.
"""

from dataclasses import dataclass
from typing import Union

from framewright import Picture

from .bounds import Bounds

BYTES_OF_DEPTH = {"U8": 4, "U16": 8}
"""Bytes of a pixel by the depth of its channels, as Krita names it."""


@dataclass(frozen=True)
class Pixels:
    """Pixels of `bounds`, rows from the top, in channels of blue, green, red, alpha.

    `depth` is `U8` or `U16`, as Krita names it; of 16-bit channels the lower byte comes first.
    """

    bounds: Bounds
    depth: str
    data: Union[bytes, bytearray]

    def __post_init__(self) -> None:
        if len(self.data) != self.bounds.area * BYTES_OF_DEPTH[self.depth]:
            raise ValueError(f"{len(self.data)} bytes are no {self.depth} pixels of {self.bounds}")

    def picture(self) -> Picture:
        """The pixels as the protocol carries them."""
        width, height = self.bounds.width, self.bounds.height
        if self.depth == "U8":
            return Picture.bgra8(width, height, self.data)
        return Picture.rgba16(width, height, _swapped_16(self.data))

    @classmethod
    def of(cls, picture: Picture, x: int, y: int) -> "Pixels":
        """Raw pixels that came from the daemon, put at a place of the canvas."""
        bounds = Bounds(x, y, picture.width, picture.height)
        if picture.format == "bgra8":
            return cls(bounds, "U8", bytearray(picture.data))
        if picture.format == "rgba8":
            return cls(bounds, "U8", bytearray(picture.swapped().data))
        if picture.format == "rgba16":
            return cls(bounds, "U16", _swapped_16(picture.data))
        raise ValueError(f"a picture in {picture.format} has no raw pixels")

    def through(self, mask: bytes) -> "Pixels":
        """The same pixels, as opaque as `mask` (a byte a pixel) and they themselves allow."""
        if len(mask) != self.bounds.area:
            raise ValueError("the mask has another size than the pixels")
        data = bytearray(self.data)
        if self.depth == "U8":
            data[3::4] = _product(bytes(data[3::4]), mask)
        else:
            # 257 times a byte is that byte twice.
            low, high = bytes(data[6::8]), bytes(data[7::8])
            opaque = low.count(255) == len(low) and high.count(255) == len(high)
            data[6::8] = data[7::8] = mask if opaque else _product(high, mask)
        return Pixels(self.bounds, self.depth, data)

    def in_depth(self, depth: str) -> "Pixels":
        """The same colours in channels of this depth; from 16 bits to the nearest of 256."""
        if depth == self.depth:
            return self
        if depth == "U16":
            # 257 times a byte is that byte twice.
            wide = bytearray(2 * len(self.data))
            wide[0::2] = wide[1::2] = self.data
            return Pixels(self.bounds, depth, wide)
        low, high = self.data[0::2], self.data[1::2]
        near = bytes((256 * b + a + 128) // 257 for a, b in zip(low, high))
        return Pixels(self.bounds, depth, near)

    def part(self, bounds: Bounds) -> "Pixels":
        """The pixels of a smaller rectangle inside of theirs."""
        if not self.bounds.contains(bounds):
            raise ValueError(f"{bounds} is not inside of {self.bounds}")
        step = BYTES_OF_DEPTH[self.depth]
        line, width = self.bounds.width * step, bounds.width * step
        first = (bounds.y - self.bounds.y) * line + (bounds.x - self.bounds.x) * step
        rows = (first + row * line for row in range(bounds.height))
        return Pixels(bounds, self.depth, b"".join(self.data[at : at + width] for at in rows))

    @property
    def alpha(self) -> bytes:
        """How opaque each pixel is, a byte each."""
        return bytes(self.data[3::4] if self.depth == "U8" else self.data[7::8])


def _product(alpha: bytes, mask: bytes) -> bytes:
    """Two opacities at once, rounded to the nearest."""
    if alpha.count(255) == len(alpha):
        return mask
    return bytes((a * b + 127) // 255 for a, b in zip(alpha, mask))


def _swapped_16(data: Union[bytes, bytearray, memoryview]) -> bytearray:
    swapped = bytearray(data)
    for byte in (0, 1):
        blue, red = swapped[byte::8], swapped[4 + byte :: 8]
        swapped[byte::8], swapped[4 + byte :: 8] = red, blue
    return swapped
