"""Makes a Stable Diffusion 1.5 folder of full size with random weights, and what diffusers makes
of given inputs, for the one-off comparison that README.md describes.

    python full_size.py FOLDER        # 2.1 GB of f16 weights, golden.safetensors beside them
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latents", type=int, default=64, help="side of the latents: 64 is 512²")
    options = parser.parse_args()
    torch.manual_seed(15)
    torch.set_grad_enabled(False)
    text = CLIPTextModel(
        CLIPTextConfig(
            hidden_size=768,
            intermediate_size=3072,
            num_hidden_layers=12,
            num_attention_heads=12,
            hidden_act="quick_gelu",
        )
    )
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=(320, 640, 1280, 1280),
        cross_attention_dim=768,
        attention_head_dim=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        sample_size=512,
    )
    parts = {"text_encoder": text, "unet": unet, "vae": vae}
    for name, model in parts.items():
        # Both sides compute in f32 on weights that were rounded to f16, the usual storage.
        model.half().eval().save_pretrained(options.folder / name)
        model.float()
    DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    ).save_pretrained(options.folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (options.folder / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")

    side = options.latents
    ids = torch.randint(0, 49405, (2, 77))
    ids[:, 0], ids[0, 30:], ids[1, 76:] = 49406, 49407, 49407
    context = text(ids).last_hidden_state
    sample = torch.randn(2, 4, side, side)
    timestep = torch.tensor([501.0, 501.0])
    seconds = {}
    start = time.time()
    noise = unet(sample, timestep, context).sample
    seconds["unet, batch of two"] = time.time() - start
    latents = torch.randn(1, 4, side, side)
    start = time.time()
    decoded = vae.decode(latents).sample
    seconds["VAE decode"] = time.time() - start
    image = torch.rand(1, 3, side * 8, side * 8) * 2 - 1
    start = time.time()
    posterior = vae.encode(image).latent_dist
    seconds["VAE encode"] = time.time() - start
    golden = {
        "ids": ids,
        "context": context,
        "sample": sample,
        "timestep": timestep,
        "noise": noise,
        "latents": latents,
        "decoded": decoded,
        "image": image,
        "mean": posterior.mean,
        "logvar": posterior.logvar,
    }
    golden = {name: tensor.contiguous() for name, tensor in golden.items()}
    save_file(golden, options.folder / "golden.safetensors")
    for name, value in seconds.items():
        print(f"{name}: {value:.1f} s")


if __name__ == "__main__":
    main()
