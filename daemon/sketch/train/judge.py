"""Trains and applies the judge: a classifier that names what a frame of the world shows.

It learns from real renders alone and measures generated frames; it never takes part in training
the generator. With `--vae` a part of the renders has gone through the autoencoder, as all that a
generator draws has: else the judge is told less by a frame than there is in it. `evaluate.py` asks
it; README.md has figures.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from data import Scenes
from diffusers import AutoencoderKL
from progress import pace, precision
from safetensors.torch import load_file
from sums import write_half, write_sums
from torch import Tensor, nn

SHOTS = (
    "extreme-close-up",
    "close-up",
    "medium-close-up",
    "medium-shot",
    "american-shot",
    "full-shot",
    "long-shot",
    "extreme-long-shot",
    "detail-shot",
)
SETTINGS = (
    "kitchen with cookies",
    "bench on a neighbourhood street",
    "bus stop",
    "bus interior",
    "abandoned house",
    "bedroom",
    "dusty library",
    "city street",
    "forest",
    "park",
    "beach",
    "office",
    "corridor",
    "living room",
)
LIGHTS = ("soft daylight", "golden sunset light", "low light", "night light")
COLOURS = (
    "red",
    "blue",
    "green",
    "yellow",
    "white",
    "black",
    "purple",
    "orange",
    "grey",
    "brown",
)
HAIR = ("black", "brown", "blond", "red", "white")
HIDDEN = "not visible"
IGNORE = -100

# What a frame as a whole is asked, and what each of two people is asked, with the answers.
FRAME_QUESTIONS: dict[str, tuple[str, ...]] = {
    "shot": SHOTS,
    "setting": SETTINGS,
    "light": LIGHTS,
    "people": ("0", "1", "2"),
    "position": ("left", "centre", "right"),
}
PERSON_QUESTIONS: dict[str, tuple[str, ...]] = {
    "class": ("man", "woman"),
    "hair": (*HAIR, HIDDEN),
    "top": (*COLOURS, HIDDEN),
    "trousers": (*COLOURS, HIDDEN),
}
QUESTIONS: dict[str, tuple[str, ...]] = FRAME_QUESTIONS | {
    f"{side}.{name}": answers
    for side in ("first", "second")
    for name, answers in PERSON_QUESTIONS.items()
}

# Of a 128² frame: fewer pixels than the first are not visible, more than the second are, and
# between the two a person would not agree with another either, so nothing is asked.
BARELY, CLEARLY = 10, 40


def visibility(pixels: int, size: int) -> bool | None:
    """Whether a part of so many pixels counts as visible; None where opinions would differ."""
    scaled = pixels * (128 / size) ** 2
    if scaled < BARELY:
        return False
    return True if scaled >= CLEARLY else None


def answers(scene: dict[str, Any], size: int) -> dict[str, str | None]:
    """The true answer to every question about a scene; None where it is not asked."""
    people = sorted(scene["people"], key=lambda p: (p.get("box") or [0])[0])
    truth: dict[str, str | None] = dict.fromkeys(QUESTIONS)
    truth |= {
        "shot": scene["shot"],
        "setting": scene["setting"],
        "light": scene["light"],
        "people": str(len(people)),
    }
    if len(people) == 1:
        truth["position"] = people[0]["position"]
    for side, person in zip(("first", "second"), people):
        truth[f"{side}.class"] = person["class"]
        for part in ("hair", "top", "trousers"):
            seen = visibility(person["visible"].get(part, 0), size)
            if seen is not None:
                truth[f"{side}.{part}"] = person[part] if seen else HIDDEN
    return truth


class Block(nn.Module):
    """A residual block of two 3×3 convolutions."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outside) for _ in range(2))
        self.skip = nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(y)) + self.skip(x))


