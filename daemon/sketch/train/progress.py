"""A training run's clock, learning rate, log line and checkpoint."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from optimizer import Master
from torch import Tensor


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that every training script takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="dataset folders")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument(
        "--cooldown", type=float, default=0.3, help="share of the time in which the rate falls to 0"
    )
    pace(parser, minutes=60)
    return parser


def pace(parser: argparse.ArgumentParser, minutes: float) -> None:
    """How long to train this time, and where."""
    parser.add_argument(
        "--minutes", type=float, default=minutes, help="how long to train this time"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda where there is one")
    parser.add_argument("--seed", type=int, default=0)


def precision(device: str) -> torch.dtype:
    """bfloat16, unless this processor is quicker in float32.

    It is where bfloat16 is emulated, then by a factor of 30, and also on some processors that have
    instructions for it.
    """
    if device != "cpu":
        return torch.bfloat16
    return min((torch.float32, torch.bfloat16), key=_seconds_of_convolution)


@torch.inference_mode(False)  # whoever asks may be about to encode, and need no gradients
@torch.enable_grad()
def _seconds_of_convolution(dtype: torch.dtype) -> float:
    """The least time that a convolution like the UNet's takes, forward and backward."""
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(dtype, memory_format=torch.channels_last)
    x = torch.randn(8, 64, 16, 16, dtype=dtype).to(memory_format=torch.channels_last)
    times = []
    for _ in range(5):
        started = time.process_time()
        layer(x.requires_grad_()).sum().backward()
        times.append(time.process_time() - started)
    return min(times)


@dataclass
class Run:
    """Counts steps until the time is over; saves now and then; resumes where it stopped."""

    out: Path
    minutes: float
    cooldown: float
    rate: float
    warmup: int = 100
    save_every: float = 300
    started: float = field(default_factory=time.time)
    saved: float = field(default_factory=time.time)
    losses: dict[str, list[float | Tensor]] = field(default_factory=dict)
    step: int = 0
    kept: bool = False

    def steps(self) -> Iterator[int]:
        while self.share() < 1:
            yield self.step
            self.step += 1

    def share(self) -> float:
        """The part of this session's time that is over."""
        return (time.time() - self.started) / (60 * self.minutes)

    def learning_rate(self) -> float:
        fall = 1 if self.cooldown <= 0 else min(1.0, (1 - self.share()) / self.cooldown)
        return self.rate * min(1.0, (self.step + 1) / self.warmup) * max(0.0, fall)

    def log(self, every: int = 50, **values: float | Tensor) -> None:
        """Prints means now and then; only then are tensors read, so that no step waits for them."""
        for name, value in values.items():
            self.losses.setdefault(name, []).append(
                value.detach() if isinstance(value, Tensor) else value
            )
        if (self.step + 1) % every == 0:
            means = " ".join(f"{k} {float(sum(v)) / len(v):.4f}" for k, v in self.losses.items())
            print(f"step {self.step + 1} {time.time() - self.started:.0f}s {means}", flush=True)
            self.losses.clear()

    def save_if_due(self, master: Master, **extra: object) -> bool:
        if self.cooldown > 0 and not self.kept and self.share() > 1 - self.cooldown:
            # What a later run goes on from: the weights before the rate begins to fall.
            self.kept = True
            save(self.out / "before-cooldown.pt", master, self.step, **extra)
        if time.time() - self.saved < self.save_every:
            return False
        self.saved = time.time()
        save(self.out / "checkpoint.pt", master, self.step, **extra)
        return True


def save(path: Path, master: Master, step: int, **extra: object) -> None:
    """Writes beside the old checkpoint, then renames: a stop in between harms nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"run_step": step, **master.state(), **extra}, partial)
    os.replace(partial, path)


def resume(path: Path, master: Master, run: Run) -> dict | None:
    if not path.exists():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)
    master.load_state(state)
    run.step = state["run_step"]
    print(f"resumed {path} at step {run.step}", flush=True)
    return state
