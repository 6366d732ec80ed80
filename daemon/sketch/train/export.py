"""Writes the trained parts as one diffusers folder in float16, with the BLAKE3 of each file.

With --unet-only it writes a UNet alone: the variant for inpainting, whose other parts are the
model's own.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from sums import write_sums
from torch import nn
from transformers import CLIPTextModel
from unet import noise_schedule

TOKENIZER_FILES = ("vocab.json", "merges.txt", "tokenizer_config.json")
DESCRIBED_ELSEWHERE = ("_name_or_path", "dtype", "torch_dtype")


def write_part(module: nn.Module, source: Path, folder: Path) -> None:
    """A module's weights, and its configuration as it stands in `source`."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().to(torch.float16).contiguous() for k, v in module.state_dict().items()}
    state = {k: v for k, v in state.items() if not k.endswith("position_ids")}
    weights = "diffusion_pytorch_model.safetensors"
    if isinstance(module, CLIPTextModel):
        weights = "model.safetensors"
        # The names of Stable Diffusion 1.x folders; newer transformers drop the prefix in memory.
        state = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in state.items()}
    overflown = [k for k, v in state.items() if not torch.isfinite(v).all()]
    if overflown:
        raise ValueError(f"{folder}: not finite in float16: {overflown}")
    save_file(state, folder / weights, metadata={"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    kept = {k: v for k, v in config.items() if k not in DESCRIBED_ELSEWHERE}
    (folder / "config.json").write_text(json.dumps(kept, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vae", type=Path)
    parser.add_argument("--unet", type=Path, required=True, help="folder with unet/, text_encoder/")
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--unet-only", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.unet_only:
        source = args.unet / "unet"
        write_part(UNet2DConditionModel.from_pretrained(source), source, args.out)
        write_sums(args.out)
        return
    if args.vae is None or args.tokenizer is None:
        parser.error("a whole model needs --vae and --tokenizer")
    vae = AutoencoderKL.from_pretrained(args.vae)
    unet = UNet2DConditionModel.from_pretrained(args.unet / "unet")
    text = CLIPTextModel.from_pretrained(args.unet / "text_encoder", dtype=torch.float32)
    write_part(vae, args.vae, args.out / "vae")
    write_part(unet, args.unet / "unet", args.out / "unet")
    write_part(text, args.unet / "text_encoder", args.out / "text_encoder")
    noise_schedule().save_pretrained(args.out / "scheduler")
    (args.out / "tokenizer").mkdir(parents=True, exist_ok=True)
    for file in TOKENIZER_FILES:
        shutil.copyfile(args.tokenizer / file, args.out / "tokenizer" / file)
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
    }
    (args.out / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    write_sums(args.out)


if __name__ == "__main__":
    main()
