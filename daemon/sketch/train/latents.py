"""Latents, captions and regions of a dataset, encoded once and kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from captions import GROUPS, LENGTH, NONE, Captions, groups_of_ids
from data import Scenes
from diffusers import AutoencoderKL
from group_norm import fuse_norms
from torch import Tensor


@dataclass
class Batch:
    latents: Tensor  # (n, 4, s, s)
    ids: Tensor  # (n, 77) token ids
    token_groups: Tensor  # (n, 77, groups) 1 where a token speaks of a group
    cells: Tensor  # (n, groups, s, s) share of each cell's pixels that belongs to a group
    index: np.ndarray

    def to(self, device: str) -> Batch:
        tensors = (self.latents, self.ids, self.token_groups, self.cells)
        return Batch(*(t.to(device) for t in tensors), self.index)


class Latents:
    """One dataset folder, seen through a frozen autoencoder."""

    def __init__(
        self, scenes: Scenes, vae: AutoencoderKL, captions: Captions, cache: Path, limit: int
    ) -> None:
        self.scenes, self.captions = scenes, captions
        if not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            partial = cache.with_suffix(".partial")
            torch.save(encode(scenes, vae, captions, min(limit, len(scenes))), partial)
            partial.rename(cache)
        self.kept = torch.load(cache, weights_only=True, mmap=True)
        people = np.array([len(scene["people"]) for scene in scenes.scenes[: len(self)]])
        self.by_people = {n: np.flatnonzero(people == n) for n in (0, 1, 2)}

    def __len__(self) -> int:
        return len(self.kept["ids"])

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> Batch:
        rows = torch.from_numpy(index)
        pick = torch.from_numpy(rng.integers(0, self.kept["ids"].shape[1], len(index)))
        groups = self.kept["token_groups"][rows, pick].long()
        # Groups no token speaks of hand their cells on to their person, then to nobody.
        told = torch.nn.functional.one_hot(groups.clamp(max=GROUPS), GROUPS + 1)[
            ..., :GROUPS
        ].float()
        cells = self.kept["cells"][rows].float() / 255
        silent = told.sum(1) == 0  # (n, groups)
        for person in range(2):
            body = person * 4 + 1
            for part in range(body + 1, body + 4):
                moved = cells[:, part] * silent[:, part, None, None]
                cells[:, body] += moved
                cells[:, part] -= moved
        cells *= ~silent[:, :, None, None]
        return Batch(
            self.kept["latents"][rows].float(),
            self.kept["ids"][rows, pick].long(),
            told,
            cells,
            index,
        )


@torch.inference_mode()
def encode(scenes: Scenes, vae: AutoencoderKL, captions: Captions, count: int) -> dict[str, Tensor]:
    vae = vae.to(dtype=torch.bfloat16, memory_format=torch.channels_last)
    fuse_norms(vae)
    size = scenes.images.shape[1]
    side = size // 8
    variants = 1 + len(scenes.scenes[0]["captions"])
    latents = torch.empty(count, 4, side, side, dtype=torch.float16)
    cells = torch.empty(count, GROUPS, side, side, dtype=torch.uint8)
    ids = np.empty((count, variants, LENGTH), np.int16)
    groups = np.empty((count, variants, LENGTH), np.uint8)
    table, rng = groups_of_ids(), np.random.default_rng(0)
    for first in range(0, count, 32):
        part = np.arange(first, min(first + 32, count))
        x = scenes.pixels(part, None, rng)
        x = x.to(vae.device, torch.bfloat16, memory_format=torch.channels_last)
        latents[part] = (
            vae.encode(x).latent_dist.mode().to("cpu", torch.float16) * vae.config.scaling_factor
        )
        of_pixel = table[scenes.ids[part]].reshape(len(part), side, 8, side, 8)
        for group in range(GROUPS):
            share = (of_pixel == group).mean((2, 4)) * 255
            cells[part, group] = torch.from_numpy(share.astype(np.uint8))
        for number in part:
            scene = scenes.scenes[number]
            for at, caption in enumerate([scene["caption"], *scene["captions"]]):
                ids[number, at], groups[number, at] = captions.encode(caption, scene)
    groups[groups == NONE] = GROUPS
    return {
        "latents": latents,
        "cells": cells,
        "ids": torch.from_numpy(ids),
        "token_groups": torch.from_numpy(groups),
    }
