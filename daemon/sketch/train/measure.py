"""Draws frames through the daemon and prints what the judge sees: the engine, LoRAs, regions.

    python measure.py captions --judge ../weights/judge --data held-out
    python measure.py shots --judge ../weights/judge --frames 25
    python measure.py pair --judge ../weights/judge --frames 200 --how regions
    python measure.py repaint --judge ../weights/judge --data held-out --model sketch-inpaint
    python measure.py segment --data held-out
    python measure.py sheet --hires --save sheet.png

`captions` draws held-out captions with the seeds of `evaluate.py`, so that both figures can be
compared. `shots` draws each framing with and without the LoRAs that its phrase calls for. `pair`
draws two characters side by side, with plainly stacked LoRAs or each in a region of its own, and
asks whether tops, hair and class of both are right. LoRAs and weights are the library's; with
`--weight` they are given here, and so is how much of a region its own prompt has (`--strength`).
`repaint` clicks on the person of a scene, takes the segmenter's best mask and paints another
character there; beside it stands how often the same prompts give hair and top right without a
picture. `sheet` draws the fixed prompts of `sample.py`. With `--hires` captions, shots and the
sheet are drawn in two passes.

It needs the daemon on the PATH (or FRAMEWRIGHT_DAEMON) and its Python client:
`pip install ../../../sdk/python`.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from attributes import VISIBLE
from data import Scenes
from evaluate import interval
from framewright import Client, Picture
from judge import HIDDEN, LIGHTS, SETTINGS, SHOTS, judge, load, report
from lora import LOOK
from PIL import Image
from sample import PROMPTS
from segment import LEAST_SHARE, interior, surrounding

PHRASES = {
    "extreme-close-up": "extreme close up of",
    "close-up": "close up of",
    "medium-close-up": "medium close up of",
    "medium-shot": "medium shot picture of",
    "american-shot": "american shot picture of",
    "full-shot": "full body picture of",
    "long-shot": "long shot picture of",
    "extreme-long-shot": "extreme long shot view of",
}
# Framings in which a painter would paint somebody anew.
REPAINTED = ("close-up", "medium-close-up", "medium-shot", "american-shot", "full-shot")
CHARACTERS = Path(__file__).parent.parent / "characters"


def draw(client: Client, prompt: str, seed: int, **options: Any) -> np.ndarray:
    """One frame as (height, width, 3) bytes."""
    made = client.generate(prompt, seed=seed, priority="batch", **options)
    picture = Image.open(io.BytesIO(bytes(made.frames[0].picture.data)))
    return np.asarray(picture.convert("RGB"))


def told(name: str, right: int, cases: int) -> dict[str, float]:
    low, high = interval(right, max(1, cases))
    share = right / max(1, cases)
    print(f"{name:24} {share:6.1%}  [{low:.1%}, {high:.1%}]  of {cases}", flush=True)
    return {"value": share, "low": low, "high": high, "cases": cases}


def told_share(name: str, answers: list[bool]) -> dict[str, float]:
    return told(name, sum(answers), len(answers))


def place(name: str) -> str:
    """A setting as captions put it."""
    return {"bench on a neighbourhood street": "at a ", "bus stop": "at a ", "beach": "on a "}.get(
        name, "on a " if name == "city street" else "in an " if name[0] in "ao" else "in a "
    ) + name


def passes(args: argparse.Namespace) -> dict[str, Any]:
    """Options of frames that may be drawn in two passes."""
    return {"hires": {"scale": args.hires}} if args.hires else {}


def sheet(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    """A contact sheet of the fixed prompts, eight to a row; frame n has seed n."""
    frames = [
        Image.fromarray(draw(client, prompt, args.seed + n, model=args.model, **passes(args)))
        for n, prompt in enumerate(PROMPTS)
    ]
    width, height = frames[0].size
    whole = Image.new("RGB", (8 * width, -(-len(frames) // 8) * height))
    for number, frame in enumerate(frames):
        whole.paste(frame, (number % 8 * width, number // 8 * height))
    whole.save(args.save)
    return {}


def captions(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    """The figures of `evaluate.py`, drawn by the engine."""
    scenes = Scenes.open(args.data).scenes[: args.frames]
    words = [scene["caption"] for scene in scenes]
    frames = np.stack(
        [
            draw(client, prompt, number, model=args.model, activate=False, **passes(args))
            for number, prompt in enumerate(words)
        ]
    )
    if args.save:
        np.save(args.save, frames)
    answers = report(judge(load(args.judge), frames), scenes, words)
    return {name: told(name, sum(cases), len(cases)) for name, cases in answers.items()}


def shots(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    """How often the judge finds the framing that the phrase asks for, without LoRAs and with."""
    rng = np.random.default_rng(args.seed)
    figures: dict[str, Any] = {}
    model = load(args.judge)
    cases = []
    for shot, phrase in PHRASES.items():
        for number in range(args.frames):
            who = rng.choice(["a man", "a woman"])
            where, light = rng.choice(SETTINGS), rng.choice(LIGHTS)
            cases.append((shot, f"{phrase} {who}, {place(where)}, {light}", number))
    for name, active in (("base", False), ("LoRAs", True)):
        frames = np.stack(
            [
                draw(
                    client,
                    prompt,
                    args.seed + number,
                    model=args.model,
                    activate=active,
                    **passes(args),
                )
                for _, prompt, number in cases
            ]
        )
        if args.save:
            np.save(args.save.with_name(f"{args.save.stem}-{name}.npy"), frames)
        seen = [answer["shot"] for answer in judge(model, frames)]
        right = [shot == found for (shot, _, _), found in zip(cases, seen, strict=True)]
        figures[name] = told(f"shot, {name}", sum(right), len(right))
        near = sum(
            abs(SHOTS.index(shot) - SHOTS.index(found)) <= 1
            for (shot, _, _), found in zip(cases, seen, strict=True)
        )
        figures[f"{name}, at most one off"] = told(f"  at most one off, {name}", near, len(cases))
        for shot in PHRASES:
            mine = [
                found for (asked, _, _), found in zip(cases, seen, strict=True) if asked == shot
            ]
            told(f"  {shot}", mine.count(shot), len(mine))
            print(f"    seen: {dict(Counter(mine).most_common(3))}", flush=True)
    return figures


def pair(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    """How often two characters in one frame both look as they should."""
    names = args.characters.split(",")
    loras = args.loras.split(",") if args.loras else [f"sketch-{name}" for name in names]
    looks = [json.loads((CHARACTERS / f"{name}.json").read_text()) for name in names]
    rng = np.random.default_rng(args.seed)
    frames = []
    for number in range(args.frames):
        where, light = rng.choice(SETTINGS), rng.choice(LIGHTS[:3])
        left, right = (f"{name} {look['class']}" for name, look in zip(names, looks, strict=True))
        prompt = (
            f"medium shot picture of two people: {left} is on the left; {right} is on the right, "
            f"{place(where)}, {light}"
        )
        options: dict[str, Any] = {"model": args.model}
        if args.weight is None:
            options["auto_regions"] = args.how == "regions"
        else:
            options["activate"] = False
            options["loras"] = [{"name": "sketch-medium-shot", "weight": 1.0}]
            own = [{"name": name, "weight": args.weight} for name in loras]
            if args.how == "stacked":
                options["loras"] += own
            else:
                options["regions"] = [
                    {
                        "area": area,
                        "prompt": f"medium shot picture of {who}, {place(where)}, {light}",
                        "strength": args.strength,
                        "loras": [lora],
                    }
                    for who, area, lora in (
                        (f"{left} on the left", [0.0, 0.0, 0.5, 1.0], own[0]),
                        (f"{right} on the right", [0.5, 0.0, 1.0, 1.0], own[1]),
                    )
                ]
        frames.append(draw(client, prompt, args.seed + number, **options))
    if args.save:
        np.save(args.save, np.stack(frames))
    seen = judge(load(args.judge), np.stack(frames))
    # The judge's answers, the stricter the further down.
    asked = {"tops": ["top"], "tops and hair": ["top", "hair"]}
    asked["tops, hair and class"] = ["top", "hair", "class"]
    right = {"two people": sum(answer["people"] == "2" for answer in seen)}
    for name, parts in asked.items():
        right[name] = sum(
            answer["people"] == "2"
            and all(
                answer[f"{side}.{part}"] == look[part]
                # Hair may be under a hat, or out of the frame.
                or (part == "hair" and answer[f"{side}.hair"] == HIDDEN)
                for side, look in zip(("first", "second"), looks, strict=True)
                for part in parts
            )
            for answer in seen
        )
    return {name: told(f"{args.how}, {name}", count, len(seen)) for name, count in right.items()}


def description(look: dict[str, Any]) -> str:
    """A character's look as captions put it."""
    extras = [word for word in ("glasses", "a beard", "a hat") if look[word.removeprefix("a ")]]
    worn = f"a {look['top']} top and {look['trousers']} trousers"
    if look["top"][0] in "ao":
        worn = f"an {worn.removeprefix('a ')}"
    with_extras = "".join(f" and {extra}" for extra in extras)
    return (
        f"a {look['class']} with {look['hair_length']} {look['hair']} hair{with_extras} in {worn}"
    )


