"""Trains the segmenter: a small model of SAM's form (Kirillov et al. 2023) on the world's masks.

A click on a person asks for three masks of different scale: the part, its group (the head, the
clothes) and the whole person; a box asks for the one thing that it surrounds. The scores are the
IoU to expect when a click means a whole thing in most cases, so the whole comes first.

    python segment.py train  --data FOLDER --out FOLDER --minutes 60
    python segment.py report --data FOLDER --out FOLDER  # or a folder that export wrote
    python segment.py export --out FOLDER --to FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from data import Scenes, held_out
from optimizer import Master
from progress import Run, precision, resume, save
from safetensors.torch import load_file, save_file
from sums import write_sums
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import (
    SamConfig,
    SamMaskDecoderConfig,
    SamModel,
    SamPromptEncoderConfig,
    SamVisionConfig,
)

# Masks of 64x64 cells, enlarged, can reach an IoU of 0.98 with persons of 256x256 frames.
IMAGE, PATCH = 128, 8
MASK = IMAGE // PATCH * 4
ENCODER = {
    "hidden_size": 160,
    "output_channels": 128,
    "num_hidden_layers": 6,
    "num_attention_heads": 5,
    "mlp_dim": 480,
    "window_size": 8,
    "global_attn_indexes": [2, 5],
}
DECODER = {
    "hidden_size": 128,
    "mlp_dim": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "iou_head_hidden_dim": 128,
}
MASK_CHANNELS = 8

# What a cell may show: nothing, a part of a person, or a prop.
KINDS = 10

# The parts of a person's id, `1 + 16 * person + part`, that belong together.
HEAD = (0, 1, 6)
CLOTHES = (2, 3, 5)
# How often a click means the part, the group and the whole.
MEANT = (0.15, 0.15, 0.7)
# How often, in a frame of people and props, a person is clicked.
PEOPLE = 0.7
# Weight of the loss of outlines.
OUTLINES = 1.0


def build() -> SamModel:
    """The model, with weights to begin from."""
    model = SamModel(
        SamConfig(
            vision_config=SamVisionConfig(
                image_size=IMAGE,
                patch_size=PATCH,
                num_pos_feats=DECODER["hidden_size"] // 2,
                **ENCODER,
            ),
            prompt_encoder_config=SamPromptEncoderConfig(
                hidden_size=DECODER["hidden_size"],
                image_size=IMAGE,
                patch_size=PATCH,
                mask_input_channels=MASK_CHANNELS,
            ),
            mask_decoder_config=SamMaskDecoderConfig(**DECODER),
        )
    )
    # transformers makes this model to be filled with trained weights: its encoder starts at 1e-10,
    # and its random frequencies are so high that neighbouring pixels have nothing in common.
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                fan_in = module.weight[0].numel()
                if isinstance(module, nn.ConvTranspose2d):
                    fan_in = module.weight.shape[0]
                module.weight.normal_(0, fan_in**-0.5)
            elif isinstance(module, nn.Embedding):
                module.weight.normal_(0, 1)
        model.vision_encoder.pos_embed.normal_(0, 0.02)
        # The prompt encoder has the very same tensor.
        model.shared_image_embedding.positional_embedding.normal_(0, 1)
    return model


def nested(ids: np.ndarray, at: int) -> list[np.ndarray]:
    """The part, the group and the whole that a pixel of id `at` belongs to."""
    if at >= 128:
        return [ids == at] * 3
    person, part = divmod(at - 1, 16)
    first = 1 + 16 * person
    whole = (ids >= first) & (ids < first + 16)
    group = next((g for g in (HEAD, CLOTHES) if part in g), (part,))
    return [ids == at, np.isin(ids, [first + k for k in group]), whole]


# A smaller share of the frame is nobody whom anybody would click.
LEAST_SHARE = 0.01


def surrounding(mask: np.ndarray) -> list[float]:
    ys, xs = np.nonzero(mask)
    return [xs.min(), ys.min(), xs.max() + 1.0, ys.max() + 1.0]


def interior(mask: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel of a mask that is not on its border, where there is one."""
    inner = mask.copy()
    for axis in (0, 1):
        for shift in (-1, 1):
            inner &= np.roll(mask, shift, axis)
    ys, xs = np.nonzero(inner if inner.any() else mask)
    pick = rng.integers(len(ys))
    return int(xs[pick]), int(ys[pick])


