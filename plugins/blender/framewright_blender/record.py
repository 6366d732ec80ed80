"""What a strip or an image remembers of where it came from: a custom property, `framewright`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Optional, cast

from .client import FILLS, Settings
from .order import Task

PROPERTY = "framewright"
"""The name of the custom property; a group with the fields of `Record` that have a value."""

_CANDIDATES = 256


@dataclass(frozen=True)
class Record:
    """Where a picture came from. Paths begin with `//` where they lie near the .blend file.

    Of a board: its folder, the `frame`'s id, and which `take` of it, from 1, is shown. Of a
    request: its `task`, settings (`hires`: it was drawn in two passes) and `job`, and the files of
    its `candidates`, of which number `picked` is shown. A `strip` names where the picture was sent
    from, and `mask_of` the image that a mask belongs to. `name` is what the strip was called,
    unless the artist did.
    Seeds are text: a custom property holds no number that large.
    """

    board: str = ""
    frame: str = ""
    shot: str = ""
    take: int = 0
    hash: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    seed: str = ""
    task: str = ""
    model: str = ""
    strength: float = 1.0
    fill: str = ""
    hires: bool = False
    job: str = ""
    candidates: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    picked: int = 0
    source: str = ""
    scene: str = ""
    strip: str = ""
    mask_of: str = ""
    name: str = ""

    @classmethod
    def of(cls, holder: Any) -> Optional["Record"]:
        """The record that a strip or an image holds; none where it holds none of ours."""
        held = holder.get(PROPERTY)
        if held is None or not hasattr(held, "to_dict"):
            return None
        return cls.read(held.to_dict())

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> "Record":
        """The record in a property's values. Those of another type are left out: anybody may
        edit a custom property."""
        known: dict[str, Any] = {}
        for field in fields(cls):
            value = held.get(field.name)
            if isinstance(field.default, tuple):
                if isinstance(value, (list, tuple)):
                    texts = cast("list[Any]", value)[:_CANDIDATES]
                    known[field.name] = tuple(text for text in texts if isinstance(text, str))
            elif isinstance(field.default, float) and isinstance(value, int):
                known[field.name] = float(value)
            elif isinstance(field.default, bool) and type(value) is int:
                # Older Blenders have no yes and no in a custom property, and keep 1 and 0.
                known[field.name] = bool(value)
            elif type(value) is type(field.default):
                known[field.name] = value
        return cls(**known)

    def keep(self, holder: Any) -> None:
        """Writes it into a strip or an image."""
        holder[PROPERTY] = {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in fields(self)
            for value in [getattr(self, field.name)]
            if value != field.default
        }

    @classmethod
    def made(cls, task: Task, settings: Settings, job: str) -> "Record":
        """The record of a request."""
        return cls(
            task=task.value,
            prompt=settings.prompt,
            negative_prompt=settings.negative_prompt,
            model=settings.model or "",
            strength=settings.strength,
            fill=settings.fill,
            # What starts from a picture is drawn in one pass, whatever was chosen for others.
            hires=settings.hires and task is Task.GENERATE,
            job=job,
        )

    @property
    def settings(self) -> Settings:
        """The settings of the request, for the same again."""
        count = len(self.candidates)
        return Settings(
            self.prompt,
            self.negative_prompt,
            self.model or None,
            self.strength,
            count or Settings.candidates,
            None,
            self.fill or FILLS[0],
            self.hires,
        ).checked()

    @property
    def shown(self) -> str:
        """The file of the candidate that is shown; empty where there is none."""
        return self.candidates[self.picked] if 0 <= self.picked < len(self.candidates) else ""

    def picking(self, index: int) -> "Record":
        """The same, with another candidate shown."""
        seed = self.seeds[index] if index < len(self.seeds) else ""
        return replace(self, picked=index, seed=seed)

    def with_more(self, candidates: tuple[str, ...], seeds: tuple[str, ...]) -> "Record":
        """The same with more candidates, the first of which is shown."""
        all_of_them = (self.candidates + candidates)[-_CANDIDATES:]
        all_seeds = (self.seeds + seeds)[-_CANDIDATES:]
        more = replace(self, candidates=all_of_them, seeds=all_seeds)
        return more.picking(len(all_of_them) - len(candidates))
