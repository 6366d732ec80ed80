"""Writes the golden data of the segmenters under `data/`: small random-weight models and what the
reference implementations compute with them. README.md says what each file holds.

    pip install -r requirements.txt -r requirements-segment.txt
    python make_segment_golden.py data
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from mobile_sam.modeling import TinyViT
from safetensors.torch import load_file, save_file
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "daemon" / "sketch" / "train"))
import segment as sketch  # noqa: E402  (found by the path above)

WIDTH = 16
GRID = 5
# Height and width of the picture, not all of the encoder's square, and of the masks' last size.
ORIGINAL = {"segment-vit": (28, 40), "segment-tiny-vit": (50, 80), "segment-sketch": (40, 30)}
LARGER = {"segment-vit": (42, 61), "segment-tiny-vit": (40, 64), "segment-sketch": (56, 42)}
Tensors = dict[str, torch.Tensor]


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Values that matter everywhere, and that f16 holds without loss."""
    random = torch.Generator().manual_seed(seed)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, tensor in sorted(tensors.items()):
        if not tensor.is_floating_point() or name.startswith("pixel_"):
            continue
        noise = torch.randn(tensor.shape, generator=random)
        if name.endswith("running_var"):
            tensor.data.copy_(noise.abs() + 0.5)
        elif "pos" in name or "attention_biases" in name or "embed" in name and tensor.ndim == 2:
            tensor.data.copy_(0.5 * noise)
        elif tensor.ndim == 1:
            tensor.data.add_(0.1 * noise)
        else:
            tensor.data.copy_(noise / tensor[0].numel() ** 0.5)
        tensor.data.copy_(tensor.data.half())
    model.eval()
    if hasattr(model, "image_encoder"):
        # What TinyViT gathers of its biases once it is no longer trained.
        model.image_encoder.train()
        model.image_encoder.eval()
    return model


def sam(encoder: torch.nn.Module, side: int) -> Sam:
    return Sam(
        image_encoder=encoder,
        prompt_encoder=PromptEncoder(
            embed_dim=WIDTH,
            image_embedding_size=(GRID, GRID),
            input_image_size=(side, side),
            mask_in_chans=8,
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=WIDTH,
            transformer=TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=40, num_heads=1),
            iou_head_hidden_dim=24,
        ),
    )


def vit() -> Sam:
    encoder = ImageEncoderViT(
        img_size=8 * GRID,
        patch_size=8,
        embed_dim=16,
        depth=3,
        num_heads=2,
        mlp_ratio=2,
        out_chans=WIDTH,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=3,  # does not divide the grid: windows reach over its border
        global_attn_indexes=(1,),
    )
    return sam(encoder, 8 * GRID)


class SmallTinyViT(TinyViT):
    """MobileSAM's encoder on pictures of another size than the one it has written into it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.neck(x.transpose(1, 2).unflatten(2, (GRID, GRID)))


def tiny_vit() -> Sam:
    encoder = SmallTinyViT(
        img_size=16 * GRID,
        num_classes=3,
        embed_dims=[8, 12, 16, 24],
        depths=[1, 1, 2, 1],
        num_heads=[1, 2, 2, 3],
        window_sizes=[7, 5, 4, 3],
        mlp_ratio=2.0,
        mbconv_expand_ratio=2.0,
        drop_path_rate=0.0,
    )
    # The reference keeps the size before the last stage, and knows it by the widths of its models.
    encoder.layers[2].downsample.conv2.c.stride = (1, 1)
    # The neck's width is written into it too.
    last = encoder.neck[0].in_channels
    norm = type(encoder.neck[1])
    encoder.neck = torch.nn.Sequential(
        torch.nn.Conv2d(last, WIDTH, 1, bias=False),
        norm(WIDTH),
        torch.nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        norm(WIDTH),
    )
    return sam(encoder, 16 * GRID)


def cases(height: int, width: int) -> dict[str, tuple[list, list, list | None]]:
    """Points as (x, y), their labels, and a box, in pixels of the encoder's square."""
    box = [0.2 * width, 0.1 * height, 0.8 * width, 0.9 * height]
    point, other = [0.3 * width, 0.6 * height], [0.75 * width, 0.25 * height]
    return {
        "click": ([point], [1], None),
        "points": ([point, other], [1, 0], None),
        "box": ([], [], box),
        "box-point": ([other], [0], box),
    }


