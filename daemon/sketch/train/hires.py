"""Trains the LoRA of the second pass: what it takes to draw an enlarged frame over.

    framewright-sketch dataset --seed 1303 --count 8000 --size 256 --captions 6 --out h1
    framewright-sketch dataset --seed 1304 --count 8000 --size 256 --captions 6 --out h2
    python hires.py train --model ../weights/sketch --data h1 h2 --out hires --minutes 90 \\
        --start ../weights/loras/sketch-hires.safetensors
    python hires.py export --out hires --to ../weights/loras/sketch-hires.safetensors

A model that knows 128x128 frames repeats its subject at 256x256: sizes and distances, counted in
latents, are not what it learned. Low-rank changes in the convolutions, too, teach it the new size
(as ResAdapter does, Cheng et al. 2024), and they are small enough to ship beside the model. The
layout comes from the first pass, so only the time steps up to `--last` are trained: those that a
strength of 0.8 and less walks through.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.utils.parametrize as parametrize
from captions import Captions
from data import open_all
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from group_norm import fuse_norms
from latents import Batch, Latents
from optimizer import Master
from progress import pace, precision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer
from unet import CAPTION_DROPOUT, INSIDE_PERSONS, SNR_LIMIT, noise_schedule

EMA = 0.995
# Frames without people are rare in the world, and their places hardest to draw: how often each
# of them is taken, where another is taken once.
NOBODY = 3.0


class LowRank(nn.Module):
    """W + B·A, put together before each use: a step costs what it costs without."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        self.shape = weight.shape
        self.a = nn.Parameter(torch.empty(rank, weight[0].numel()))
        self.b = nn.Parameter(torch.zeros(len(weight), rank))
        nn.init.kaiming_uniform_(self.a, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.b @ self.a).view(self.shape)


def adapted(unet: UNet2DConditionModel, rank: int) -> dict[str, LowRank]:
    """Every linear and convolutional layer but the outermost and those of the time, by name."""
    paths = {}
    for name, layer in list(unet.named_modules()):
        inner = name not in ("conv_in", "conv_out") and "time_emb" not in name
        if inner and isinstance(layer, (nn.Linear, nn.Conv2d)):
            paths[name] = LowRank(layer.weight, rank)
            parametrize.register_parametrization(layer, "weight", paths[name])
    return paths


def read(file: Path, paths: dict[str, LowRank]) -> None:
    """What an exported LoRA of no higher rank holds, into those layers."""
    tensors = load_file(file)
    for name, path in paths.items():
        a, b = (tensors[f"unet.{name}.lora_{part}.weight"].flatten(1) for part in "AB")
        path.a.data[: len(a)] = a
        path.b.data[:, : len(a)] = b


