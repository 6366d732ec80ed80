"""Latents, captions and regions of a dataset, encoded once and kept on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from captions import GROUPS, LENGTH, NONE, Captions, groups_of_ids
from data import Scenes, by_chunks
from diffusers import AutoencoderKL
from group_norm import fuse_norms
from progress import precision
from torch import Tensor


@dataclass
class Batch:
    latents: Tensor  # (n, 4, s, s)
    ids: Tensor  # (n, 77) token ids
    token_groups: Tensor  # (n, 77, groups) 1 where a token speaks of a group
    cells: Tensor  # (n, groups, s, s) share of each cell's pixels that belongs to a group
    index: np.ndarray


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
        if vae.device.type != "cpu":  # 6 KB a scene: all of it fits, and a step copies nothing
            self.kept = {name: part.to(vae.device) for name, part in self.kept.items()}
        people = np.array([len(scene["people"]) for scene in scenes.scenes[: len(self)]])
        self.by_people = {n: np.flatnonzero(people == n) for n in (0, 1, 2)}

    def __len__(self) -> int:
        return len(self.kept["ids"])

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> Batch:
        device = self.kept["ids"].device
        rows = torch.from_numpy(index).to(device)
        pick = torch.from_numpy(rng.integers(0, self.kept["ids"].shape[1], len(index))).to(device)
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
    dtype = precision(vae.device.type)
    vae = vae.to(dtype=dtype, memory_format=torch.channels_last)
    fuse_norms(vae)
    side = scenes.images.shape[1] // 8
    latents = torch.empty(count, 4, side, side, dtype=torch.float16)
    rng = np.random.default_rng(0)
    many = 32 if vae.device.type == "cpu" else 256
    for first in range(0, count, many):
        part = np.arange(first, min(first + many, count))
        x = scenes.pixels(part, None, rng, vae.device.type)
        x = x.to(dtype, memory_format=torch.channels_last)
        latents[part] = (
            vae.encode(x).latent_dist.mode().to("cpu", torch.float16) * vae.config.scaling_factor
        )
    workers = 1 if vae.device.type == "cpu" else len(os.sched_getaffinity(0))
    tables = by_chunks(lambda part: told(scenes, captions, part), count, workers)
    cells, ids, groups = (torch.from_numpy(np.concatenate(t)) for t in zip(*tables, strict=True))
    return {"latents": latents, "cells": cells, "ids": ids, "token_groups": groups}


def told(scenes: Scenes, captions: Captions, part: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of some scenes: group shares of cells, token ids of captions, groups of tokens."""
    side = scenes.images.shape[1] // 8
    of_pixel = groups_of_ids()[scenes.ids[part]].reshape(len(part), side, 8, side, 8)
    shares = [((of_pixel == group).mean((2, 4)) * 255).astype(np.uint8) for group in range(GROUPS)]
    variants = 1 + len(scenes.scenes[0]["captions"])
    ids = np.empty((len(part), variants, LENGTH), np.int16)
    groups = np.empty((len(part), variants, LENGTH), np.uint8)
    for row, number in enumerate(part):
        scene = scenes.scenes[number]
        for at, caption in enumerate([scene["caption"], *scene["captions"]]):
            ids[row, at], groups[row, at] = captions.encode(caption, scene)
    groups[groups == NONE] = GROUPS
    return np.stack(shares, 1), ids, groups