class Eye(nn.Module):
    """Convolutions to a 16×16 map (of 128² pixels), then attention queries that look at it."""

    def __init__(self, queries: int, width: int = 24) -> None:
        super().__init__()
        w = width
        self.stem = nn.Conv2d(3, w, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(w)
        self.blocks = nn.Sequential(
            Block(w, 2 * w, 2),
            Block(2 * w, 4 * w, 2),
            Block(4 * w, 4 * w, 1),
            Block(4 * w, 6 * w, 1),
        )
        self.dim = dim = 6 * w
        self.context = Block(dim, dim, 2)
        self.position = nn.Parameter(torch.randn(1, dim, 16, 16) * 0.02)
        self.queries = nn.Parameter(torch.randn(queries, dim) * 0.02)
        self.keys = nn.Conv2d(dim, dim, 1)
        self.values = nn.Conv2d(dim, dim, 1)

    def look(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """What each query sees (batch, queries, dim), and the mean of all cells (batch, dim).

        Pixels are (batch, 3, 128, 128) in -1..1.
        """
        x = self.blocks(F.relu(self.stem_norm(self.stem(pixels))))
        whole = self.context(x)
        x = x + F.interpolate(whole, scale_factor=2.0) + self.position
        keys, values = self.keys(x).flatten(2), self.values(x).flatten(2)
        weights = (self.queries @ keys / keys.shape[1] ** 0.5).softmax(-1)
        return weights @ values.transpose(1, 2), whole.mean((2, 3))


class Judge(Eye):
    """One query a question."""

    def __init__(self) -> None:
        super().__init__(len(QUESTIONS))
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * self.dim, 128), nn.ReLU(), nn.Linear(128, len(a)))
            for a in QUESTIONS.values()
        )

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Logits a question for pixels of shape (batch, 3, 128, 128) in -1..1."""
        seen, mean = self.look(pixels)
        features = torch.cat([seen, mean[:, None].expand_as(seen)], -1)
        return [head(features[:, i]) for i, head in enumerate(self.heads)]


@dataclass
class Examples:
    """Pixels and, a column a question, the index of the true answer."""

    data: Scenes
    labels: Tensor
    # The first frames as an autoencoder gives them back: bytes, as in `data.images`.
    decoded: np.ndarray | None = None

    @classmethod
    def load(cls, folder: Path) -> Examples:
        data = Scenes.open(folder)
        rows = []
        for scene in data.scenes:
            truth = answers(scene, data.images.shape[1])
            rows.append(
                [
                    IGNORE if truth[name] is None else options.index(truth[name])
                    for name, options in QUESTIONS.items()
                ]
            )
        return cls(data, torch.tensor(rows))

    def pixels(self, index: np.ndarray, device: str) -> Tensor:
        return prepare(self.data.pixels(index, None, np.random.default_rng(0), device))

    def mixed(self, index: np.ndarray, device: str) -> Tensor:
        """As `pixels`; of the frames that an autoencoder gave back every second one as it did."""
        pixels = self.pixels(index, device)
        if self.decoded is not None:
            rows = np.flatnonzero((index < len(self.decoded)) & (np.arange(len(index)) % 2 == 0))
            given = torch.from_numpy(self.decoded[index[rows]]).to(device).permute(0, 3, 1, 2)
            pixels[torch.from_numpy(rows).to(device)] = prepare(given.float() / 127.5 - 1)
        return pixels


@torch.inference_mode()
def through(vae: AutoencoderKL, data: Scenes, count: int, device: str, path: Path) -> np.ndarray:
    """The first frames as an autoencoder gives them back; kept in a .npy file."""
    if not path.exists():
        vae = vae.to(device, memory_format=torch.channels_last)
        frames = []
        for index in np.array_split(np.arange(count), -(-count // 32)):
            x = data.pixels(index, None, np.random.default_rng(0), device)
            x = x.contiguous(memory_format=torch.channels_last)
            y = vae.decode(vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
            frames.append(((y + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy())
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, np.concatenate(frames))
        partial.rename(path)
    return np.load(path, mmap_mode="r")


def prepare(x: Tensor) -> Tensor:
    """Pixels (batch, 3, height, width) in -1..1, at the size that the judge wants."""
    if x.shape[-1] != 128:
        x = F.interpolate(x, (128, 128), mode="area")
    return x.contiguous(memory_format=torch.channels_last)


def roughen(x: Tensor, random: torch.Generator) -> Tensor:
    """What a generator does to a picture besides its content: softness, grain, a drift of tone."""
    small = F.interpolate(x, scale_factor=0.5, mode="area")
    soft = F.interpolate(small, scale_factor=2.0, mode="bilinear")
    draw = torch.rand(5, len(x), 1, 1, 1, generator=random, device=x.device)
    x = torch.lerp(x, soft, (draw[0] * 1.6 - 0.6).clamp(0, 1))
    x = x + torch.randn(x.shape, generator=random, device=x.device) * 0.08 * (
        draw[1] * 2 - 1
    ).clamp(0)
    x = x * (0.92 + 0.16 * draw[2]) + 0.1 * (draw[3] - 0.5)
    return x.clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def accuracy(model: Judge, examples: Examples, batch: int = 200) -> dict[str, float]:
    """The share of right answers a question, over the examples that ask it."""
    model.eval()
    device = model.queries.device.type
    right, asked = torch.zeros(len(QUESTIONS)), torch.zeros(len(QUESTIONS))
    with torch.inference_mode():
        for start in range(0, len(examples.labels), batch):
            index = np.arange(start, min(start + batch, len(examples.labels)))
            truth = examples.labels[index]
            guess = torch.stack([o.argmax(1) for o in model(examples.pixels(index, device))], 1)
            right += ((guess.cpu() == truth) & (truth != IGNORE)).sum(0)
            asked += (truth != IGNORE).sum(0)
    model.train()
    return dict(zip(QUESTIONS, (right / asked.clamp(min=1)).tolist()))


def train(options: argparse.Namespace) -> None:
    """Trains until the minutes are over, from the checkpoint where there is one."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device, dtype = options.device, precision(options.device)
    examples, held_out = Examples.load(options.data), Examples.load(options.held_out)
    if options.vae:
        vae = AutoencoderKL.from_pretrained(options.vae, torch_dtype=torch.float32)
        count = min(options.decoded, len(examples.data))
        path = options.out / "decoded.npy"
        examples.decoded = through(vae, examples.data, count, device, path)
    labels = examples.labels.to(device)
    model = load(options.start).train() if options.start else Judge()
    model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.02)
    path = options.out / "judge.pt"
    done = 0
    if path.exists():
        saved = torch.load(path, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        done = saved["samples"]
    random = torch.Generator(device).manual_seed(options.seed + done)
    picks = np.random.default_rng(options.seed + done)
    start = saved_at = time.time()
    count, total = 0, 0.0
    while (elapsed := time.time() - start) < options.minutes * 60:
        left = 1 - elapsed / (options.minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1, (count + 1) / 100) * max(0.01, min(1, left / 0.6))
        index = np.sort(picks.integers(0, len(examples.labels), options.batch))
        x = roughen(examples.mixed(index, device), random)
        truth = labels[torch.from_numpy(index).to(device)]
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            logits = model(x)
        # A question that nothing in the batch asks adds nothing.
        losses = [
            F.cross_entropy(o.float(), truth[:, i], ignore_index=IGNORE, reduction="sum")
            / (truth[:, i] != IGNORE).sum().clamp(min=1)
            for i, o in enumerate(logits)
        ]
        loss = torch.stack(losses).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        count += 1
        done += options.batch
        total += loss.item() / len(QUESTIONS)
        if count % 50 == 0:
            print(f"{elapsed:6.0f} s  {done} samples  loss {total / 50:.4f}", flush=True)
            total = 0.0
        if time.time() - saved_at > 180:
            save(path, model, optimizer, done)
            saved_at = time.time()
    save(path, model, optimizer, done)
    figures = accuracy(model, held_out)
    (options.out / "accuracy.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def save(path: Path, model: Judge, optimizer: torch.optim.Optimizer, samples: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "samples": samples}
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load(path: Path) -> Judge:
    """A trained judge, ready to be asked: a checkpoint, or a folder that `export` wrote."""
    model = Judge()
    if path.is_dir():
        state = {k: v.float() for k, v in load_file(path / "model.safetensors").items()}
        model.load_state_dict(state, strict=False)  # leaves out how many batches a norm has seen
    else:
        model.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["model"])
    return model.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def judge(model: Judge, images: np.ndarray) -> list[dict[str, str]]:
    """What the judge sees in frames of bytes (count, height, width, 3)."""
    seen: list[dict[str, str]] = []
    device = model.queries.device
    for start in range(0, len(images), 200):
        x = torch.from_numpy(images[start : start + 200]).to(device)
        logits = model(prepare(x.permute(0, 3, 1, 2).float() / 127.5 - 1))
        guesses = torch.stack([o.argmax(1) for o in logits], 1).tolist()
        for row in guesses:
            pairs = zip(QUESTIONS.items(), row)
            seen.append({name: options[answer] for (name, options), answer in pairs})
    return seen


def report(
    seen: list[dict[str, str]], scenes: list[dict[str, Any]], captions: list[str] | None = None
) -> dict[str, list[bool]]:
    """Which generated frames show what their captions ask for: by question, an entry a case.

    Only what the caption says is asked (all of the scene where there are no captions). A colour
    counts where the judge sees the part at all: the caption does not fix the framing. With two
    people, left and right are right when the judge's left person has the left one's top colour,
    class or hair, whichever tells the two apart.
    """
    right: dict[str, list[bool]] = {}

    def add(name: str, correct: bool) -> None:
        right.setdefault(name, []).append(correct)

    for number, (saw, scene) in enumerate(zip(seen, scenes, strict=True)):
        caption = captions[number] if captions else None

        def said(phrase: str, caption: str | None = caption) -> bool:
            return caption is None or phrase in caption

        people = sorted(scene["people"], key=lambda p: (p.get("box") or [0])[0])
        if said(scene["setting"]):
            add("setting", saw["setting"] == scene["setting"])
        if said(scene["light"]):
            add("light", saw["light"] == scene["light"])
        add("people", saw["people"] == str(len(people)))
        if saw["people"] != str(len(people)):
            continue
        if len(people) == 1 and said(f"the {people[0]['position']}"):
            add("position", saw["position"] == people[0]["position"])
        for side, person in zip(("first", "second"), people):
            if said(person["class"]):
                add("class", saw[f"{side}.class"] == person["class"])
            for part in ("hair", "top", "trousers"):
                if saw[f"{side}.{part}"] != HIDDEN and said(f"{person[part]} {part}"):
                    add(part, saw[f"{side}.{part}"] == person[part])
        if len(people) == 2:
            for part in ("top", "class", "hair"):
                asked = [p[part] for p in people]
                found = [saw[f"first.{part}"], saw[f"second.{part}"]]
                # Only frames in which both are there, in one order or the other, can tell.
                if asked[0] != asked[1] and sorted(found) == sorted(asked):
                    add("left/right", found == asked)
                    break
    return right


def export(options: argparse.Namespace) -> None:
    """Writes model.safetensors (f16), the held-out accuracy, and SUMS with the BLAKE3 of both."""
    state = load(options.judge / "judge.pt").state_dict()
    write_half(state, options.to)
    model = load(options.to)  # what is measured is what is stored
    figures = accuracy(model, Examples.load(options.held_out))
    (options.to / "accuracy.json").write_text(json.dumps(figures, indent=1) + "\n")
    write_sums(options.to)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    trainer = commands.add_parser("train", help="train on one set of renders, test on another")
    trainer.add_argument("--data", type=Path, required=True)
    trainer.add_argument("--held-out", type=Path, required=True)
    trainer.add_argument("--out", type=Path, required=True)
    trainer.add_argument("--start", type=Path, help="go on from this exported judge")
    trainer.add_argument("--vae", type=Path, help="autoencoder that frames go through, too")
    trainer.add_argument("--decoded", type=int, default=20000, help="how many of the first ones")
    trainer.add_argument("--batch", type=int, default=64)
    trainer.add_argument("--rate", type=float, default=1.5e-3)
    pace(trainer, minutes=30)
    trainer.set_defaults(run=train)
    exporter = commands.add_parser("export", help="write the judge in float16, and measure it")
    exporter.add_argument("--judge", type=Path, required=True, help="folder of judge.pt")
    exporter.add_argument("--held-out", type=Path, required=True)
    exporter.add_argument("--to", type=Path, required=True)
    exporter.set_defaults(run=export)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
