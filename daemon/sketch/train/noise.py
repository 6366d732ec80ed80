"""The engine's noise, so that diffusers draws the same frame from the same seed.

Philox4x32-10 (Salmon et al., SC '11) by seed, and Box-Muller, as in `daemon/engine/src/noise.rs`.
"""

from __future__ import annotations

import numpy as np

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = 0x9E3779B9, 0xBB67AE85
LOW = np.uint64(0xFFFFFFFF)
ROUNDS = 10


def words(seed: int, blocks: int) -> np.ndarray:
    """Four random words of each block of the stream of initial latents: (blocks, 4)."""
    number = np.arange(blocks, dtype=np.uint64)
    zero = np.zeros_like(number)
    state = [number & LOW, number >> np.uint64(32), zero, zero]
    for turn in range(ROUNDS):
        keys = [
            np.uint64(((seed >> 32 * i & 0xFFFFFFFF) + turn * WEYL[i]) & 0xFFFFFFFF) for i in (0, 1)
        ]
        first, second = MULTIPLIERS[0] * state[0], MULTIPLIERS[1] * state[2]
        state = [
            (second >> np.uint64(32)) ^ state[1] ^ keys[0],
            second & LOW,
            (first >> np.uint64(32)) ^ state[3] ^ keys[1],
            first & LOW,
        ]
    return np.stack(state, 1)


def normals(seed: int, count: int) -> np.ndarray:
    """The standard normal numbers that the engine starts a frame from."""
    drawn = words(seed, -(-count // 4)).reshape(-1, 2).astype(np.float64)
    radius = np.sqrt(-2 * np.log((drawn[:, 0] + 1) / 2**32))
    angle = 2 * np.pi * drawn[:, 1] / 2**32
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return pairs.reshape(-1)[:count].astype(np.float32)
