"""What was made in a document, as it is kept in the document itself.

Requests and the hashes of their results are kept; the pictures lie in the daemon, which gives
them by their hash for as long as it has them, and makes them again after that.
"""

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Optional, cast

from framewright.settings import Settings

from .bounds import Bounds
from .mask import Mask
from .order import Task

ANNOTATION = "framewright/history"
"""The name of the document's annotation."""

DESCRIPTION = "What Framewright made in this document"

_VERSION = 1
# Older entries go: a document stays small, however long it is worked on.
_ENTRIES = 200
# A mask that does not compress to less is left out, and its frames are applied as rectangles.
_MASK_BYTES = 256 << 10
# A mask of the largest canvas; what unpacks to more was not packed here.
_MASK_PIXELS = 1 << 26


@dataclass(frozen=True)
class Result:
    """One candidate: its seed, and the hash under which the daemon keeps its PNG."""

    seed: int
    blob: str


@dataclass(frozen=True)
class Entry:
    """One request and what came of it.

    `depth` is that of the document's channels; through `mask`, where there is one, the frames are
    seen; `applied` numbers the results that became layers.
    """

    job: str
    task: Task
    settings: Settings
    seed: int
    bounds: Bounds
    width: int
    height: int
    depth: str = "U8"
    mask: Optional[Mask] = None
    results: tuple[Result, ...] = ()
    applied: tuple[int, ...] = ()


@dataclass
class History:
    """The entries of one document, the oldest first."""

    entries: list[Entry] = field(default_factory=lambda: [])

    def add(self, entry: Entry) -> None:
        """Adds one; the oldest goes when there are too many."""
        self.entries.append(entry)
        del self.entries[:-_ENTRIES]

    def replace(self, old: Entry, new: Entry) -> None:
        """Puts an entry in another's place, if that is there still."""
        for at, entry in enumerate(self.entries):
            if entry is old:
                self.entries[at] = new

    def remove(self, entry: Entry) -> None:
        """Forgets an entry."""
        self.entries = [held for held in self.entries if held is not entry]

    def newest_first(self) -> Iterator[Entry]:
        """The entries as they are shown."""
        return reversed(self.entries)

    def to_bytes(self) -> bytes:
        """The history as the annotation holds it."""
        entries = [
            {
                **asdict(replace(entry, mask=None)),
                "task": entry.task.value,
                "mask": _packed(entry),
            }
            for entry in self.entries
        ]
        held = {"version": _VERSION, "entries": entries}
        return json.dumps(held, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> "History":
        """The history that an annotation holds. What cannot be read is left out: somebody else's
        bytes, or an entry of a later version."""
        try:
            held = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError):
            return cls()
        entries = _map(held).get("entries")
        if not isinstance(entries, list):
            return cls()
        read = [_entry(entry) for entry in cast("list[Any]", entries)[-_ENTRIES:]]
        return cls([entry for entry in read if entry is not None])


def _entry(value: Any) -> Optional[Entry]:
    held = _map(value)
    try:
        results = tuple(
            Result(_count(result["seed"]), _hash(result["blob"])) for result in held["results"]
        )
        settings = _map(held["settings"])
        place = {key: _whole(held["bounds"][key]) for key in ("x", "y", "width", "height")}
        seed = settings.get("seed")
        model = settings.get("model")
        return Entry(
            job=str(held["job"]),
            task=Task(held["task"]),
            settings=Settings(
                prompt=str(settings["prompt"]),
                negative_prompt=str(settings.get("negative_prompt", "")),
                model=None if model is None else str(model),
                strength=float(settings.get("strength", 1.0)),
                candidates=_count(settings.get("candidates", 1)),
                seed=None if seed is None else _count(seed),
                fill=str(settings.get("fill", "")),
                hires=settings.get("hires") is True,
            ).checked(),
            seed=_count(held["seed"]),
            bounds=Bounds(**place),
            width=_count(held["width"]),
            height=_count(held["height"]),
            depth="U16" if held.get("depth") == "U16" else "U8",
            mask=_unpacked(held.get("mask"), Bounds(**place)),
            results=results,
            applied=tuple(_count(at) for at in held.get("applied", ())),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _packed(entry: Entry) -> Optional[str]:
    if entry.mask is None:
        return None
    packed = zlib.compress(entry.mask.data, 1)
    return base64.b64encode(packed).decode("ascii") if len(packed) <= _MASK_BYTES else None


def _unpacked(value: Any, bounds: Bounds) -> Optional[Mask]:
    if not isinstance(value, str) or not 0 < bounds.area <= _MASK_PIXELS:
        return None
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.b64decode(value, validate=True), bounds.area + 1)
        return Mask(bounds, data)
    except (ValueError, zlib.error):
        return None


def _map(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 1 << 31:
        raise ValueError("not a whole number")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise ValueError("not a count")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 64 or value.strip("0123456789abcdef"):
        raise ValueError("not a hash")
    return value
