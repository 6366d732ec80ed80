"""Trains the text tower of the CLIP pair, where the sketch model's text encoder starts.

Plain classification heads (thrown away afterwards) read setting, light and each person's attributes
off it: from a few thousand batches of captions a contrastive loss does not learn whose top is red.
It needs no pictures. `clip.py` trains the image tower against what has become of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from attributes import UNKNOWN, Attributes
from captions import LENGTH, Captions
from data import Scenes, by_chunks, held_out, open_all
from optimizer import Master
from progress import Run, arguments, precision, resume, save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer


def build(tokenizer: CLIPTokenizer, width: int, layers: int) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=layers,
            num_attention_heads=width // 32,
            projection_dim=width,
            hidden_act="quick_gelu",
            vocab_size=len(tokenizer),
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class Heads(nn.Module):
    def __init__(self, width: int, attributes: Attributes) -> None:
        super().__init__()
        self.names = [n for n, v in attributes.values.items() if len(v) > 1]
        sizes = [len(attributes.values[n]) for n in self.names]
        self.sizes = sizes
        self.read = nn.Linear(width, sum(sizes))

    def forward(self, state: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross entropy over what is known, and the share that is right."""
        losses, right = [], []
        for part, label in zip(
            self.read(state).float().split(self.sizes, 1), labels.T, strict=True
        ):
            known = (label != UNKNOWN).sum().clamp(min=1)
            loss = cross_entropy(part, label, ignore_index=UNKNOWN, reduction="sum")
            losses.append(loss / known)
            right.append((part.argmax(1) == label).sum())
        known = (labels != UNKNOWN).sum().clamp(min=1)
        return torch.stack(losses).mean(), torch.stack(right).sum() / known


def table(
    scenes: Scenes, captions: Captions, attributes: Attributes, names: list[str], workers: int
) -> list[np.ndarray]:
    """Token ids (n, captions, 77) and what captions tell (n, captions, names)."""

    def of(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ids, texts = [], []
        for number in part:
            scene = scenes.scenes[number]
            every = [scene["caption"], *scene["captions"]]
            ids.append([captions.encode(caption, scene)[0] for caption in every])
            texts.append([row(attributes.of_caption(scene, caption)) for caption in every])
        return np.array(ids, np.int16), np.array(texts, np.int16)

    def row(told: dict[str, int]) -> list[int]:
        return [told.get(name, UNKNOWN) for name in names]

    return [np.concatenate(t) for t in zip(*by_chunks(of, len(scenes), workers), strict=True)]


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64, help="scenes, with two captions each")
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    sets = open_all(args.data)
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)
    captions = Captions(tokenizer)
    attributes = Attributes.of([scene for scenes in sets for scene in scenes.scenes])
    dtype = precision(args.device)
    tower = build(tokenizer, args.width, args.layers).to(args.device, dtype)
    heads = Heads(args.width, attributes).to(args.device, dtype)
    workers = 1 if args.device == "cpu" else len(os.sched_getaffinity(0))
    tables = [table(scenes, captions, attributes, heads.names, workers) for scenes in sets]
    master = Master({"tower": tower, "heads": heads}, ema=0.998)
    run = Run(args.out, args.minutes, args.cooldown, args.rate)
    resume(args.out / "checkpoint.pt", master, run)
    rng = np.random.default_rng(args.seed + run.step)
    for _ in run.steps():
        at = rng.integers(len(sets))
        every_id, of_text = tables[at]
        index = rng.integers(0, len(sets[at]) - held_out(len(sets[at])), args.batch)
        # Two different captions of each, the complete one in their place a quarter of the time.
        picks = rng.random((len(index), every_id.shape[1] - 1)).argsort(1)[:, :2] + 1
        picks[rng.random(picks.shape) < 0.25] = 0
        ids = shortened(every_id[index[:, None], picks], tokenizer.eos_token_id)
        told = torch.from_numpy(of_text[index[:, None], picks]).long().flatten(0, 1)
        state = tower(input_ids=ids.to(args.device)).pooler_output
        loss, right = heads(state, told.to(args.device))
        loss.backward()
        master.step(run.learning_rate())
        run.log(right=right)
        run.save_if_due(master)
    save(args.out / "checkpoint.pt", master, run.step)
    tower.float()
    for key, value in master.ema.items():
        if key.startswith("tower."):
            master.weights[key].data = value.clone()
    tower.save_pretrained(args.out / "text_encoder")
    tokenizer.save_pretrained(args.out / "text_encoder")
    print(f"exported after {run.step} steps", flush=True)


def shortened(ids: np.ndarray, end: int) -> Tensor:
    """Captions of 77 ids as rows no longer than the longest needs."""
    rows = torch.from_numpy(ids.reshape(-1, LENGTH)).long()
    return rows[:, : int((rows != end).sum(1).max()) + 1]


if __name__ == "__main__":
    main()
