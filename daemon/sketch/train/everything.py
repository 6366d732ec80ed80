"""Trains the whole sketch model from nothing: data, all parts in order, figures, weights.

    python everything.py --work /var/tmp/sketch --renderer framewright-sketch --device cuda

Stages that are done are skipped, so the same command goes on where it was stopped. On an
accelerator the stages of a line below run side by side; on a processor one after the other.

    data        renders the training and held-out frames
    autoencoder · text tower (the vocabulary first)
    unet        128x128
    unet-both (128x128 and 256x256) · judge
    inpaint · decoder · segmenter
    export      weights/sketch, weights/inpaint, weights/judge, weights/segmenter with SUMS
    clip (the image tower beside the text encoder) · evaluate (the README's figures, sheets)

`--share 0.1` takes a tenth of every stage's time and frames; `--limit 570` starts no stage that
would not end within so many seconds, for machines that are lent for one short command after
another.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FRAMES = {"cpu": (24000, 8000), "cuda": (60000, 16000)}  # of 128x128 and of 256x256


@dataclass
class Stage:
    name: str
    commands: list[list[str]]
    minutes: float = 0  # about how long it takes


def stages(
    work: Path, renderer: str, tokenizer: Path | None, device: str, share: float, threads: int
) -> list[list[Stage]]:
    """Lines of stages; a line needs those before it, and its own stages do not need each other."""
    small, large = (max(160, int(n * share)) for n in FRAMES[device])
    data = work / "data"
    u128, u256, test = data / "u128", data / "u256", data / "held-out"
    vae, unet, both = work / "autoencoder", work / "unet", work / "both"
    gpu = device != "cpu"
    common = ["--device", device, "--threads", str(threads)]

    def render(out: Path, seed: int, count: int, size: int, captions: int) -> list[str]:
        words = [renderer, "dataset", "--seed", seed, "--count", count, "--size", size]
        return [str(w) for w in (*words, "--captions", captions, "--out", out)]

    def python(script: str, *words: object) -> list[str]:
        return [sys.executable, str(HERE / script), *(str(w) for w in words)]

    def train(name: str, script: str, cuda: float, cpu: float, *words: object) -> Stage:
        minutes = share * (cuda if gpu else cpu)
        command = python(script, *words, *common, "--minutes", minutes)
        return Stage(name, [command], minutes=minutes)

    tokens = tokenizer or work / "tokenizer"
    tower = train(
        *("text-tower", "text_tower.py", 2, 40, "--data", u128, "--tokenizer", tokens),
        *("--out", work / "text-tower", "--batch", 512 if gpu else 64),
    )
    text = work / "text-tower/text_encoder"
    if tokenizer is None:
        words = python("tokenizer.py", "--data", u128, "--out", tokens, "--share", 1.5e-4)
        tower.commands.insert(0, words)
    final = vae / "vae"
    held_out = min(1000, max(8, int(1000 * share)))
    exports = [
        python("export.py", "--vae", work / "decoder/vae", "--unet", both)
        + ["--tokenizer", str(tokens), "--out", str(work / "weights/sketch")],
        python("export.py", "--unet-only", "--unet", work / "inpaint")
        + ["--out", str(work / "weights/inpaint")],
        python("judge.py", "export", "--judge", work / "judge", "--held-out", test)
        + ["--to", str(work / "weights/judge")],
        python("segment.py", "report", "--data", u128, "--out", work / "segmenter", *common),
        python("segment.py", "export", "--out", work / "segmenter")
        + ["--to", str(work / "weights/segmenter")],
    ]
    asked = ["--model", work / "weights/sketch", "--judge", work / "weights/judge"]
    clip = train(
        *("clip", "clip.py", 2, 30, "train", "--data", u128, "--model", work / "weights/sketch"),
        *("--out", work / "clip", "--batch", 512 if gpu else 64),
    )
    clip.commands.append(
        python("clip.py", "export", "--clip", work / "clip", "--model", work / "weights/sketch")
        + ["--data", str(test), "--to", str(work / "weights/clip")]
    )
    figures = [
        python("evaluate.py", *asked, "--data", test, "--count", held_out, *common)
        + ["--batch", "100" if gpu else "8", "--out", str(work / "figures-128.json")],
        python("evaluate.py", *asked, "--data", test, "--count", held_out, *common)
        + ["--size", "256", "--batch", "100" if gpu else "8"]
        + ["--out", str(work / "figures-256.json")],
        python("sample.py", *asked[:2], "--out", work / "sheet.png", *common),
        python("sample.py", *asked[:2], "--out", work / "sheet-256.png", *common)
        + ["--size", "256"],
    ]
    return [
        [
            Stage(
                "data",
                [
                    render(u128, 201, small, 128, 6),
                    render(u256, 301, large, 256, 6),
                    render(data / "judge", 401, small, 128, 1),
                    render(test, 901, 1000, 128, 1),
                ],
                minutes=2 * share if gpu else 12 * share,
            )
        ],
        [
            train(
                *("autoencoder", "autoencoder.py", 5, 300, "--data", u128, "--out", vae),
                *("--batch", 96 if gpu else 16, "--crop", 128 if gpu else 96),
            ),
            tower,
        ],
        [
            train(
                *("unet", "unet.py", 7, 540, "--data", u128, "--vae", final),
                *("--text", text, "--out", unet, "--batch", 512 if gpu else 48),
                *("--single-steps", 600 if gpu else 1500),
            )
        ],
        [
            train(
                *("unet-both", "unet.py", 4, 360, "--data", u128, u256, "--vae", final),
                *("--text", text, "--start", unet, "--out", both),
                *("--batch", 192 if gpu else 24, "--single-steps", 0, "--rate", 1e-3),
                *("--cooldown", 0.6),
            ),
            train(
                *("judge", "judge.py", 4, 80, "train", "--data", data / "judge", "--vae", final),
                *("--held-out", test, "--out", work / "judge", "--batch", 512 if gpu else 64),
            ),
        ],
        [
            train(
                *("inpaint", "unet.py", 3, 90, "--inpaint", "--data", u128, u256, "--vae", final),
                *("--text", text, "--start", both, "--out", work / "inpaint"),
                *("--batch", 192 if gpu else 24, "--single-steps", 0, "--rate", 1e-3),
            ),
            train(
                *("decoder", "autoencoder.py", 3, 120, "--decoder-only", final),
                *("--data", u128, u256, "--out", work / "decoder"),
                *("--batch", 96 if gpu else 16, "--crop", 128 if gpu else 96, "--rate", 1.5e-3),
                *("--cooldown", 0.6),
            ),
            train(
                *("segmenter", "segment.py", 3, 180, "train", "--data", u128),
                *("--out", work / "segmenter", "--batch", 32 if gpu else 6),
            ),
        ],
        [Stage("export", exports, minutes=0.5 if gpu else 3)],
        [clip, Stage("evaluate", figures, minutes=1.5 if gpu else 30 * share)],
    ]


def start(stage: Stage, logs: Path) -> subprocess.Popen[bytes]:
    """Runs a stage's commands one after the other; its output goes to a log of its own."""
    logs.mkdir(parents=True, exist_ok=True)
    script = "set -ex\n" + "\n".join(
        " ".join(f"'{word}'" for word in command) for command in stage.commands
    )
    # Waiting threads that sleep leave the cores to the stages beside this one.
    environment = os.environ | {"OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1"}
    with (logs / f"{stage.name}.log").open("ab") as log:
        return subprocess.Popen(["bash", "-c", script], stdout=log, stderr=log, env=environment)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of data and checkpoints")
    parser.add_argument("--renderer", default="framewright-sketch", help="the renderer's binary")
    parser.add_argument("--tokenizer", type=Path, help="keep this vocabulary, learn none")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--share", type=float, default=1.0, help="of the full times and frames")
    parser.add_argument("--threads", type=int, default=1, help="of a stage, on a processor")
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds from now")
    parser.add_argument("--only", nargs="+", help="run these stages alone")
    args = parser.parse_args()
    began = time.time()
    done = args.work / "done"
    done.mkdir(parents=True, exist_ok=True)
    every = stages(
        args.work.resolve(),
        args.renderer,
        args.tokenizer,
        args.device,
        args.share,
        args.threads,
    )
    for line in every:
        left = [
            s
            for s in line
            if not (done / s.name).exists() and (args.only is None or s.name in args.only)
        ]
        groups = [left] if args.device != "cpu" else [[s] for s in left]
        for group in filter(None, groups):
            # Imports, encoding and saving come on top of the training itself.
            needed = 60 * max(s.minutes for s in group) + (50 if args.device != "cpu" else 90)
            if time.time() - began + needed > args.limit:
                print(f"next: {' '.join(s.name for s in group)}, {needed:.0f} s", flush=True)
                return
            running = [(s, time.time(), start(s, args.work / "logs")) for s in group]
            failed = []
            for stage, since, process in running:
                if process.wait():
                    failed.append(stage.name)
                else:
                    (done / stage.name).touch()
                log = (args.work / "logs" / f"{stage.name}.log").read_text(errors="replace")
                last = log.strip().splitlines()[-1:] or [""]
                print(f"{stage.name}: {time.time() - since:.0f} s · {last[0]}", flush=True)
            if failed:
                sys.exit(f"failed: {', '.join(failed)}; see {args.work / 'logs'}")
    print("all stages are done", flush=True)


if __name__ == "__main__":
    main()
