"""A request that is under way, and where its frames go: kept in the .blend file until it ended."""

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Optional, cast

from .client import Progress, Settings, Ticket
from .order import Order, Task


@dataclass(frozen=True)
class Target:
    """Where frames go: into a strip of `scene`, or a new image.

    A `strip` that is there gets more candidates; else a new one is put at frame `start`, `length`
    frames long. For images `source` names the one that they were made from, and `board` and
    `frame` (with `strip`) what that shows.
    """

    kind: str
    scene: str
    strip: str = ""
    start: int = 1
    length: int = 48
    source: str = ""
    board: str = ""
    frame: str = ""


@dataclass
class Job:
    """A request that is under way. By its `key` the daemon finds it again, also after Blender was
    closed. Of a drawing of a board only `board`, its folder, is known."""

    title: str
    task: Optional[Task] = None
    settings: Settings = field(default_factory=Settings)
    target: Optional[Target] = None
    board: str = ""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    progress: Progress = field(default_factory=Progress)
    order: Optional[Order] = None
    ticket: Optional[Ticket[Any]] = None
    name: Optional[str] = None
    """The daemon's name for it, where no ticket knows it."""
    give_up: Optional[Callable[[], None]] = None
    """Ends the reading of what it needs."""

    @property
    def job(self) -> Optional[str]:
        """The daemon's name for it, once it is known."""
        return self.name or (self.ticket.job if self.ticket is not None else None)


def to_text(jobs: "list[Job]") -> str:
    """The jobs as a scene keeps them; empty for none."""
    held = [
        {
            "key": job.key,
            "title": job.title,
            "task": job.task.value,
            "settings": asdict(job.settings),
            "target": asdict(job.target),
        }
        for job in jobs
        if job.task is not None and job.target is not None
    ]
    return json.dumps(held, ensure_ascii=False) if held else ""


def from_text(text: str) -> "list[Job]":
    """The jobs that a scene keeps. What cannot be read is left out."""
    held: Any = []
    try:
        held = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    jobs = [_job(entry) for entry in cast("list[Any]", held)] if isinstance(held, list) else []
    return [job for job in jobs if job is not None]


def _job(entry: Any) -> Optional[Job]:
    try:
        return Job(
            title=str(entry["title"]),
            task=Task(entry["task"]),
            settings=_read(Settings, entry["settings"]).checked(),
            target=_read(Target, entry["target"]),
            key=str(entry["key"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _read(kind: "type[Any]", held: "dict[str, Any]") -> Any:
    """The dataclass in a map; raises `TypeError` where a value is of another type."""
    known: dict[str, Any] = {}
    for each in fields(kind):
        if each.name in held:
            value = held[each.name]
            optional = each.default is None and (value is None or isinstance(value, (str, int)))
            if not optional and each.default is not None and type(value) is not _type(each):
                raise TypeError(each.name)
            known[each.name] = value
    return kind(**known)


def _type(each: Any) -> type:
    return type(each.default) if isinstance(each.default, (str, int, float)) else str
