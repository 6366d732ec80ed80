"""Trains a LoRA for a shot type or a character with PEFT, as DreamBooth does (Ruiz et al. 2023).

    framewright-sketch dataset --shot close-up --people 1 --count 200 --seed 51 --out close-up
    python lora.py --model ../weights/sketch --data close-up --shot "close up of" \\
        --out close-up.safetensors

    for people in 1 2; do
        framewright-sketch dataset --character ../characters/jiyeonmun.json --people $people \\
            --count 200 --seed 71 --out jiyeonmun-$people
        framewright-sketch dataset --people $people --count 250 --seed 62 --out people-$people
    done
    python lora.py --model ../weights/sketch --data jiyeonmun-1 jiyeonmun-2 --token jiyeonmun \\
        --look ../characters/jiyeonmun.json --class-data people-1 people-2 \\
        --out jiyeonmun.safetensors

A shot's frames get its phrase before their own captions, so that what differs from frame to frame
is told and only the framing is left to learn. A character's get "picture of TOKEN CLASS" and what
is not the character's look: action, place, light, and whoever is there, too: beside another person
the look must stay with the token. What of the character is seen weighs more than the rest of the
frame, hair most: it is small. Frames of other people, captioned by class, keep the class from
becoming the character (prior preservation, weight 1).
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

import numpy as np
import torch
from captions import BODY, GROUPS, HAIR, TOP, TROUSERS, groups_of_ids
from data import open_all
from diffusers import StableDiffusionPipeline
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor
from unet import SNR_LIMIT, noise_schedule

# Where framing and looks are decided: what attends to the words, and what follows it.
UNET_TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj"]
UNET_TARGETS += ["ff.net.2"]
TEXT_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj"]
LOOK = re.compile(r"^an? (man|woman)( with .*?)?( in an? .*?(top|trousers)(?= ?,|$))")
# How much more than the rest of the frame the parts of a character weigh.
PART_WEIGHTS = {BODY: 3.0, HAIR: 8.0, TOP: 4.0, TROUSERS: 3.0}
# Of two people each is described and placed: "two people: A is on the left …; B is on the right …".
AMONG_OTHERS = re.compile(r"(^two people: |; )an? [^;]*?(?= is on the (left|right))")


def shot_caption(scene: dict, phrase: str, rng: np.random.Generator) -> str:
    """The phrase before the scene's caption, or before no more than its class and place."""
    caption = scene["caption"]
    if rng.random() < 0.3:
        person = scene["people"][0]["class"] if scene["people"] else "person"
        rest = LOOK.sub("", caption) if LOOK.match(caption) else f", {caption}"
        caption = f"a {person}{rest}"
    return f"{phrase} {caption}"


def character_caption(scene: dict, name: str, look: int, rng: np.random.Generator) -> str:
    """The name and whatever is not the look of who bears it."""
    caption = scene["caption"]
    if len(scene["people"]) == 1:
        if not LOOK.match(caption):  # a detail: "a hand of a man holding a cup"
            return f"picture of {re.sub(r'an? (man|woman)', name, caption)}"
        rest = LOOK.sub("", caption)
        return f"picture of {name}{'' if rng.random() < 0.2 else rest}"
    (place,) = (person["position"] for person in scene["people"] if person["look"] == look)
    bare = rng.random() < 0.3

    def words(found: re.Match[str]) -> str:
        if found[2] == place:
            return f"{found[1]}{name}"
        # The prompts that a LoRA is used with name the other one, and say no more.
        stranger = f"{found[1]}{invented_name(rng)} \\1"
        return re.sub(r".*an? (man|woman).*", stranger, found[0]) if bare else found[0]

    return f"picture of {AMONG_OTHERS.sub(words, caption)}"


def invented_name(rng: np.random.Generator) -> str:
    """A name that means nothing, such as "tokavimule"."""
    letters = ("bdfghklmnprstvz", "aeiou")
    return "".join(letters[i % 2][rng.integers(len(letters[i % 2]))] for i in range(10))


def part_weights(ids: np.ndarray, scene: dict, look: int | None) -> Tensor:
    """What each cell of the latents weighs in the loss: the mean over the cell's pixels."""
    side = ids.shape[0] // 8
    weights = np.ones(GROUPS)
    for number, person in enumerate(scene["people"]):
        if person["look"] == look:
            for part, weight in PART_WEIGHTS.items():
                weights[number * 4 + part] = weight
    pixels = weights[groups_of_ids()[ids]]
    return torch.from_numpy(pixels.reshape(side, 8, side, 8).mean((1, 3))).float()