def prompts(
    ids: np.ndarray, count: int, boxes: bool, rng: np.random.Generator
) -> tuple[list, list[list[np.ndarray]], list[int]] | None:
    """Clicks or boxes on a frame's things, the three masks each should give, and which is meant."""
    sizes = np.bincount(ids.ravel(), minlength=256)
    # A click on a small person of a long shot meets parts of a few pixels.
    people = np.flatnonzero(sizes[:128] >= 6)
    people = people[people > 0]
    props = 128 + np.flatnonzero(sizes[128:] >= 24)
    if len(people) + len(props) == 0:
        return None
    asked, masks, meant = [], [], []
    for _ in range(count):
        person = len(props) == 0 or (len(people) > 0 and rng.random() < PEOPLE)
        things = people if person else props
        at = int(things[rng.integers(len(things))])
        levels = nested(ids, at)
        level = int(rng.choice(3, p=MEANT))
        if boxes:
            target = levels[level]
            box = np.array(surrounding(target))
            reach = np.array([box[2] - box[0], box[3] - box[1]] * 2)
            asked.append(list((box + rng.normal(0, 0.04, 4) * reach).clip(0, IMAGE)))
            levels = [target] * 3
        else:
            x, y = interior(ids == at, rng)
            asked.append([[x + 0.5, y + 0.5]])
        masks.append(levels)
        meant.append(level)
    return asked, masks, meant