def picture(height: int, width: int, seed: int) -> torch.Tensor:
    return torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def meta_golden(name: str, model: Sam) -> Tensors:
    height, width = ORIGINAL[name]
    pixels = picture(height, width, 5)
    golden = {"picture": pixels.byte()}
    embedding = model.image_encoder(model.preprocess(pixels.float())[None])
    golden["embedding"] = embedding
    mask = None

    def ask(case: str, points: list, labels: list, box: list | None) -> torch.Tensor:
        sparse, dense = model.prompt_encoder(
            points=(torch.tensor([points]), torch.tensor([labels])) if points else None,
            boxes=torch.tensor([box]) if box else None,
            masks=mask,
        )
        logits, scores = model.mask_decoder(
            image_embeddings=embedding,
            image_pe=model.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        golden[f"{case}.logits"], golden[f"{case}.scores"] = logits[0], scores[0]
        return logits

    for case, prompt in cases(height, width).items():
        logits = ask(case, *prompt)
        if case == "click":
            golden["click.large"] = model.postprocess_masks(
                logits[:, :1], (height, width), LARGER[name]
            )[0, 0]
    mask = golden["click.logits"][1][None, None]
    ask("mask-point", *cases(height, width)["points"])
    ask("mask", [], [], None)
    return golden


def store(folder: Path, weights: Tensors, golden: Tensors) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    half = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    save_file({k: v.contiguous() for k, v in half.items()}, folder / "model.safetensors")
    save_file({k: v.contiguous().clone() for k, v in golden.items()}, folder / "golden.safetensors")


@torch.inference_mode()
def sketch_golden(folder: Path) -> Tensors:
    """The embedded segmenter's form, small, exported by its own trainer."""
    name = folder.name
    sketch.IMAGE, sketch.PATCH, sketch.MASK_CHANNELS = 8 * GRID, 8, 8
    sketch.ENCODER = {
        "hidden_size": 24,
        "output_channels": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "mlp_dim": 40,
        "window_size": 3,
        "global_attn_indexes": [1],
    }
    sketch.DECODER = {
        "hidden_size": WIDTH,
        "mlp_dim": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 24,
    }
    model = randomize(sketch.build(), 3)
    # The picture's positions are the prompts': one tensor under two names.
    model.shared_image_embedding.positional_embedding.data.copy_(
        model.prompt_encoder.shared_embedding.positional_embedding.data
    )
    sketch.trained = lambda _: model
    sketch.export(SimpleNamespace(out=None, to=folder))
    (folder / "SUMS").unlink(missing_ok=True)

    height, width = ORIGINAL[name]
    pixels = picture(height, width, 6)
    golden = {"picture": pixels.byte()}
    side = 8 * GRID
    x = F.pad((pixels.float() - 127.5) / 127.5, (0, side - width, 0, side - height))[None]
    embedding = model.get_image_embeddings(x)
    golden["embedding"] = embedding
    mask = None

    def ask(case: str, points: list, labels: list, box: list | None) -> torch.Tensor:
        prompt = {}
        if points:
            prompt["input_points"] = torch.tensor([[points]])
            prompt["input_labels"] = torch.tensor([[labels]])
        if box:
            prompt["input_boxes"] = torch.tensor([[box]])
        if mask is not None:
            prompt["input_masks"] = mask
        out = model(image_embeddings=embedding, **prompt)
        golden[f"{case}.logits"] = out.pred_masks[0, 0]
        golden[f"{case}.scores"] = out.iou_scores[0, 0]
        return out.pred_masks[0]

    for case, prompt in cases(height, width).items():
        logits = ask(case, *prompt)
        if case == "click":
            square = F.interpolate(logits[:, :1], (side, side), mode="bilinear")
            square = square[..., :height, :width]
            golden["click.large"] = F.interpolate(square, LARGER[name], mode="bilinear")[0, 0]
    mask = golden["click.logits"][1][None, None]
    ask("mask-point", *cases(height, width)["points"])
    return golden


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for name, model in (("segment-vit", vit()), ("segment-tiny-vit", tiny_vit())):
        model = randomize(model, 1)
        weights = model.state_dict()
        store(out / name, weights, meta_golden(name, model))
    # TinyViT's shapes do not tell the size of its pictures.
    (out / "segment-tiny-vit" / "config.json").write_text(f'{{"image_size": {16 * GRID}}}\n')
    folder = out / "segment-sketch"
    shutil.rmtree(folder, ignore_errors=True)
    golden = sketch_golden(folder)
    store(folder, load_file(folder / "model.safetensors"), golden)
    config = json.loads((folder / "config.json").read_text())
    assert config["image_size"] == 8 * GRID


if __name__ == "__main__":
    main()