class Objective:
    """The loss of a batch, as the UNet's own, over the time steps below a last one."""

    def __init__(self, unet: UNet2DConditionModel, text: CLIPTextModel, empty: Tensor, last: int):
        self.unet, self.text, self.empty, self.last = unet, text, empty, last
        self.schedule = noise_schedule()
        self.kept = self.schedule.alphas_cumprod.to(unet.device)
        self.dtype = precision(unet.device.type)

    def __call__(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        count = len(batch.ids)
        device = batch.latents.device
        dropped = torch.from_numpy(rng.random(count) < CAPTION_DROPOUT).to(device)
        with torch.no_grad():
            ids = torch.where(dropped[:, None], self.empty, batch.ids)
            states = self.text(input_ids=ids).last_hidden_state
        # One time step from each of n equal parts: less variance than n free draws.
        parts = (rng.permutation(count) + rng.random(count)) / count
        times = torch.from_numpy(parts * self.last).long().to(device)
        noise = torch.randn_like(batch.latents)
        noisy = self.schedule.add_noise(batch.latents, noise, times)
        velocity = self.schedule.get_velocity(batch.latents, noise, times)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with torch.autocast(
            self.unet.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        ):
            made = self.unet(noisy, times, states, return_dict=False)[0].float()
        persons = batch.cells[:, 1:].sum(1)
        error = (made - velocity).square().mean(1) * (1 + (INSIDE_PERSONS - 1) * persons)
        kept = self.kept[times]
        snr = kept / (1 - kept).clamp_min(1e-6)
        weight = (snr + 1).clamp(max=SNR_LIMIT) / (snr + 1)
        return (error.mean((1, 2)) * weight).mean() / weight.mean()


def chances_of(scenes: Latents) -> np.ndarray:
    """How probable each frame is to be taken."""
    chances = np.ones(len(scenes))
    chances[scenes.by_people[0]] = NOBODY
    return chances / chances.sum()


def train(options: argparse.Namespace) -> None:
    """Trains until the minutes are over, from the checkpoint where there is one."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = options.model
    captions = Captions(CLIPTokenizer.from_pretrained(model / "tokenizer"))
    vae = AutoencoderKL.from_pretrained(model / "vae").eval().to(options.device)
    sets = [
        Latents(scenes, vae, captions, options.out / "latents" / f"{folder.name}.pt", 10**9)
        for scenes, folder in zip(open_all(options.data), options.data, strict=True)
    ]
    text = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32)
    unet = UNet2DConditionModel.from_pretrained(model / "unet")
    text.requires_grad_(False).to(options.device)
    unet.requires_grad_(False)
    unet.set_attn_processor(AttnProcessor())  # on a CPU quicker than the fused one
    paths = adapted(unet, options.rank)
    if options.start:
        read(options.start, paths)
    unet.to(options.device, memory_format=torch.channels_last)
    fuse_norms(unet)
    optimizer = Master(dict(paths), ema=EMA)
    trained = sum(weight.numel() for weight in optimizer.weights.values())
    print(f"{trained / 1e6:.2f} M parameters are trained", flush=True)
    checkpoint, done = options.out / "hires.pt", 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=options.device)
        optimizer.load_state(saved["optimizer"])
        done = saved["done"]

    def save() -> None:
        shapes = {name: list(path.shape) for name, path in paths.items()}
        state = {"optimizer": optimizer.state(), "shapes": shapes, "done": done}
        options.out.mkdir(parents=True, exist_ok=True)
        torch.save(state, checkpoint.with_suffix(".partial"))
        os.replace(checkpoint.with_suffix(".partial"), checkpoint)

    nobody = {"people": [], "setting": "", "light": ""}
    empty = torch.from_numpy(captions.encode("", nobody)[0].astype(np.int64))
    objective = Objective(unet, text, empty.to(options.device), options.last)
    chances = [chances_of(scenes) for scenes in sets]
    rng = np.random.default_rng(options.seed + done)
    started = saved_at = time.time()
    step, total = 0, 0.0
    while (share := (time.time() - started) / (60 * options.minutes)) < 1:
        rate = options.rate * min(1, (step + 1) / 50) * max(0.005, min(1, (1 - share) / 0.6))
        number = rng.integers(len(sets))
        index = rng.choice(len(sets[number]), options.batch, p=chances[number])
        loss = objective(sets[number].batch(index, rng), rng)
        loss.backward()
        optimizer.step(rate)
        step, done, total = step + 1, done + options.batch, total + loss.item()
        if step % 50 == 0:
            seconds = time.time() - started
            print(f"{seconds:.0f} s  {done} samples  loss {total / 50:.4f}", flush=True)
            total = 0.0
        if time.time() - saved_at > 240:
            save()
            saved_at = time.time()
    save()


def export(options: argparse.Namespace) -> None:
    """One float16 file in PEFT's names, convolutions included; alpha equals rank.

    Trained at a higher rank, each product B·A is cut to the nearest of the rank that is asked for.
    """
    saved = torch.load(options.out / "hires.pt", weights_only=True, map_location="cpu")
    tensors: dict[str, Tensor] = {}
    lost = whole = 0.0
    for name, shape in saved["shapes"].items():
        a, b = (saved["optimizer"]["ema"][f"{name}.{part}"] for part in "ab")
        # The singular values of B·A, found in the small square between two orthogonal bases.
        (left, between), (right, across) = torch.linalg.qr(b), torch.linalg.qr(a.T)
        u, values, v = torch.linalg.svd(between @ across.T)
        rank = min(options.rank, len(values))
        root = values[:rank].sqrt()
        a, b = root[:, None] * (v[:rank] @ right.T), left @ u[:, :rank] * root
        lost += values[rank:].square().sum().item()
        whole += values.square().sum().item()
        kernel = shape[2:]
        tensors[f"unet.{name}.lora_A.weight"] = a.reshape(rank, *shape[1:])
        tensors[f"unet.{name}.lora_B.weight"] = b.reshape(*b.shape, *(1 for _ in kernel))
    half = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
    about = {"base_model": "sketch", "samples": str(saved["done"])}
    save_file(half, options.to, about)
    size = options.to.stat().st_size / 1e6
    print(f"{options.to}: {size:.2f} MB, {len(half)} tensors, {1 - lost / whole:.1%} of the change")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    trainer = commands.add_parser("train", help="train it on frames at the full size")
    trainer.add_argument("--model", type=Path, required=True, help="exported diffusers folder")
    trainer.add_argument("--data", type=Path, nargs="+", required=True, help="dataset folders")
    trainer.add_argument("--start", type=Path, help="begin with this LoRA, a .safetensors file")
    trainer.add_argument("--rank", type=int, default=64)
    trainer.add_argument("--last", type=int, default=800, help="the noisiest time step, of 1000")
    trainer.add_argument("--batch", type=int, default=32)
    trainer.add_argument("--rate", type=float, default=1.5e-3)
    pace(trainer, minutes=66)
    trainer.set_defaults(run=train)
    exporter = commands.add_parser("export", help="write the LoRA in float16")
    exporter.add_argument("--to", type=Path, required=True, help="a .safetensors file")
    exporter.add_argument("--rank", type=int, default=64)
    exporter.set_defaults(run=export)
    for command in (trainer, exporter):
        command.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