class Batches(IterableDataset):
    """Endless training batches, made by worker processes where an accelerator waits for them."""

    def __init__(
        self, scenes: Scenes, batch: int, count: int, boxes: float, seed: tuple[int, int]
    ) -> None:
        self.scenes, self.batch, self.count, self.seed = scenes, batch, count, seed
        self.boxes = boxes
        self.last = len(scenes) - held_out(len(scenes))

    def __iter__(self) -> Iterator[tuple[bool, np.ndarray, Tensor, Tensor, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        while True:
            boxes = rng.random() < self.boxes
            index, sets = [], []
            while len(index) < self.batch:
                i = int(rng.integers(self.last))
                found = prompts(self.scenes.ids[i], self.count, boxes, rng)
                if found:
                    index.append(i)
                    sets.append(found)
            asked = torch.tensor([s[0] for s in sets], dtype=torch.float32)
            target = np.stack([s[1] for s in sets])
            meant = torch.tensor([s[2] for s in sets])
            yield boxes, np.array(index), asked, shares(target), meant


def shares(masks: np.ndarray) -> Tensor:
    """Of masks (…, height, width): how much of each of MASK x MASK cells they cover."""
    flat = torch.from_numpy(masks.reshape(-1, 1, *masks.shape[-2:]).view(np.uint8)).float()
    cells = F.interpolate(flat, (MASK, MASK), mode="area")
    return cells.reshape(*masks.shape[:-2], MASK, MASK)


def pixels(scenes: Scenes, index: np.ndarray, device: str) -> Tensor:
    """Frames as the encoder wants them: (n, 3, IMAGE, IMAGE) in -1..1."""
    return scenes.pixels(index, None, np.random.default_rng(0), device)


class Outliner(nn.Module):
    """Tells from the image's embedding what each cell shows and where things end.

    The decoder's masks alone teach the encoder slowly: a click tells of one thing, this of all.
    It is thrown away after training.
    """

    SIDE = MASK * PATCH // IMAGE  # cells of a mask along one cell of the embedding

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv2d(ENCODER["output_channels"], (KINDS + 2) * self.SIDE**2, 1)

    def forward(self, embedding: Tensor, ids: Tensor) -> Tensor:
        """The loss against ids (batch, IMAGE, IMAGE)."""
        said = F.pixel_shuffle(self.project(embedding), self.SIDE)
        step = IMAGE // MASK
        cells = ids[:, ::step, ::step]
        parts = torch.where(cells > 0, (cells - 1) % 16 + 1, 0)
        kinds = torch.where(cells >= 128, KINDS - 1, parts)
        kind = F.cross_entropy(said[:, :KINDS], kinds.clamp(max=KINDS - 1))
        # Where the cell to the right, and the one below, belong to another thing.
        ends = F.pad((cells[:, :, 1:] != cells[:, :, :-1]).float(), (0, 1))
        ends = torch.stack([ends, F.pad((cells[:, 1:] != cells[:, :-1]).float(), (0, 0, 0, 1))], 1)
        return kind + F.binary_cross_entropy_with_logits(said[:, KINDS:], ends)


def overlap(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of masks (…, height, width)."""
    made, target = logits > 0, target > 0.5
    both = (made & target).sum((-1, -2)).float()
    return both / (made | target).sum((-1, -2)).clamp(min=1)


def losses(logits: Tensor, scores: Tensor, target: Tensor, meant: Tensor) -> tuple[Tensor, Tensor]:
    """Focal and dice loss of the masks, squared error of the scores."""
    cross = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    focal = (cross * (1 - torch.exp(-cross)) ** 2).mean((-1, -2))
    made = logits.sigmoid()
    shared = 2 * (made * target).sum((-1, -2)) + 1
    dice = 1 - shared / (made.sum((-1, -2)) + target.sum((-1, -2)) + 1)
    asked = target.gather(2, meant[..., None, None, None].expand(-1, -1, 1, *target.shape[-2:]))
    truth = overlap(logits.detach(), asked.expand_as(target))
    return (20 * focal + dice).mean(), (scores - truth).square().mean()


def train(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    scenes = Scenes.open(options.data)
    # The decoder's small matrices are quicker, and more exact, in float32.
    dtype = precision(options.device)
    model = exported(options.start) if options.start else build()
    model.to(options.device)
    model.vision_encoder.to(dtype)
    outliner = Outliner().to(options.device)
    master = Master({"sam": model, "outliner": outliner}, ema=0.998)
    run = Run(options.out, options.minutes, options.cooldown, options.rate)
    resume(options.out / "checkpoint.pt", master, run)
    workers = 0 if options.device == "cpu" else max(1, len(os.sched_getaffinity(0)) - 2)
    seed = (options.seed, run.step)
    stream = Batches(scenes, options.batch, options.prompts, options.boxes, seed)
    batches = iter(DataLoader(stream, batch_size=None, num_workers=workers))
    for _ in run.steps():
        boxes, index, asked, target, meant = next(batches)
        asked, meant = asked.to(options.device), meant.to(options.device)
        target = target.to(options.device).float()
        prompt = {"input_boxes": asked} if boxes else {"input_points": asked}
        x = pixels(scenes, np.asarray(index), options.device).to(dtype)
        embedding = model.vision_encoder(x).last_hidden_state.float()
        out = model(image_embeddings=embedding, **prompt)
        mask_loss, score_loss = losses(out.pred_masks, out.iou_scores, target, meant)
        ids = torch.from_numpy(scenes.ids[np.asarray(index)]).to(options.device).long()
        outlines = outliner(embedding, ids)
        (mask_loss + score_loss + OUTLINES * outlines).backward()
        master.step(run.learning_rate())
        run.log(masks=mask_loss, scores=score_loss, outlines=outlines)
        run.save_if_due(master)
    save(options.out / "checkpoint.pt", master, run.step)


def trained(out: Path) -> SamModel:
    model = build()
    master = Master({"sam": model})
    master.load_state(torch.load(out / "checkpoint.pt", map_location="cpu", weights_only=True))
    master.load_into_modules("ema")
    return model.eval()


@torch.inference_mode()
def report(options: argparse.Namespace) -> None:
    """Clicks and boxes on persons of at least 1 % of the frame, on held-out scenes."""
    torch.set_num_threads(options.threads)
    scenes = Scenes.open(options.data)
    is_exported = (options.out / "model.safetensors").is_file()
    model = exported(options.out) if is_exported else trained(options.out)
    model.eval().to(options.device)
    rng = np.random.default_rng(7)
    best: dict[str, list[float]] = {"click": [], "box": []}
    close = []
    first_scene = 0 if options.unseen else len(scenes) - held_out(len(scenes))
    for i in range(first_scene, len(scenes)):
        embedding = None
        for person in range(2):
            ids = scenes.ids[i]
            first = 1 + 16 * person
            target = (ids >= first) & (ids < first + 16)
            if target.mean() < LEAST_SHARE:
                continue
            if embedding is None:
                embedding = model.get_image_embeddings(
                    pixels(scenes, np.array([i]), options.device)
                )
            click = torch.tensor([[[interior(target, rng)]]], device=options.device).float() + 0.5
            box = torch.tensor([[surrounding(target)]], device=options.device).float()
            for kind, prompt in (("click", {"input_points": click}), ("box", {"input_boxes": box})):
                out = model(image_embeddings=embedding, **prompt)
                logits = F.interpolate(out.pred_masks[0], (IMAGE, IMAGE), mode="bilinear")
                wanted = torch.from_numpy(target).to(options.device).float().expand(3, -1, -1)
                overlaps = overlap(logits[0], wanted)
                best[kind].append(overlaps.max().item())
                if kind == "click":
                    top = overlaps[out.iou_scores[0, 0].argmax()]
                    close.append((overlaps.max() - top).item() <= 0.05)
    figures = {f"{k}: mean best IoU": float(np.mean(v)) for k, v in best.items()}
    figures |= {"click: top within 0.05 of best": float(np.mean(close)), "persons": len(close)}
    print(json.dumps(figures, indent=1))


# transformers' names, and Meta's.
NAMES = (
    (r"^vision_encoder\.patch_embed\.projection", "image_encoder.patch_embed.proj"),
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.neck\.conv1", "image_encoder.neck.0"),
    (r"^vision_encoder\.neck\.layer_norm1", "image_encoder.neck.1"),
    (r"^vision_encoder\.neck\.conv2", "image_encoder.neck.2"),
    (r"^vision_encoder\.neck\.layer_norm2", "image_encoder.neck.3"),
    (r"^vision_encoder\.", "image_encoder."),
    (
        r"^prompt_encoder\.shared_embedding\.positional_embedding",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
    (r"^prompt_encoder\.mask_embed\.conv1", "prompt_encoder.mask_downscaling.0"),
    (r"^prompt_encoder\.mask_embed\.layer_norm1", "prompt_encoder.mask_downscaling.1"),
    (r"^prompt_encoder\.mask_embed\.conv2", "prompt_encoder.mask_downscaling.3"),
    (r"^prompt_encoder\.mask_embed\.layer_norm2", "prompt_encoder.mask_downscaling.4"),
    (r"^prompt_encoder\.mask_embed\.conv3", "prompt_encoder.mask_downscaling.6"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"^(mask_decoder\.transformer\.layers\.\d+)\.layer_norm", r"\1.norm"),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"(mlps\.\d+|iou_prediction_head)\.layers\.0", r"\1.layers.1"),
    (r"(mlps\.\d+|iou_prediction_head)\.proj_in", r"\1.layers.0"),
    (r"(mlps\.\d+|iou_prediction_head)\.proj_out", r"\1.layers.2"),
)


def meta_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A model's tensors under the names that Meta's checkpoints use."""
    named = {}
    for name, tensor in tensors.items():
        if name.startswith("shared_image_embedding."):
            continue  # the prompt encoder's own copy is the one that Meta stores
        for pattern, replacement in NAMES:
            name = re.sub(pattern, replacement, name)
        named[name] = tensor
    return named


def exported(folder: Path) -> SamModel:
    """The model that `export` wrote."""
    stored = load_file(folder / "model.safetensors")
    model = build()
    tensors = {}
    for name in model.state_dict():
        copied = name.replace("shared_image_embedding.", "prompt_encoder.shared_embedding.")
        (theirs,) = meta_names({copied: torch.empty(0)})
        tensors[name] = stored[theirs].float()
    model.load_state_dict(tensors)
    return model


def export(options: argparse.Namespace) -> None:
    """Writes model.safetensors (f16, Meta's names) and config.json."""
    model = trained(options.out)
    tensors = {k: v.half().contiguous() for k, v in meta_names(model.state_dict()).items()}
    options.to.mkdir(parents=True, exist_ok=True)
    save_file(tensors, options.to / "model.safetensors")
    config = {
        "image_size": IMAGE,
        "patch_size": PATCH,
        "encoder": {
            "embed_dim": ENCODER["hidden_size"],
            "depth": ENCODER["num_hidden_layers"],
            "num_heads": ENCODER["num_attention_heads"],
            "mlp_dim": ENCODER["mlp_dim"],
            "window_size": ENCODER["window_size"],
            "global_attn_indexes": ENCODER["global_attn_indexes"],
        },
        "prompt_embed_dim": DECODER["hidden_size"],
        "mask_in_chans": MASK_CHANNELS,
        "decoder": {
            "depth": DECODER["num_hidden_layers"],
            "num_heads": DECODER["num_attention_heads"],
            "mlp_dim": DECODER["mlp_dim"],
            "iou_head_hidden_dim": DECODER["iou_head_hidden_dim"],
            "num_multimask_outputs": 3,
        },
        # Pixels are bytes; (pixel - mean) / std is what the encoder sees.
        "pixel_mean": [127.5, 127.5, 127.5],
        "pixel_std": [127.5, 127.5, 127.5],
    }
    (options.to / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    write_sums(options.to)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, function in (("train", train), ("report", report), ("export", export)):
        command = commands.add_parser(name)
        command.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
        if name == "report":
            command.add_argument(
                "--unseen", action="store_true", help="no scene of --data was trained on"
            )
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--device", default="cpu")
        if name != "export":
            command.add_argument("--data", type=Path, required=True, help="frames of 128x128")
        else:
            command.add_argument("--to", type=Path, required=True)
        if name == "train":
            command.add_argument("--start", type=Path, help="go on from this exported folder")
            command.add_argument("--minutes", type=float, default=60)
            command.add_argument("--batch", type=int, default=8, help="frames a step")
            command.add_argument("--prompts", type=int, default=6, help="clicks or boxes a frame")
            command.add_argument("--boxes", type=float, default=0.4, help="share of box batches")
            command.add_argument("--rate", type=float, default=8e-4)
            command.add_argument("--cooldown", type=float, default=0.95)
            command.add_argument("--seed", type=int, default=0)
        command.set_defaults(run=function)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
