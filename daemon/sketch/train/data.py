"""Reads what `framewright-sketch dataset` writes: images, id maps, scenes and captions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")


@dataclass
class Scenes:
    """A folder of rendered scenes; pixels stay on disk until they are asked for."""

    images: np.ndarray  # (count, size, size, 3) u8
    ids: np.ndarray  # (count, size, size) u8, the front-most thing of each pixel
    scenes: list[dict]
    resident: Tensor | None = field(default=None, repr=False)  # the images on an accelerator

    @classmethod
    def open(cls, folder: Path) -> Scenes:
        meta = json.loads((folder / "meta.json").read_text())
        count, size = meta["count"], meta["size"]
        images = np.memmap(folder / "images.u8", np.uint8, "r", shape=(count, size, size, 3))
        ids = np.memmap(folder / "ids.u8", np.uint8, "r", shape=(count, size, size))
        with (folder / "scenes.jsonl").open() as lines:
            scenes = [json.loads(line) for line in lines]
        if len(scenes) != count:
            raise ValueError(
                f"{folder}: {len(scenes)} scenes in scenes.jsonl, {count} in meta.json"
            )
        return cls(images, ids, scenes)

    def __len__(self) -> int:
        return len(self.scenes)

    def pixels(
        self, index: np.ndarray, crop: int | None, rng: np.random.Generator, device: str = "cpu"
    ) -> Tensor:
        """Scenes as (n, 3, crop, crop) in -1..1, channels last, each cropped at random.

        For an accelerator all frames are put there once (48 KB each at 128x128), so that a step
        moves nothing but row numbers.
        """
        size = self.images.shape[1]
        edge = crop or size
        corners = rng.integers(0, size - edge + 1, (len(index), 2))
        if device == "cpu":
            taken = torch.from_numpy(
                np.stack(
                    [
                        self.images[i, y : y + edge, x : x + edge]
                        for i, (y, x) in zip(index, corners, strict=True)
                    ]
                )
            )
        else:
            if self.resident is None:
                self.resident = torch.from_numpy(np.array(self.images)).to(device)
            along = torch.arange(edge, device=device)
            rows = torch.from_numpy(np.asarray(index)).to(device)[:, None, None]
            ys, xs = torch.from_numpy(corners).to(device).T[..., None] + along
            taken = self.resident[rows, ys[:, :, None], xs[:, None, :]]
        return taken.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def open_all(folders: list[Path]) -> list[Scenes]:
    return [Scenes.open(folder) for folder in folders]


def held_out(count: int) -> int:
    """How many scenes at a folder's end are kept from training."""
    return min(256, count // 10)


def by_chunks(work: Callable[[np.ndarray], T], count: int, workers: int) -> list[T]:
    """`work` of the numbers 0..count in chunks, in order; in so many processes where it pays.

    The work must be plain NumPy: the processes are forked, perhaps beside a running accelerator.
    """
    chunks = np.array_split(np.arange(count), max(1, count // 256))
    if workers <= 1:
        return [work(chunk) for chunk in chunks]
    global _work
    _work = work  # reaches the processes by the fork, so closures need not be pickled
    with get_context("fork").Pool(workers) as pool:
        return pool.map(_call, chunks)


def _call(chunk: np.ndarray) -> object:
    return _work(chunk)
