"""Reads what `framewright-sketch dataset` writes: images, id maps, scenes and captions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


@dataclass
class Scenes:
    """A folder of rendered scenes; pixels stay on disk until they are asked for."""

    images: np.ndarray  # (count, size, size, 3) u8
    ids: np.ndarray  # (count, size, size) u8, the front-most thing of each pixel
    scenes: list[dict]

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

    def pixels(self, index: np.ndarray, crop: int | None, rng: np.random.Generator) -> Tensor:
        """Scenes as (n, 3, crop, crop) in -1..1, channels last, each cropped at random."""
        size = self.images.shape[1]
        edge = crop or size
        corners = rng.integers(0, size - edge + 1, (len(index), 2))
        taken = [
            self.images[i, y : y + edge, x : x + edge]
            for i, (y, x) in zip(index, corners, strict=True)
        ]
        return torch.from_numpy(np.stack(taken)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def open_all(folders: list[Path]) -> list[Scenes]:
    return [Scenes.open(folder) for folder in folders]


def held_out(count: int) -> int:
    """How many scenes at a folder's end are kept from training."""
    return min(256, count // 10)
