"""Draws held-out captions with fixed seeds and prints what the judge sees in the frames.

    framewright-sketch dataset --seed 901 --count 1000 --size 128 --captions 1 --out held-out
    python evaluate.py --model ../weights/sketch --judge ../weights/judge --data held-out

Every figure is a share of right answers with its 95 % confidence interval (Wilson) and the number
of cases. Frame n is drawn from the noise that the engine draws from seed n, so that two models, or
two engines, can be compared: `--frames` with what `measure.py captions --save` wrote judges the
engine's, and `--save` keeps diffusers' own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from autoencoder import psnr
from data import Scenes
from judge import judge, load, report
from sample import draw
from sample import load as load_pipeline

# Bars of the first version at 128x128, and the aim at 256x256.
BARS = {
    "setting": (0.80, 0.90),
    "top": (0.65, 0.85),
    "trousers": (0.50, 0.75),
    "class": (0.75, 0.85),
    "people": (0.85, 0.93),
    "left/right": (0.75, 0.88),
}


def interval(right: int, cases: int) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of a share."""
    z = 1.959964
    share, scale = right / cases, 1 + z * z / cases
    middle = (share + z * z / (2 * cases)) / scale
    reach = z / scale * (share * (1 - share) / cases + z * z / (4 * cases * cases)) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="exported diffusers folder; none: the renders")
    parser.add_argument("--judge", type=Path, required=True, help="exported judge, or judge.pt")
    parser.add_argument("--data", type=Path, required=True, help="held-out scenes")
    parser.add_argument(
        "--frames", type=Path, help="frames drawn elsewhere instead: a .npy of (n, h, w, 3) bytes"
    )
    parser.add_argument("--save", type=Path, help="a .npy file for the frames that are drawn")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--rescale", type=float, default=0.0)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    data = Scenes.open(args.data)
    scenes = data.scenes[: args.count]
    captions = [scene["caption"] for scene in scenes]
    figures: dict[str, dict[str, float]] = {}
    if args.frames:
        frames = np.load(args.frames)
    elif args.model:
        pipeline = load_pipeline(args.model, args.device)
        ratio = psnr(pipeline.vae, [data], min(256, len(data)))
        print(f"autoencoder, held-out PSNR  {ratio:.2f} dB", flush=True)
        figures["autoencoder PSNR, dB"] = {"value": ratio}
        images = draw(
            pipeline, captions, args.size, args.steps, args.guidance, args.rescale, 0, args.batch
        )
        frames = np.stack([np.asarray(image) for image in images])
        if args.save:
            np.save(args.save, frames)
    else:
        frames = data.images[: len(scenes)]  # the renders themselves: what the judge can reach
    asked = load(args.judge).to(args.device)
    for name, cases in report(judge(asked, frames), scenes, captions).items():
        low, high = interval(sum(cases), len(cases))
        value = sum(cases) / len(cases)
        figures[name] = {"value": value, "low": low, "high": high, "cases": len(cases)}
        bar = f"  bar {BARS[name][0]:.0%}, aim {BARS[name][1]:.0%}" if name in BARS else ""
        print(f"{name:12} {value:6.1%}  [{low:.1%}, {high:.1%}]  of {len(cases)}{bar}")
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
