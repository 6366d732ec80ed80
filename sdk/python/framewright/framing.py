"""Frames: a length, u32 little-endian, then that many bytes."""

import struct
from collections.abc import Iterator, Sequence
from typing import Optional

from .errors import HalfFrame, TooLong
from .limits import FRAME_BYTES
from .messagepack import Buffer

_PREFIX = struct.Struct("<I")


def frame(parts: Sequence[Buffer]) -> list[Buffer]:
    """`parts` with the length in front. Raises `TooLong` when the other side would refuse it."""
    length = sum(len(part) for part in parts)
    _check(length)
    return [_PREFIX.pack(length), *parts]


def _check(length: int) -> None:
    if length > FRAME_BYTES:
        raise TooLong(
            f"a frame of {length} bytes is over the limit of {FRAME_BYTES} bytes",
            None,
            "send large pictures as blobs",
        )


class FrameReader:
    """Payloads out of a stream of bytes that comes in pieces of any size.

    Memory grows with the bytes that arrive, not with the length that was announced.
    """

    def __init__(self) -> None:
        self._prefix = bytearray()
        self._payload: Optional[bytearray] = None
        self._missing = 0

    def feed(self, data: Buffer) -> Iterator[bytearray]:
        """Takes the next bytes of the stream; yields each payload that they complete.

        A payload belongs to the caller. Run the iterator to its end: what it has not come to is
        not read. Raises `TooLong` by a prefix alone; the stream cannot be read on after that.
        """
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            if self._payload is None:
                end = at + _PREFIX.size - len(self._prefix)
                self._prefix += view[at:end]
                if len(self._prefix) < _PREFIX.size:
                    return
                at = end
                (length,) = _PREFIX.unpack(self._prefix)
                _check(length)
                self._prefix.clear()
                self._payload = bytearray()
                self._missing = length
            taken = view[at : at + self._missing]
            self._payload += taken
            self._missing -= len(taken)
            at += len(taken)
            if not self._missing:
                payload, self._payload = self._payload, None
                yield payload

    def finish(self) -> None:
        """Says that the stream has ended. Raises `HalfFrame` when it did so inside a frame."""
        if self._prefix or self._payload is not None:
            raise HalfFrame("the connection ended inside a frame")
