"""Trains the denoising UNet on cached latents; also, with --inpaint, its 9-channel variant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from captions import Captions
from data import Scenes, held_out, open_all
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from grounding import GroundedAttention, Grounding
from group_norm import fuse_norms
from latents import Batch, Latents
from optimizer import Master
from progress import Run, arguments, precision, resume, save
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

CAPTION_DROPOUT = 0.1
SNR_LIMIT = 5.0
INSIDE_PERSONS = 1.5
OUTSIDE_MASK = 0.3


def noise_schedule() -> DDIMScheduler:
    """v-prediction, zero terminal SNR, trailing steps (Lin et al. 2024)."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,  # of no effect with trailing steps; diffusers asks for it
    )


def build(
    channels: tuple[int, ...], text_width: int, side: int, inputs: int = 4
) -> UNet2DConditionModel:
    """Attention from the second level down: text and picture meet on 8x8 and 4x4 cells."""
    lower = len(channels) - 1
    return UNet2DConditionModel(
        sample_size=side,
        in_channels=inputs,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=channels,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * lower,
        up_block_types=("CrossAttnUpBlock2D",) * lower + ("UpBlock2D",),
        cross_attention_dim=text_width,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def widen_input(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The inpainting variant: mask and masked latents enter through new, zero weights."""
    config = dict(unet.config) | {"in_channels": 9}
    wide = UNet2DConditionModel.from_config(config)
    state = unet.state_dict()
    narrow = state["conv_in.weight"]
    state["conv_in.weight"] = torch.cat(
        [narrow, torch.zeros_like(narrow[:, :1]).repeat(1, 5, 1, 1)], 1
    )
    wide.load_state_dict(state)
    return wide


def random_masks(scenes: Scenes, index: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Masks (n, 1, size, size): a person's outline, what is around a person, or any box.

    An outline is what a click selects: of some of the people in the frame, grown by a few pixels.
    """
    size = scenes.images.shape[1]
    masks = torch.zeros(len(index), 1, size, size)
    for row, number in enumerate(index):
        people = [p for p in scenes.scenes[number]["people"] if p.get("box")]
        kind = rng.random()
        if people and kind < 0.45:
            outline = torch.from_numpy(person_pixels(scenes.ids[number], rng)).float()
            grow = int(rng.integers(0, size // 10))
            grown = torch.nn.functional.max_pool2d(outline[None, None], 2 * grow + 1, 1, grow)
            masks[row] = grown[0]
            continue
        if people and kind < 0.7:
            x0, y0, x1, y1 = (int(v) for v in people[rng.integers(len(people))]["box"])
            grow = rng.integers(0, size // 10, 4)
            x0, y0, x1, y1 = x0 - grow[0], y0 - grow[1], x1 + grow[2], y1 + grow[3]
        else:
            width, height = rng.integers(size // 6, size, 2)
            x0, y0 = (
                rng.integers(-width // 3, size - width // 2),
                rng.integers(-height // 3, size - height // 2),
            )
            x1, y1 = x0 + width, y0 + height
        masks[row, 0, max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 1
    return masks


def person_pixels(ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where one of the people of a frame is seen, in truth values."""
    persons = np.where((ids >= 1) & (ids < 33), (ids.astype(int) - 1) // 16, -1)
    there = [person for person in (0, 1) if (persons == person).any()]
    return persons == (there[rng.integers(len(there))] if there else -1)


def choose(
    sets: list[Latents], size: int, single: float, rng: np.random.Generator
) -> tuple[Latents, np.ndarray]:
    """Scenes of one dataset, each as often as the others, of whatever size their frames are.

    A share of them has surely one person only.
    """
    chosen = sets[rng.integers(len(sets))]
    last = min(len(chosen), len(chosen.scenes) - held_out(len(chosen.scenes)))
    index = rng.integers(0, last, size)
    alone = chosen.by_people[1][chosen.by_people[1] < last]
    only = rng.random(size) < single
    index[only] = rng.choice(alone, only.sum())
    return chosen, index


class Objective:
    """The loss of a batch: velocities, weighted by SNR and by where persons stand."""

    def __init__(
        self, unet: UNet2DConditionModel, text: CLIPTextModel, empty: Tensor, train_text: bool
    ) -> None:
        self.unet, self.text, self.empty, self.train_text = unet, text, empty, train_text
        self.grounding = Grounding()
        unet.set_attn_processor(GroundedAttention(self.grounding))
        self.schedule = noise_schedule()
        self.kept = self.schedule.alphas_cumprod.to(unet.device)

    def __call__(
        self, batch: Batch, rng: np.random.Generator, extra: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        count = len(batch.ids)
        device = batch.ids.device
        dropped = torch.from_numpy(rng.random(count) < CAPTION_DROPOUT).to(device)
        ids = torch.where(dropped[:, None], self.empty, batch.ids)
        with torch.set_grad_enabled(self.train_text):
            states = self.text(input_ids=ids).last_hidden_state
        # One time step from each of n equal parts of the schedule: less variance than n free draws.
        times = (
            torch.from_numpy((rng.permutation(count) + rng.random(count)) / count * 1000)
            .long()
            .to(device)
        )
        noise = torch.randn_like(batch.latents)
        kept = self.kept[times]
        noisy = self.schedule.add_noise(batch.latents, noise, times)
        velocity = self.schedule.get_velocity(batch.latents, noise, times)
        if extra is not None:
            noisy = torch.cat([noisy, extra], 1)
        self.grounding.begin(batch.token_groups, batch.cells, (0.25 + 0.75 * kept) * ~dropped)
        noisy = noisy.to(self.unet.dtype, memory_format=torch.channels_last)
        made = self.unet(noisy, times, states, return_dict=False)[0]
        error = (made.float() - velocity).square().mean(1)
        persons = batch.cells[:, 1:].sum(1)
        error = error * (1 + (INSIDE_PERSONS - 1) * persons)
        if extra is not None:  # what is drawn outside the mask is thrown away
            error = error * (OUTSIDE_MASK + (1 - OUTSIDE_MASK) * extra[:, 0])
        # The error of the clean latents, (snr + 1) times as large, counts up to a limit.
        snr = kept / (1 - kept).clamp_min(1e-6)
        weight = (snr + 1).clamp(max=SNR_LIMIT) / (snr + 1)
        return (error.mean((1, 2)) * weight).mean() / weight.mean(), self.grounding.loss()


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument(
        "--text", type=Path, required=True, help="folder of the text tower and the tokenizer"
    )
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--scenes", type=int, default=10**9, help="of each folder, at most")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--ema", type=float, default=0.998, help="less for a few hundred steps")
    parser.add_argument("--grounding", type=float, default=0.1, help="weight of the attention loss")
    parser.add_argument(
        "--single-steps", type=int, default=1500, help="steps until pairs come at their full share"
    )
    parser.add_argument("--train-text", action="store_true")
    parser.add_argument("--inpaint", action="store_true")
    parser.add_argument(
        "--start", type=Path, help="exported model to start from (unet/, text_encoder/)"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = CLIPTokenizer.from_pretrained(args.text)
    captions = Captions(tokenizer)
    vae = AutoencoderKL.from_pretrained(args.vae).eval().to(args.device)
    sets = [
        Latents(
            scenes,
            vae,
            captions,
            args.out.parent / "latents" / f"{args.vae.parent.name}-{folder.name}.pt",
            args.scenes,
        )
        for scenes, folder in zip(open_all(args.data), args.data, strict=True)
    ]
    if args.start:
        text = CLIPTextModel.from_pretrained(args.start / "text_encoder", dtype=torch.float32)
        unet = UNet2DConditionModel.from_pretrained(args.start / "unet")
    else:
        text = CLIPTextModel.from_pretrained(args.text, dtype=torch.float32)
        unet = build(tuple(args.channels), text.config.hidden_size, args.size // 8)
    if args.inpaint and unet.config.in_channels == 4:
        unet = widen_input(unet)
    print(f"UNet {sum(p.numel() for p in unet.parameters()) / 1e6:.2f} M parameters", flush=True)
    text.requires_grad_(args.train_text)
    # Masters are made from the float32 weights, before these are rounded.
    exact = {f"unet.{k}": p.detach().clone() for k, p in unet.named_parameters()}
    exact |= {f"text.{k}": p.detach().clone() for k, p in text.named_parameters()}
    dtype = precision(args.device)
    unet.to(args.device, dtype, memory_format=torch.channels_last)
    text.to(args.device, dtype)
    fuse_norms(unet)
    master = Master({"unet": unet, "text": text}, ema=args.ema)
    for key in master.master:
        master.master[key].copy_(exact[key])
        master.ema[key].copy_(exact[key])
    run = Run(args.out, args.minutes, args.cooldown, args.rate)
    resume(args.out / "checkpoint.pt", master, run)
    empty = torch.from_numpy(
        captions.encode("", {"people": [], "setting": "", "light": ""})[0].astype(np.int64)
    )
    objective = Objective(unet, text, empty.to(args.device), args.train_text)
    rng = np.random.default_rng(args.seed + run.step)
    if args.inpaint:
        vae.to(dtype=dtype, memory_format=torch.channels_last)
    for step in run.steps():
        single = max(0.0, 1 - step / max(1, args.single_steps))
        chosen, index = choose(sets, args.batch, single, rng)
        batch = chosen.batch(index, rng)
        extra = inpainting_channels(chosen.scenes, batch, vae, rng) if args.inpaint else None
        loss, grounding = objective(batch, rng, extra)
        (loss + args.grounding * grounding).backward()
        norm = master.step(run.learning_rate())
        run.log(loss=loss, grounding=grounding, norm=norm)
        if run.save_if_due(master):
            export(unet, text, master, args.out)
    save(args.out / "checkpoint.pt", master, run.step)
    export(unet, text, master, args.out)
    print(f"stopped at step {run.step}", flush=True)


def inpainting_channels(
    scenes: Scenes, batch: Batch, vae: AutoencoderKL, rng: np.random.Generator
) -> Tensor:
    """Mask and latents of the masked picture, as Stable Diffusion's inpainting UNet takes them."""
    mask = random_masks(scenes, batch.index, rng).to(vae.device)
    pixels = scenes.pixels(batch.index, None, rng, vae.device.type) * (mask < 0.5)
    pixels = pixels.to(vae.dtype, memory_format=torch.channels_last)
    with torch.no_grad():
        hidden = vae.encode(pixels).latent_dist.mode()
    side = batch.latents.shape[-1]
    small = torch.nn.functional.interpolate(mask, size=(side, side))
    return torch.cat([small, hidden.float() * vae.config.scaling_factor], 1)


def export(unet: UNet2DConditionModel, text: CLIPTextModel, master: Master, out: Path) -> None:
    """The EMA weights as diffusers folders, beside the checkpoint."""
    for name, module in (("unet", unet), ("text_encoder", text)):
        state = {k: v.detach().float().cpu() for k, v in module.state_dict().items()}
        state |= {
            k.removeprefix(f"{name[:4]}."): v
            for k, v in master.ema.items()
            if k.startswith(f"{name[:4]}.")
        }
        module.save_pretrained(out / name, state_dict={k: v.contiguous() for k, v in state.items()})


if __name__ == "__main__":
    main()
