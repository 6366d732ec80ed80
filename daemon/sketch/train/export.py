"""Writes the trained parts as one diffusers folder in float16, with the BLAKE3 of each file."""

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


def write_module(module: nn.Module, folder: Path, weights: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().to(torch.float16).contiguous() for k, v in module.state_dict().items()}
    state = {k: v for k, v in state.items() if not k.endswith("position_ids")}
    if isinstance(module, CLIPTextModel):
        # The names of Stable Diffusion 1.x folders; newer transformers drop the prefix in memory.
        state = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in state.items()}
    overflown = [k for k, v in state.items() if not torch.isfinite(v).all()]
    if overflown:
        raise ValueError(f"{folder}: not finite in float16: {overflown}")
    save_file(state, folder / weights, metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--unet", type=Path, required=True, help="folder with unet/, text_encoder/")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    vae = AutoencoderKL.from_pretrained(args.vae)
    unet = UNet2DConditionModel.from_pretrained(args.unet / "unet")
    text = CLIPTextModel.from_pretrained(args.unet / "text_encoder", dtype=torch.float32)
    weights = "diffusion_pytorch_model.safetensors"
    for name, module, file in (
        ("vae", vae, weights),
        ("unet", unet, weights),
        ("text_encoder", text, "model.safetensors"),
    ):
        write_module(module, args.out / name, file)
        source = args.vae if name == "vae" else args.unet / name
        config = json.loads((source / "config.json").read_text())
        kept = {k: v for k, v in config.items() if k not in DESCRIBED_ELSEWHERE}
        (args.out / name / "config.json").write_text(json.dumps(kept, indent=2) + "\n")
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
