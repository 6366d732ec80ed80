"""The pixels of candidates: kept while there is room, fetched from the daemon when not."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Optional

from framewright import FramewrightError, Picture

from .link import Link
from .pixels import Pixels
from .qt import QtGui
from .scaling import from_png, thumbnail

_KEPT_BYTES = 256 << 20
_PART_BYTES = 4 << 20
THUMBNAIL = 160
"""Pixels on the longer side of a thumbnail."""


class Gallery:
    """Candidates by the hash of their PNG, at the canvas's origin."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._kept: OrderedDict[str, Pixels] = OrderedDict()
        self._thumbnails: dict[str, QtGui.QImage] = {}
        self._lost: dict[str, str] = {}

    def put(self, blob: str, picture: Picture) -> None:
        """Keeps a picture that came with an answer."""
        self._keep(blob, Pixels.of(picture, 0, 0))

    def thumbnail(self, blob: str) -> Optional[QtGui.QImage]:
        """A candidate in small, once it was here."""
        return self._thumbnails.get(blob)

    def lost(self, blob: str) -> str:
        """Why the daemon does not give a candidate; empty when nothing of that is known."""
        return self._lost.get(blob, "")

    def get(
        self,
        blob: str,
        depth: str,
        then: Callable[[Pixels], None],
        otherwise: Callable[[FramewrightError], None],
    ) -> None:
        """Gives a candidate's pixels, at once when they are here."""
        pixels = self._kept.get(blob)
        if pixels is not None and pixels.depth == depth:
            self._kept.move_to_end(blob)
            then(pixels)
            return
        data = bytearray()

        def part(result: Any) -> None:
            data.extend(result.get("data", b""))
            if len(data) < result.get("total", 0) and len(result.get("data", b"")):
                ask()
                return
            try:
                made = from_png(bytes(data), depth, 0, 0)
            except ValueError as error:
                otherwise(FramewrightError(str(error), None, "make it again"))
                return
            self._lost.pop(blob, None)
            self._keep(blob, made)
            then(made)

        def failed(error: FramewrightError) -> None:
            self._lost[blob] = error.message
            otherwise(error)

        def ask() -> None:
            wanted = {"hash": blob, "offset": len(data), "length": _PART_BYTES}
            self._link.ask("blob.get", wanted, part, failed)

        ask()

    def _keep(self, blob: str, pixels: Pixels) -> None:
        if blob not in self._thumbnails:
            self._thumbnails[blob] = thumbnail(pixels, THUMBNAIL)
        self._kept[blob] = pixels
        self._kept.move_to_end(blob)
        while len(self._kept) > 1 and self._bytes() > _KEPT_BYTES:
            self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum(len(pixels.data) for pixels in self._kept.values())