def inside(mask: np.ndarray) -> tuple[int, int]:
    """The pixel of a mask that is farthest from its border, as (x, y): where one would click."""
    left = mask.copy()
    while True:
        shrunk = left.copy()
        for axis in (0, 1):
            for shift in (-1, 1):
                shrunk &= np.roll(left, shift, axis)
        if not shrunk.any():
            ys, xs = np.nonzero(left)
            return int(xs[len(xs) // 2]), int(ys[len(ys) // 2])
        left = shrunk


def pixels_of(picture: dict[str, Any], mode: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bytes(picture["data"]))).convert(mode))


def opaque(canvas: np.ndarray) -> Picture:
    height, width = canvas.shape[:2]
    whole = np.dstack([canvas, np.full((height, width, 1), 255, np.uint8)])
    return Picture.rgba8(width, height, whole.tobytes())


def person_pixels(data: Scenes, number: int, person: int) -> np.ndarray:
    ids = data.ids[number]
    return (ids >= 1 + 16 * person) & (ids < 17 + 16 * person)


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union."""
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))


def segment(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    """How well masks of clicks and boxes fit the people that they are meant for."""
    data = Scenes.open(args.data)
    rng = np.random.default_rng(7)
    best: dict[str, list[float]] = {}
    close: dict[str, list[bool]] = {}
    by_shot: dict[str, dict[str, list[float]]] = {}
    persons, seconds = 0, []
    for number in range(len(data)):
        for person in (0, 1):
            truth = person_pixels(data, number, person)
            if truth.mean() < LEAST_SHARE:
                continue
            if persons == args.frames:
                break
            persons += 1
            x, y = interior(truth, rng)
            edges = (float(edge) for edge in surrounding(truth))
            asked = {
                "click": {"points": [{"x": x + 0.5, "y": y + 0.5}]},
                "box": {
                    "boxes": [dict(zip(("left", "top", "right", "bottom"), edges, strict=True))]
                },
            }
            image = opaque(np.asarray(data.images[number]))
            for kind, prompt in asked.items():
                for closer in (False, True):
                    name = f"{kind}{'' if closer else ', as first seen'}"
                    request = {"image": image, "model": "sketch", "closer": closer, **prompt}
                    answer = client.call("mask.segment", **request)
                    masks = [pixels_of(found["mask"], "L") > 127 for found in answer["candidates"]]
                    overlaps = [overlap(mask, truth) for mask in masks]
                    best.setdefault(name, []).append(max(overlaps))
                    close.setdefault(name, []).append(max(overlaps) - overlaps[0] <= 0.05)
                    shot = by_shot.setdefault(data.scenes[number]["shot"], {})
                    shot.setdefault(name, []).append(max(overlaps))
                    if closer:
                        seconds.append(client.call("mask.segment", **request)["seconds"])
    figures: dict[str, Any] = {"persons": persons}
    for name, overlaps in best.items():
        figures[f"{name}, mean best IoU"] = float(np.mean(overlaps))
        print(f"{name}: best of three masks IoU {np.mean(overlaps):.4f} of {persons}", flush=True)
        figures[f"{name}, top within 0.05"] = told_share("  top within 0.05", close[name])
    for shot, named in sorted(by_shot.items()):
        means = ", ".join(f"{name} {np.mean(of):.3f}" for name, of in named.items())
        print(f"{shot}, {len(named['click'])}: {means}", flush=True)
    figures["median seconds, seen before"] = float(np.median(seconds))
    print(f"median answer in a picture that was seen {1000 * np.median(seconds):.1f} ms")
    return figures


def repaint(args: argparse.Namespace, client: Client) -> dict[str, Any]:
    """How often hair and top of a person who was painted over another are those of the prompt."""
    looks = [json.loads(path.read_text()) for path in sorted(CHARACTERS.glob("*.json"))]
    data = Scenes.open(args.data)
    rng = np.random.default_rng(args.seed)
    frames: dict[str, list[np.ndarray]] = {"plain": [], "repainted": []}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = []
    best, top_close, untouched, seconds = [], [], 0, []
    for number, scene in enumerate(data.scenes):
        if len(cases) == args.frames:
            break
        if len(scene["people"]) != 1 or scene["shot"] not in REPAINTED:
            continue
        person = scene["people"][0]
        truth = person_pixels(data, number, 0)
        other = [k for k in looks if k["top"] != person["top"] and k["hair"] != person["hair"]]
        if truth.mean() < LEAST_SHARE or not other or not LOOK.match(scene["caption"]):
            continue
        look = other[rng.integers(len(other))]
        prompt = LOOK.sub(description(look), scene["caption"])
        canvas = np.asarray(data.images[number])
        height, width = truth.shape
        image = opaque(canvas)
        x, y = inside(truth)
        asked = {"image": image, "points": [{"x": x + 0.5, "y": y + 0.5}]}
        client.call("mask.segment", **asked)
        answer = client.call("mask.segment", **asked)  # the picture is known now
        seconds.append(answer["seconds"])
        masks = [pixels_of(candidate["mask"], "L") > 127 for candidate in answer["candidates"]]
        overlaps = [overlap(mask, truth) for mask in masks]
        best.append(max(overlaps))
        top_close.append(best[-1] - overlaps[0] <= 0.05)
        request = {
            "image": image,
            "mask": answer["candidates"][0]["mask"],
            "frame": {
                "prompt": prompt,
                "seed": args.seed + number,
                "model": args.model,
                "activate": False,
                "priority": "batch",
            },
        }
        made = client.call("frame.inpaint", **request)["frames"][0]["picture"]
        layer = client.call("frame.inpaint", **request, layer=True)
        drawn, place = pixels_of(made, "RGB"), layer["place"]
        changed = np.zeros((height, width), bool)
        rows = slice(place["y"], place["y"] + place["height"])
        columns = slice(place["x"], place["x"] + place["width"])
        changed[rows, columns] = pixels_of(layer["frames"][0]["picture"], "RGBA")[..., 3] > 0
        untouched += bool((drawn == canvas)[~changed].all())
        frames["repainted"].append(drawn)
        plain = {"model": args.model.removesuffix("-inpaint"), "activate": False}
        frames["plain"].append(draw(client, prompt, args.seed + number, **plain))
        cases.append((person, look))
    figures: dict[str, Any] = {"click, mean best IoU": float(np.mean(best))}
    print(f"click on a person: best of three masks IoU {np.mean(best):.3f} on average", flush=True)
    print(f"median click in a known picture {1000 * np.median(seconds):.0f} ms", flush=True)
    figures["click, median seconds"] = float(np.median(seconds))
    name = "the mask within 0.05"
    figures[name] = told_share(name, top_close)
    name = "outside unchanged"
    figures[name] = told(name, untouched, len(cases))
    model = load(args.judge)
    for how, drawn in frames.items():
        if args.save:
            np.save(args.save.with_name(f"{args.save.stem}-{how}.npy"), np.stack(drawn))
        right: dict[str, list[bool]] = {"hair": [], "top": []}
        for saw, (person, look) in zip(judge(model, np.stack(drawn)), cases, strict=True):
            for part, answers in right.items():
                # A framing of its own may leave the part out; one that is given may not.
                shown = person["visible"].get(part, 0) >= VISIBLE
                found = saw[f"first.{part}"]
                if shown if how == "repainted" else found != HIDDEN:
                    answers.append(saw["people"] == "1" and found == look[part])
        for part, answers in right.items():
            figures[f"{how}, {part}"] = told_share(f"{how}, {part}", answers)
    for part in ("hair", "top"):
        share = figures[f"repainted, {part}"]["value"] / figures[f"plain, {part}"]["value"]
        figures[f"{part}, of plain"] = share
        print(f"{part}: {share:.2f} of the plain rate", flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = ["captions", "shots", "pair", "repaint", "segment", "sheet"]
    parser.add_argument("what", choices=kinds)
    parser.add_argument("--judge", type=Path, help="exported judge, or judge.pt")
    parser.add_argument(
        "--data", type=Path, help="held-out scenes, for captions, repaint and segment"
    )
    parser.add_argument("--model", default="sketch", help="a model of the library")
    parser.add_argument(
        "--frames", type=int, default=200, help="how many; for shots, of each; for segment, persons"
    )
    parser.add_argument("--characters", default="kaitoyosuke,jiyeonmun")
    parser.add_argument("--how", choices=["stacked", "regions"], default="stacked")
    parser.add_argument("--weight", type=float, help="of each character's LoRA")
    parser.add_argument("--loras", help="with --weight: two names, sketch-CHARACTER by default")
    parser.add_argument("--strength", type=float, default=0.3, help="of regions, with --weight")
    parser.add_argument(
        "--hires", type=float, nargs="?", const=2.0, help="captions, shots and sheet in two passes"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="a .npy file for the frames, a .png of the sheet")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    args = parser.parse_args()
    if args.what not in ("segment", "sheet") and not args.judge:
        parser.error(f"{args.what} needs --judge")
    if args.what == "sheet" and not args.save:
        parser.error("sheet needs --save")
    with Client.connect("measure 1.0") as client:
        measures = {"captions": captions, "shots": shots, "pair": pair, "repaint": repaint}
        measures |= {"segment": segment, "sheet": sheet}
        figures = measures[args.what](args, client)
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