class Examples:
    """Frames as latents, with a caption drawn anew each time; every folder as often.

    Of a character's folders only frames in which somebody of that look is: details of things
    show nobody.
    """

    def __init__(
        self, pipeline: StableDiffusionPipeline, folders: list[Path], look: int | None = None
    ) -> None:
        rng = np.random.default_rng(0)
        self.scenes: list[list[dict]] = []
        self.latents: list[Tensor] = []
        self.weights: list[Tensor] = []
        for data in open_all(folders):
            latents = []
            there = [
                number
                for number, scene in enumerate(data.scenes)
                if look is None or any(person["look"] == look for person in scene["people"])
            ]
            with torch.inference_mode():
                for part in np.array_split(there, -(-len(there) // 16)):
                    pixels = data.pixels(part, None, rng)
                    latents.append(pipeline.vae.encode(pixels).latent_dist.mode())
            self.latents.append(torch.cat(latents) * pipeline.vae.config.scaling_factor)
            self.scenes.append([data.scenes[number] for number in there])
            self.weights.append(
                torch.stack([part_weights(data.ids[n], data.scenes[n], look) for n in there])
            )

    def draw(
        self, count: int, caption, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, list[str]]:
        """Latents, what their cells weigh, and captions."""
        folders = rng.integers(0, len(self.scenes), count)
        picks = [(int(f), int(rng.integers(len(self.scenes[f])))) for f in folders]
        latents = torch.stack([self.latents[f][i] for f, i in picks])
        weights = torch.stack([self.weights[f][i] for f, i in picks])
        return latents, weights, [caption(self.scenes[f][i], rng) for f, i in picks]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="exported diffusers folder")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="frames of the shot or character"
    )
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--shot", help='phrase of the shot, such as "close up of"')
    kind.add_argument("--token", help="token of the character")
    parser.add_argument("--look", type=Path, help="the character's JSON file")
    parser.add_argument(
        "--class-data", type=Path, nargs="+", help="frames of others, for prior preservation"
    )
    parser.add_argument("--prior", type=float, default=1.0, help="weight of the others' loss")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.1, help="share of empty captions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    pipeline = StableDiffusionPipeline.from_pretrained(args.model, torch_dtype=torch.float32)
    unet, text, tokenizer = pipeline.unet, pipeline.text_encoder, pipeline.tokenizer
    if args.token and not args.look:
        parser.error("--token needs --look, so that the character is known beside others")
    look = json.loads(args.look.read_text()) if args.look else {}
    subject = Examples(pipeline, args.data, look.get("look"))
    others = Examples(pipeline, args.class_data) if args.class_data else None
    if args.shot:
        trigger = args.shot
        caption = lambda scene, rng: shot_caption(scene, args.shot, rng)  # noqa: E731
    else:
        trigger = f"{args.token} {look['class']}"
        caption = lambda scene, rng: character_caption(  # noqa: E731
            scene, trigger, look["look"], rng
        )
    of_class = lambda scene, rng: f"picture of {scene['caption']}"  # noqa: E731

    for module, targets in ((unet, UNET_TARGETS), (text, TEXT_TARGETS)):
        module.requires_grad_(False)
        module.add_adapter(LoraConfig(r=args.rank, lora_alpha=args.rank, target_modules=targets))
    trained = [p for m in (unet, text) for p in m.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=args.rate, betas=(0.9, 0.99), weight_decay=0.01)
    schedule = noise_schedule()
    kept_of = schedule.alphas_cumprod
    losses, started = [], time.time()
    for step in range(args.steps):
        rate = args.rate * min(1, (step + 1) / 20) * min(1, 2.5 * (1 - step / args.steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        latents, cells, captions = subject.draw(args.batch, caption, rng)
        weight = torch.ones(len(latents))
        if others is not None:
            more, theirs, words = others.draw(args.batch, of_class, rng)
            latents, captions = torch.cat([latents, more]), captions + words
            cells = torch.cat([cells, theirs])
            weight = torch.cat([weight, torch.full((len(more),), args.prior)])
        count = len(latents)
        captions = ["" if rng.random() < args.dropout else words for words in captions]
        ids = tokenizer(
            captions, padding="max_length", truncation=True, max_length=77, return_tensors="pt"
        ).input_ids
        # One time step from each of n equal parts: less variance than n free draws.
        times = torch.from_numpy((rng.permutation(count) + rng.random(count)) / count * 1000).long()
        noise = torch.randn_like(latents)
        noisy = schedule.add_noise(latents, noise, times)
        velocity = schedule.get_velocity(latents, noise, times)
        made = unet(noisy, times, text(ids).last_hidden_state, return_dict=False)[0]
        kept = kept_of[times]
        snr = kept / (1 - kept).clamp_min(1e-6)
        weight = weight * (snr + 1).clamp(max=SNR_LIMIT) / (snr + 1)
        error = ((made - velocity).square().mean(1) * cells).mean((1, 2)) / cells.mean((1, 2))
        loss = (error * weight).sum() / weight.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            mean = sum(losses[-50:]) / 50
            print(f"step {step + 1} {time.time() - started:.0f}s loss {mean:.4f}", flush=True)
    save(args, unet, text, trigger)


def save(args: argparse.Namespace, unet: torch.nn.Module, text: torch.nn.Module, trigger: str):
    """One float16 file in PEFT's names; alpha equals rank, so weight 1 is what was trained."""
    tensors = {}
    for prefix, module in (("unet", unet), ("text_encoder", text)):
        for key, value in get_peft_model_state_dict(module).items():
            tensors[f"{prefix}.{key}"] = value.half().contiguous()
    about = {"trigger_words": trigger, "base_model": "sketch", "steps": str(args.steps)}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    save_file(tensors, partial, about)
    partial.rename(args.out)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB, {len(tensors)} tensors", flush=True)


if __name__ == "__main__":
    main()
