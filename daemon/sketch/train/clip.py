"""CLIP's image tower for the sketch world, beside the model's own text encoder, and its scores.

    python clip.py train --model ../weights/sketch --data u128 --out clip --minutes 30
    python clip.py export --clip clip --to ../weights/clip --model ../weights/sketch --data held-out
    python clip.py score --clip ../weights/clip --model ../weights/sketch --data held-out \\
        --frames engine.npy

The tower has the convolutional form of the paper (Radford et al. 2021): a residual network whose
cells are pooled by attention. The text tower stays as it is: the text encoder of the model, which
was trained first. What is learned is where a frame lies among captions: a contrastive loss, joined
by heads (thrown away afterwards) that read the scene's attributes off the tower. The judge takes no
part. A score is CLIPScore (Hessel et al. 2021): 2.5 times the cosine of frame and caption, 0 at
least.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from attributes import UNKNOWN, Attributes
from captions import Captions
from data import Scenes, open_all
from judge import COLOURS, HAIR, LIGHTS, SETTINGS, Eye, prepare
from progress import pace, precision
from safetensors.torch import load_file
from sums import write_half, write_sums
from text_tower import Heads, shortened
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

QUERIES = 12
SCALE = 2.5


class Pair(nn.Module):
    """Image tower and both projections; the text tower's states are given."""

    def __init__(self, text_width: int, width: int = 192) -> None:
        super().__init__()
        self.tower = Eye(QUERIES)
        self.seen = self.tower.dim * (QUERIES + 1)
        self.image_projection = nn.Linear(self.seen, width, bias=False)
        self.text_projection = nn.Linear(text_width, width, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.66))

    def images(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Directions of frames, and what they were told from."""
        views, mean = self.tower.look(pixels)
        seen = torch.cat([views.flatten(1), mean], 1)
        return F.normalize(self.image_projection(seen), dim=1), seen

    def texts(self, states: Tensor) -> Tensor:
        return F.normalize(self.text_projection(states), dim=1)


@dataclass
class TextTower:
    """The text encoder of a model, frozen."""

    network: CLIPTextModel
    captions: Captions

    @classmethod
    def of(cls, model: Path, device: str) -> TextTower:
        network = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32)
        tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
        return cls(network.eval().requires_grad_(False).to(device), Captions(tokenizer))

    @torch.no_grad()
    def states(self, captions: list[str]) -> Tensor:
        """One state a caption: that of its end."""
        nobody = {"people": [], "setting": "", "light": ""}
        ids = np.stack([self.captions.encode(c, nobody)[0] for c in captions]).astype(np.int64)
        rows = shortened(ids, self.captions.end).to(self.network.device)
        return self.network(input_ids=rows).pooler_output


def train(options: argparse.Namespace) -> None:
    """Trains until the minutes are over, from the checkpoint where there is one."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device, dtype = options.device, precision(options.device)
    sets = open_all(options.data)
    text = TextTower.of(options.model, device)
    attributes = Attributes.of([scene for scenes in sets for scene in scenes.scenes])
    pair = Pair(text.network.config.hidden_size).to(device, memory_format=torch.channels_last)
    heads = Heads(pair.seen, attributes).to(device)
    told = [labels(scenes, attributes, heads.names) for scenes in sets]
    trained = [*pair.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=options.rate, weight_decay=0.02)
    path, done = options.out / "clip.pt", 0
    if path.exists():
        saved = torch.load(path, weights_only=True)
        pair.load_state_dict(saved["pair"])
        heads.load_state_dict(saved["heads"])
        optimizer.load_state_dict(saved["optimizer"])
        done = saved["samples"]

    def save() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {"pair": pair.state_dict(), "heads": heads.state_dict()}
        state |= {"optimizer": optimizer.state_dict(), "samples": done}
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    rng = np.random.default_rng(options.seed + done)
    started = saved_at = time.time()
    count, sums = 0, np.zeros(3)
    while (elapsed := time.time() - started) < options.minutes * 60:
        left = 1 - elapsed / (options.minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1, (count + 1) / 100) * max(0.01, min(1, left / 0.6))
        at = rng.integers(len(sets))
        index = rng.integers(0, len(sets[at]), options.batch)
        words = [said(sets[at].scenes[i], rng) for i in index]
        pixels = prepare(sets[at].pixels(index, None, rng, device))
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            images, seen = pair.images(pixels)
        texts = pair.texts(text.states(words))
        scores = pair.logit_scale.exp().clamp(max=100) * texts @ images.float().T
        # The same words may be said of two frames: both are right then.
        same = torch.tensor([[a == b for b in words] for a in words], device=device).float()
        wanted = same / same.sum(1, keepdim=True)
        contrast = 0.5 * (F.cross_entropy(scores, wanted) + F.cross_entropy(scores.T, wanted))
        loss, right = heads(seen.float(), torch.from_numpy(told[at][index]).long().to(device))
        optimizer.zero_grad()
        (contrast + loss).backward()
        nn.utils.clip_grad_norm_(trained, 5.0)
        optimizer.step()
        count += 1
        done += options.batch
        found = (scores.argmax(1) == torch.arange(len(words), device=device)).float().mean()
        sums += [contrast.item(), found.item(), right.item()]
        if count % 50 == 0:
            contrast_, found_, right_ = sums / 50
            print(
                f"{elapsed:6.0f} s  {done} samples  contrast {contrast_:.3f}  "
                f"found {found_:.2f}  attributes {right_:.2f}",
                flush=True,
            )
            sums[:] = 0
        if time.time() - saved_at > 180:
            save()
            saved_at = time.time()
    save()


def labels(scenes: Scenes, attributes: Attributes, names: list[str]) -> np.ndarray:
    """What can be told from each frame, a column an attribute."""
    every = [attributes.of_image(scene) for scene in scenes.scenes]
    return np.array([[of.get(name, UNKNOWN) for name in names] for of in every], np.int16)


def said(scene: dict, rng: np.random.Generator) -> str:
    """One of a scene's captions."""
    every = [scene["caption"], *scene.get("captions", [])]
    return every[rng.integers(len(every))]


def load(folder: Path) -> Pair:
    """A trained pair: a folder with a checkpoint, or one that `export` wrote."""
    exported = folder / "model.safetensors"
    if exported.is_file():
        state = {k: v.float() for k, v in load_file(exported).items()}
    else:
        state = torch.load(folder / "clip.pt", weights_only=True, map_location="cpu")["pair"]
    pair = Pair(state["text_projection.weight"].shape[1])
    pair.load_state_dict(state, strict=False)  # leaves out how many batches a norm has seen
    return pair.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def scores(pair: Pair, text: TextTower, frames: np.ndarray, captions: list[str]) -> np.ndarray:
    """CLIPScore of each frame with its own caption; frames are bytes (count, height, width, 3)."""
    return np.maximum(0, SCALE * cosines(pair, text, frames, captions).diagonal())


@torch.inference_mode()
def cosines(pair: Pair, text: TextTower, frames: np.ndarray, captions: list[str]) -> np.ndarray:
    """(frames, captions)"""
    images = [
        pair.images(prepare(torch.from_numpy(part).permute(0, 3, 1, 2).float() / 127.5 - 1))[0]
        for part in np.array_split(np.asarray(frames), -(-len(frames) // 100))
    ]
    states = [text.states(captions[at : at + 100]) for at in range(0, len(captions), 100)]
    return (torch.cat(images) @ pair.texts(torch.cat(states)).T).numpy()


def changed(scene: dict, caption: str, rng: np.random.Generator) -> dict[str, str]:
    """The caption with one thing changed that it says, by what it is."""
    made = {}

    def swap(name: str, old: str, new: str) -> None:
        if old in caption and new != old:
            made[name] = caption.replace(old, new, 1)

    for name, every in (("setting", SETTINGS), ("light", LIGHTS)):
        swap(name, scene[name], rng.choice([v for v in every if v != scene[name]]))
    for person in scene["people"][:1]:
        other = {"man": "woman", "woman": "man"}[person["class"]]
        swap("class", f"a {person['class']} ", f"a {other} ")
        for part, every in (("hair", HAIR), ("top", COLOURS), ("trousers", COLOURS)):
            if person["visible"].get(part, 0) >= 40:
                colour = rng.choice([v for v in every if v != person[part]])
                swap(part, f"{person[part]} {part}", f"{colour} {part}")
        if len(scene["people"]) == 1:
            side = rng.choice([p for p in ("left", "centre", "right") if p != person["position"]])
            swap("position", f"the {person['position']}", f"the {side}")
    return made


def report(pair: Pair, text: TextTower, data: Scenes, frames: np.ndarray) -> dict[str, float]:
    """What a score is worth: how often a frame's own caption has the highest one."""
    scenes = data.scenes[: len(frames)]
    captions = [scene["caption"] for scene in scenes]
    own = scores(pair, text, frames, captions)
    figures = {"mean score": float(own.mean())}
    figures["mean score with the next frame's caption"] = float(
        scores(pair, text, frames, captions[1:] + captions[:1]).mean()
    )
    found = []
    for at in range(0, len(frames) - 99, 100):
        part = cosines(pair, text, frames[at : at + 100], captions[at : at + 100])
        found += (part.argmax(1) == np.arange(100)).tolist()
    if found:
        figures["own caption among 100"] = float(np.mean(found))
    rng = np.random.default_rng(5)
    others: dict[str, list[tuple[int, str]]] = {}
    for number, (scene, caption) in enumerate(zip(scenes, captions, strict=True)):
        for name, words in changed(scene, caption, rng).items():
            others.setdefault(name, []).append((number, words))
    for name, cases in others.items():
        numbers = np.array([number for number, _ in cases])
        other = scores(pair, text, np.asarray(frames)[numbers], [words for _, words in cases])
        figures[f"own caption above one with another {name}"] = float((own[numbers] > other).mean())
    for name, value in figures.items():
        print(f"{name:50} {value:.3f}", flush=True)
    return figures


def export(options: argparse.Namespace) -> None:
    """Writes the pair in float16, what it is worth on held-out renders, and SUMS."""
    state = load(options.clip).state_dict()
    write_half(state, options.to)
    data = Scenes.open(options.data)
    text = TextTower.of(options.model, "cpu")
    figures = report(load(options.to), text, data, data.images)
    (options.to / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    write_sums(options.to)


def score(options: argparse.Namespace) -> None:
    data = Scenes.open(options.data)
    frames = np.load(options.frames) if options.frames else data.images
    report(load(options.clip), TextTower.of(options.model, "cpu"), data, frames)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    trainer = commands.add_parser("train", help="train the image tower and both projections")
    trainer.add_argument("--data", type=Path, nargs="+", required=True)
    trainer.add_argument("--out", type=Path, required=True)
    trainer.add_argument("--batch", type=int, default=64)
    trainer.add_argument("--rate", type=float, default=1.5e-3)
    pace(trainer, minutes=30)
    trainer.set_defaults(run=train)
    exporter = commands.add_parser("export", help="write it in float16, and measure it")
    exporter.add_argument("--to", type=Path, required=True)
    exporter.set_defaults(run=export)
    scorer = commands.add_parser("score", help="score frames, or the renders themselves")
    scorer.add_argument("--frames", type=Path, help="a .npy of (n, h, w, 3) bytes")
    scorer.set_defaults(run=score)
    for command in (exporter, scorer):
        command.add_argument("--clip", type=Path, required=True)
        command.add_argument("--data", type=Path, required=True, help="held-out scenes")
    for command in (trainer, exporter, scorer):
        command.add_argument("--model", type=Path, required=True, help="exported diffusers folder")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
