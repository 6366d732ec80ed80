"""Trains the small CLIP pair; its text tower is where the sketch model's text encoder starts.

The contrastive loss is joined by plain classification heads (thrown away afterwards) that read
setting, light and each person's attributes off both towers: from a few thousand batches of
captions a contrastive loss alone does not learn whose top is red.
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
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer


def build(tokenizer: CLIPTokenizer, width: int, layers: int) -> CLIPModel:
    shape = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // 32,
        "projection_dim": width,
        "hidden_act": "quick_gelu",
    }
    text = shape | {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": LENGTH,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = shape | {"image_size": 128, "patch_size": 16}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=width))


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
    """Token ids (n, captions, 77), what images (n, names) and what captions tell."""

    def of(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ids, images, texts = [], [], []
        for number in part:
            scene = scenes.scenes[number]
            every = [scene["caption"], *scene["captions"]]
            ids.append([captions.encode(caption, scene)[0] for caption in every])
            images.append(row(attributes.of_image(scene)))
            texts.append([row(attributes.of_caption(scene, caption)) for caption in every])
        return np.array(ids, np.int16), np.array(images, np.int16), np.array(texts, np.int16)

    def row(told: dict[str, int]) -> list[int]:
        return [told.get(name, UNKNOWN) for name in names]

    return [np.concatenate(t) for t in zip(*by_chunks(of, len(scenes), workers), strict=True)]


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument(
        "--batch", type=int, default=64, help="images; each comes with two captions"
    )
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument(
        "--text-only", action="store_true", help="captions alone, before there are pictures"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    sets = open_all(args.data)
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)
    captions = Captions(tokenizer)
    attributes = Attributes.of([scene for scenes in sets for scene in scenes.scenes])
    dtype = precision(args.device)
    clip = build(tokenizer, args.width, args.layers).to(args.device, dtype)
    text_heads = Heads(args.width, attributes).to(args.device, dtype)
    image_heads = Heads(args.width, attributes).to(args.device, dtype)
    names = text_heads.names
    workers = 1 if args.device == "cpu" else len(os.sched_getaffinity(0))
    tables = [table(scenes, captions, attributes, names, workers) for scenes in sets]
    modules = {"clip": clip, "text_heads": text_heads, "image_heads": image_heads}
    master = Master(modules, ema=0.998)
    run = Run(args.out, args.minutes, args.cooldown, args.rate)
    resume(args.out / "checkpoint.pt", master, run)
    rng = np.random.default_rng(args.seed + run.step)
    for _ in run.steps():
        at = rng.integers(len(sets))
        scenes, (every_id, of_image, of_text) = sets[at], tables[at]
        index = rng.integers(0, len(scenes) - held_out(len(scenes)), args.batch)
        # Two different captions of each, the complete one in their place a quarter of the time.
        picks = rng.random((len(index), every_id.shape[1] - 1)).argsort(1)[:, :2] + 1
        picks[rng.random(picks.shape) < 0.25] = 0
        ids = torch.from_numpy(every_id[index[:, None], picks].reshape(-1, LENGTH)).long()
        ids = ids[:, : int((ids != tokenizer.eos_token_id).sum(1).max()) + 1]
        text_told = torch.from_numpy(of_text[index[:, None], picks]).long().flatten(0, 1)
        text_told = text_told.to(args.device)
        image_told = torch.from_numpy(of_image[index]).long().to(args.device)
        text_state = clip.text_model(input_ids=ids.to(args.device)).pooler_output
        text_loss, text_right = text_heads(text_state, text_told)
        if args.text_only:
            (2 * text_loss).backward()
            master.step(run.learning_rate())
            run.log(text=text_right)
            run.save_if_due(master)
            continue
        pixels = scenes.pixels(index, None, rng, args.device).to(dtype)
        image_state = clip.vision_model(pixel_values=pixels).pooler_output
        text = nn.functional.normalize(clip.text_projection(text_state).float(), dim=1)
        image = nn.functional.normalize(clip.visual_projection(image_state).float(), dim=1)
        scores = clip.logit_scale.float().exp().clamp(max=100) * text @ image.T  # (2n, n)
        owner = torch.arange(len(index), device=args.device).repeat_interleave(2)
        by_image = torch.log_softmax(scores.T, 1)[
            owner, torch.arange(2 * len(index), device=args.device)
        ]
        contrast = 0.5 * (cross_entropy(scores, owner) - by_image.mean())
        image_loss, image_right = image_heads(image_state, image_told)
        (contrast + 2 * text_loss + image_loss).backward()
        master.step(run.learning_rate())
        found = (scores.argmax(1) == owner).float().mean()
        run.log(contrast=contrast, found=found, text=text_right, image=image_right)
        run.save_if_due(master)
    save(args.out / "checkpoint.pt", master, run.step)
    clip.float()
    for key, value in master.ema.items():
        if key.startswith("clip."):
            master.weights[key].data = value.clone()
    clip.save_pretrained(args.out / "clip")
    tokenizer.save_pretrained(args.out / "clip")
    print(f"exported after {run.step} steps", flush=True)


if __name__ == "__main__":
    main()
