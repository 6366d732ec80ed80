"""The part of MessagePack that the protocol uses.

| MessagePack | Python |
|---|---|
| nil, bool, int, float 32 and 64 | `None`, `bool`, `int` (-2**63 to 2**64 - 1), `float` |
| str | `str`, valid UTF-8 |
| bin | any bytes-like object in, `memoryview` out |
| array | `list` (or `tuple`) |
| map | `dict` with `str` keys; of two equal keys the first counts |

Extension types are refused. A `memoryview` that comes out looks into the buffer that was given
in, without a copy; it keeps that buffer alive.
"""

import struct
from collections.abc import Mapping
from typing import Any, Union, cast

from .errors import (
    ExtensionType,
    KeyNotAString,
    NotUtf8,
    PackError,
    TooDeep,
    TooManyValues,
    TrailingBytes,
    Truncated,
)
from .limits import FRAME_DEPTH, FRAME_VALUES

Buffer = Union[bytes, bytearray, memoryview]

# Shorter payloads are cheaper to copy than to send as a part of their own.
_OWN_PART = 4096


def pack(value: Any) -> bytes:
    """`value` as MessagePack, numbers and lengths in their shortest form, floats as float 64.

    Raises `PackError`.
    """
    return b"".join(pack_parts(value))


def pack_parts(value: Any) -> list[Buffer]:
    """As `pack`, in parts whose concatenation is the message.

    Large bytes-like objects are parts themselves, not copied: do not change them before the
    parts have been sent.
    """
    packer = _Packer()
    packer.add(value, 1)
    return packer.finish()


class _Packer:
    def __init__(self) -> None:
        self._parts: list[Buffer] = []
        self._head = bytearray()
        self._values = 0

    def finish(self) -> list[Buffer]:
        if self._head:
            self._parts.append(self._head)
        return self._parts

    def add(self, value: Any, depth: int) -> None:
        self._values += 1
        if self._values > FRAME_VALUES:
            raise PackError(
                f"the message holds more than {FRAME_VALUES} values",
                None,
                "send pictures and tables as bytes, not as lists of numbers",
            )
        head = self._head
        if value is None:
            head.append(0xC0)
        elif value is True:
            head.append(0xC3)
        elif value is False:
            head.append(0xC2)
        elif isinstance(value, str):
            self._text(value)
        elif isinstance(value, int):
            self._integer(value)
        elif isinstance(value, float):
            head += struct.pack(">Bd", 0xCB, value)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self._bytes(cast("Buffer", value))
        elif isinstance(value, Mapping):
            entries = cast("Mapping[Any, Any]", value)
            self._length(len(entries), depth, 0x80, 0xDE)
            for key, held in entries.items():
                if not isinstance(key, str):
                    raise PackError("the keys of a map must be strings", repr(key))
                self._values += 1
                self._text(key)
                self.add(held, depth + 1)
        elif isinstance(value, (list, tuple)):
            items = cast("list[Any]", value)
            self._length(len(items), depth, 0x90, 0xDC)
            for item in items:
                self.add(item, depth + 1)
        else:
            raise PackError("a value of that type cannot be sent", type(value).__name__)

    def _length(self, count: int, depth: int, short: int, long: int) -> None:
        if depth > FRAME_DEPTH:
            raise PackError(f"the message is nested deeper than {FRAME_DEPTH} levels")
        if count < 16:
            self._head.append(short | count)
        elif count < 1 << 16:
            self._head += struct.pack(">BH", long, count)
        else:
            self._head += struct.pack(">BI", long + 1, count)

    def _integer(self, value: int) -> None:
        head = self._head
        if -32 <= value < 128:
            head.append(value & 0xFF)
        elif value >= 0:
            if value < 1 << 8:
                head += struct.pack(">BB", 0xCC, value)
            elif value < 1 << 16:
                head += struct.pack(">BH", 0xCD, value)
            elif value < 1 << 32:
                head += struct.pack(">BI", 0xCE, value)
            elif value < 1 << 64:
                head += struct.pack(">BQ", 0xCF, value)
            else:
                raise PackError("a number is over 2**64 - 1", str(value))
        elif value >= -(1 << 7):
            head += struct.pack(">Bb", 0xD0, value)
        elif value >= -(1 << 15):
            head += struct.pack(">Bh", 0xD1, value)
        elif value >= -(1 << 31):
            head += struct.pack(">Bi", 0xD2, value)
        elif value >= -(1 << 63):
            head += struct.pack(">Bq", 0xD3, value)
        else:
            raise PackError("a number is under -2**63", str(value))

    def _text(self, value: str) -> None:
        try:
            data = value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise PackError("a string holds half a surrogate pair", repr(value)) from error
        head = self._head
        length = len(data)
        if length < 32:
            head.append(0xA0 | length)
        elif length < 1 << 8:
            head += struct.pack(">BB", 0xD9, length)
        elif length < 1 << 16:
            head += struct.pack(">BH", 0xDA, length)
        else:
            head += struct.pack(">BI", 0xDB, _fitting(length))
        head += data

    def _bytes(self, value: Buffer) -> None:
        try:
            view = memoryview(value).cast("B")
        except TypeError as error:
            raise PackError("the bytes do not lie in one piece", hint="copy them first") from error
        head = self._head
        length = len(view)
        if length < 1 << 8:
            head += struct.pack(">BB", 0xC4, length)
        elif length < 1 << 16:
            head += struct.pack(">BH", 0xC5, length)
        else:
            head += struct.pack(">BI", 0xC6, _fitting(length))
        if length < _OWN_PART:
            head += view
        else:
            self._parts += (head, view)
            self._head = bytearray()


