"""Pictures as the protocol carries them."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .errors import FramewrightError
from .messagepack import Buffer

PNG = "png"
RGBA8 = "rgba8"
BGRA8 = "bgra8"
RGBA16 = "rgba16"

_PNG_START = b"\x89PNG\r\n\x1a\n"


class PictureError(FramewrightError, ValueError):
    """The bytes are not the picture that they are said to be."""


@dataclass(frozen=True)
class Picture:
    """A picture: a PNG file, or rows of pixels from the top.

    `format` is `png`, `rgba8`, `bgra8` or `rgba16`; `width` and `height` are in pixels. `data`
    holds the file, or 4 bytes a pixel, 8 in `rgba16` (the lower byte of each channel first); a
    picture that came from the daemon looks into the message that it came with. In a request `blob`
    may stand instead of `data`: the hash under which the daemon keeps the bytes, as
    `Client.blob_put` gives it. A frame that the daemon made has that of its PNG, whatever its
    format.
    """

    format: str
    width: int
    height: int
    data: memoryview = memoryview(b"")  # noqa: RUF009 (read-only)
    blob: Optional[str] = None

    @classmethod
    def rgba8(cls, width: int, height: int, data: Buffer) -> "Picture":
        """Pixels of red, green, blue, alpha. Raises `PictureError` when their number is wrong."""
        return cls(RGBA8, width, height, _pixels(width, height, data, 4))

    @classmethod
    def bgra8(cls, width: int, height: int, data: Buffer) -> "Picture":
        """Pixels of blue, green, red, alpha, as Krita has them. Raises `PictureError`."""
        return cls(BGRA8, width, height, _pixels(width, height, data, 4))

    @classmethod
    def rgba16(cls, width: int, height: int, data: Buffer) -> "Picture":
        """Pixels of red, green, blue, alpha, 16 bits each. Raises `PictureError`."""
        return cls(RGBA16, width, height, _pixels(width, height, data, 8))

    @classmethod
    def png(cls, data: Buffer) -> "Picture":
        """A PNG file; its size is read from it. Raises `PictureError` when it is none."""
        view = memoryview(data).cast("B")
        head = bytes(view[:16])
        if len(view) < 33 or head[:8] != _PNG_START or head[12:] != b"IHDR":
            raise PictureError("that is no PNG file", None, "give the bytes of a PNG file")
        width, height = struct.unpack_from(">II", view, 16)
        return cls(PNG, width, height, view)

    def swapped(self) -> "Picture":
        """The same picture with red and blue in each other's place: rgba8 from bgra8 and back.

        A copy. Raises `PictureError` for a PNG.
        """
        other = {RGBA8: BGRA8, BGRA8: RGBA8}.get(self.format)
        if other is None:
            raise PictureError(
                "only raw pixels of 8 bits can be swapped",
                self.format,
                "ask for `rgba8` or `bgra8`",
            )
        data = bytearray(self.data)
        swap_red_and_blue(data)
        return Picture(other, self.width, self.height, memoryview(data), None)

    def as_map(self) -> dict[str, Any]:
        """The picture as a parameter of a request: by its `data`, else by its `blob`."""
        wire = {
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "data": self.data,
        }
        if not len(self.data) and self.blob is not None:
            wire["blob"] = self.blob
        return wire


def swap_red_and_blue(pixels: bytearray) -> None:
    """Swaps the first and the third byte of every four, in place."""
    pixels[0::4], pixels[2::4] = pixels[2::4], pixels[0::4]


def as_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with each `Picture` as a map, without those that are `None`."""
    return {
        key: value.as_map() if isinstance(value, Picture) else value
        for key, value in params.items()
        if value is not None
    }


def _pixels(width: int, height: int, data: Buffer, pixel_bytes: int) -> memoryview:
    view = memoryview(data).cast("B")
    if width <= 0 or height <= 0 or len(view) != width * height * pixel_bytes:
        raise PictureError(
            f"{len(view)} bytes are no {width} × {height} pixels of {pixel_bytes} bytes",
            None,
            f"give width × height × {pixel_bytes} bytes, rows from the top, without padding",
        )
    return view
