"""A contact sheet of fixed prompts, drawn by an exported model through diffusers."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from noise import normals
from PIL import Image

PROMPTS = (
    "a man with short black hair in a red top and blue trousers, standing, on a city street, "
    "soft daylight",
    "a woman with long blond hair in a green top and black trousers, waving, in a forest, "
    "golden sunset light",
    "a woman with short red hair in a yellow top and white trousers, walking, in a park, "
    "soft daylight",
    "a man with short brown hair and a beard in a purple top, smiling, in a dusty library, "
    "soft daylight",
    "a woman with long black hair in an orange top, surprised, on a beach, soft daylight",
    "a man with short white hair and glasses in a blue top, sad, in an office, soft daylight",
    "a man with short blond hair in a white top and green trousers, sitting, in a living room, "
    "low light",
    "a woman with long brown hair in a red top and grey trousers, holding a cup, "
    "in a kitchen with cookies, soft daylight",
    "two people: a man with short red hair in a white top and black trousers is on the left "
    "standing; a woman with long black hair in a purple top and yellow trousers is on the right "
    "walking, in a corridor, soft daylight",
    "two people: a woman with long blond hair in a blue top is on the left, smiling; a man with "
    "short black hair in an orange top is on the right, sad, at a bus stop, in the rain, low light",
    "two people: a man with short brown hair in a green top and red trousers is on the left "
    "sitting; a man with short white hair in a black top and blue trousers is on the right "
    "sitting, in a bus interior, soft daylight",
    "a woman with short black hair in a white top and purple trousers, from behind, "
    "in an abandoned house, night light",
    "a bedroom, golden sunset light",
    "a park, night light",
    "a plate of cookies, in a kitchen with cookies, soft daylight",
    "a man with a hat in a brown top and orange trousers, on the left, at a bench "
    "on a neighbourhood street, golden sunset light",
    "a woman with short white hair in a red top and white trousers, sitting, in a bedroom, "
    "low light",
    "a man with long brown hair in a yellow top and purple trousers, walking, on a beach, "
    "golden sunset light",
    "a woman with long red hair and a hat in a blue top, holding an umbrella, at a bus stop, "
    "in the rain, soft daylight",
    "a man with short red hair in a green top, holding a book, in a dusty library, low light",
    "a woman with short blond hair in a purple top and black trousers, in profile, "
    "in a corridor, soft daylight",
    "two people: a woman with long black hair in a red top and white trousers is on the left "
    "waving; a man with short blond hair in a blue top and grey trousers is on the right "
    "standing, in a park, soft daylight",
    "a dusty library, soft daylight",
    "a city street, night light",
)


def load(folder: Path, device: str = "cpu") -> StableDiffusionPipeline:
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: StableDiffusionPipeline,
    prompts: list[str],
    size: int,
    steps: int,
    guidance: float,
    rescale: float,
    seed: int,
    batch: int = 8,
) -> list[Image.Image]:
    images: list[Image.Image] = []
    for first in range(0, len(prompts), batch):
        part = prompts[first : first + batch]
        latents = noise_of(pipeline, range(seed + first, seed + first + len(part)), size)
        images += pipeline(
            part,
            width=size,
            height=size,
            num_inference_steps=steps,
            guidance_scale=guidance,
            guidance_rescale=rescale,
            latents=latents,
        ).images
    return images


def noise_of(pipeline: StableDiffusionPipeline, seeds: range, size: int) -> torch.Tensor:
    """What frames start from, the same as in the engine."""
    side = size // pipeline.vae_scale_factor
    shape = (pipeline.unet.config.in_channels, side, side)
    drawn = [normals(seed, math.prod(shape)).reshape(shape) for seed in seeds]
    return torch.from_numpy(np.stack(drawn)).to(pipeline.device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a PNG file")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--rescale", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--count", type=int, default=len(PROMPTS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda where there is one")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    prompts = list(PROMPTS[: args.count])
    pipeline = load(args.model, args.device)
    images = draw(pipeline, prompts, args.size, args.steps, args.guidance, args.rescale, args.seed)
    rows = -(-len(images) // args.columns)
    sheet = Image.new("RGB", (args.size * args.columns, args.size * rows))
    for number, image in enumerate(images):
        at = number % args.columns, number // args.columns
        sheet.paste(image, (at[0] * args.size, at[1] * args.size))
    sheet.save(args.out)


if __name__ == "__main__":
    main()