def _fitting(length: int) -> int:
    if length >= 1 << 32:
        raise PackError("a value is longer than 4 GiB")
    return length


def unpack(data: Buffer, *, max_depth: int = FRAME_DEPTH, max_values: int = FRAME_VALUES) -> Any:
    """The one value that `data` holds.

    Every length is compared with the bytes that are there before anything is reserved for it.
    Raises a `ProtocolError`: `Truncated`, `TrailingBytes`, `ExtensionType`, `KeyNotAString`,
    `NotUtf8`, `TooManyValues` or `TooDeep`.
    """
    reader = _Reader(memoryview(data).cast("B"), max_values)
    value = reader.value(max_depth)
    if reader.at != reader.end:
        raise TrailingBytes(f"{reader.end - reader.at} bytes follow after the value's end")
    return value


_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
# Numbers of fixed width by their marker.
_NUMBERS = {
    0xCA: struct.Struct(">f"),
    0xCB: struct.Struct(">d"),
    0xCC: struct.Struct(">B"),
    0xCD: _U16,
    0xCE: _U32,
    0xCF: struct.Struct(">Q"),
    0xD0: struct.Struct(">b"),
    0xD1: struct.Struct(">h"),
    0xD2: struct.Struct(">i"),
    0xD3: struct.Struct(">q"),
}


class _Reader:
    def __init__(self, data: memoryview, values: int) -> None:
        self._data = data
        self.at = 0
        self.end = len(data)
        self._most = values
        self._left = values - 1

    def value(self, depth: int) -> Any:
        """The next value; `depth` is how many more levels of containers are allowed."""
        at = self.at
        if at >= self.end:
            raise _truncated()
        marker = self._data[at]
        self.at = at + 1
        if marker < 0x80:
            return marker
        if marker >= 0xE0:
            return marker - 0x100
        if marker < 0x90:
            return self._map(marker & 0x0F, depth)
        if marker < 0xA0:
            return self._array(marker & 0x0F, depth)
        if marker < 0xC0:
            return self._text(marker & 0x1F)
        number = _NUMBERS.get(marker)
        if number is not None:
            return self._number(number)
        if marker == 0xC0:
            return None
        if marker == 0xC2:
            return False
        if marker == 0xC3:
            return True
        if 0xC4 <= marker <= 0xC6:
            return self._take(self._length(marker - 0xC4))
        if 0xD9 <= marker <= 0xDB:
            return self._text(self._length(marker - 0xD9))
        if 0xDC <= marker <= 0xDD:
            return self._array(self._length(marker - 0xDB), depth)
        if 0xDE <= marker <= 0xDF:
            return self._map(self._length(marker - 0xDD), depth)
        raise ExtensionType(f"the message holds an extension type (byte 0x{marker:02x})")

    def _take(self, count: int) -> memoryview:
        start = self.at
        if count > self.end - start:
            raise _truncated()
        self.at = start + count
        return self._data[start : self.at]

    def _number(self, form: struct.Struct) -> Any:
        start = self.at
        if form.size > self.end - start:
            raise _truncated()
        self.at = start + form.size
        return form.unpack_from(self._data, start)[0]

    def _length(self, width: int) -> int:
        """A length of 2**width bytes."""
        return self._number((_NUMBERS[0xCC], _U16, _U32)[width])

    def _text(self, count: int) -> str:
        start = self.at
        if count > self.end - start:
            raise _truncated()
        self.at = end = start + count
        try:
            return str(self._data[start:end], "utf-8")
        except UnicodeDecodeError as error:
            raise NotUtf8("a string is not UTF-8") from error

    def _open(self, values: int, depth: int) -> None:
        if depth <= 0:
            raise TooDeep("the message is nested too deeply")
        # A value takes a byte at least: what cannot be there is not counted on.
        if values > self.end - self.at:
            raise _truncated()
        if values > self._left:
            raise TooManyValues(f"the message holds more than {self._most} values")
        self._left -= values

    def _array(self, count: int, depth: int) -> list[Any]:
        self._open(count, depth)
        value = self.value
        return [value(depth - 1) for _ in range(count)]

    def _map(self, count: int, depth: int) -> dict[str, Any]:
        self._open(2 * count, depth)
        entries: dict[str, Any] = {}
        for _ in range(count):
            if self.at >= self.end:
                raise _truncated()
            marker = self._data[self.at]
            if 0xA0 <= marker <= 0xBF:
                self.at += 1
                key = self._text(marker & 0x1F)
            elif 0xD9 <= marker <= 0xDB:
                self.at += 1
                key = self._text(self._length(marker - 0xD9))
            else:
                raise KeyNotAString("the key of a map is not a string")
            entries.setdefault(key, self.value(depth - 1))
        return entries


def _truncated() -> Truncated:
    return Truncated("the message ends in the middle of a value")
