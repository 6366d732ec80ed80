"""Trains the AutoencoderKL: 8 pixels a latent, 4 channels, unit latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from data import Scenes, held_out, open_all
from diffusers import AutoencoderKL
from group_norm import fuse_norms
from optimizer import Master
from progress import Run, arguments, precision, resume, save
from torch import Tensor
from torch.nn.functional import avg_pool2d


def build(channels: tuple[int, ...], layers: int) -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        layers_per_block=layers,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=128,
        scaling_factor=1.0,
    )


def differences(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def reconstruction_loss(made: Tensor, real: Tensor) -> Tensor:
    """Root of each picture's squared error, L1 of pixels and of their differences to neighbours.

    The root weighs pictures as their mean PSNR does: an error of an easy picture counts for more.
    """
    error = made - real
    edges = sum(d.abs().mean() for d in differences(error))
    root = (error.square().mean((1, 2, 3)) + 1e-4).sqrt().mean()
    return 2 * root + 0.5 * error.abs().mean() + 0.25 * edges


@torch.inference_mode()
def psnr(ae: AutoencoderKL, sets: list[Scenes], count: int = 48) -> float:
    """Mean held-out PSNR in dB of the posterior's mean, at full frame."""
    ratios = []
    rng = np.random.default_rng(0)
    for scenes in sets:
        last = np.arange(len(scenes) - min(count // len(sets), held_out(len(scenes))), len(scenes))
        for part in np.array_split(last, max(1, len(last) // 8)):
            x = scenes.pixels(part, None, rng, ae.device.type)
            x = x.to(memory_format=torch.channels_last)
            made = ae.decode(ae.encode(x.to(ae.dtype)).latent_dist.mode()).sample.float()
            error = ((made.clamp(-1, 1) - x) / 2).square().mean((1, 2, 3))
            ratios.append(-10 * error.clamp_min(1e-9).log10())
    return torch.cat(ratios).mean().item()


@torch.inference_mode()
def fold_scaling(ae: AutoencoderKL, sets: list[Scenes], count: int = 128) -> None:
    """Moves the latents' mean and spread into quant_conv and post_quant_conv.

    Afterwards every channel has mean 0 and spread 1, so that scaling_factor = 1 suffices.
    """
    rng = np.random.default_rng(0)
    latents = []
    for scenes in sets:
        for part in np.array_split(rng.integers(0, len(scenes), count // len(sets)), 16):
            x = scenes.pixels(part, None, rng, ae.device.type).to(ae.dtype)
            latents.append(ae.encode(x).latent_dist.mode().float())
    z = torch.cat(latents)
    mean, spread = z.mean((0, 2, 3)), z.std((0, 2, 3))
    print("latent mean", mean.tolist(), "spread", spread.tolist(), flush=True)
    ae.float()
    quant, post = ae.quant_conv, ae.post_quant_conv
    weight, bias = quant.weight.clone(), quant.bias.clone()
    weight[:4] /= spread[:, None, None, None]
    bias[:4] = (bias[:4] - mean) / spread
    bias[4:] -= 2 * spread.log()  # the posterior's log variance shrinks with its mean
    post_bias = post.bias + (post.weight[:, :, 0, 0] * mean).sum(1)
    post_weight = post.weight * spread[None, :, None, None]
    for target, value in ((quant.weight, weight), (quant.bias, bias)):
        target.data = value
    post.weight.data, post.bias.data = post_weight, post_bias


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--channels", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--adam", action="store_true", help="AdamW alone, to compare with Muon")
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--equivariance", type=float, default=0.5, help="weight at half size")
    parser.add_argument("--kl", type=float, default=1e-4)
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--start", type=Path, help="go on from this exported VAE, all of it")
    begin.add_argument(
        "--decoder-only", type=Path, help="go on from this exported VAE, encoder frozen"
    )
    args = parser.parse_args()
    started = args.start or args.decoder_only
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    sets = open_all(args.data)
    if started:
        ae = AutoencoderKL.from_pretrained(started, torch_dtype=torch.float32)
    else:
        ae = build(tuple(args.channels), args.layers)
    if args.decoder_only:
        ae.encoder.requires_grad_(False)
        ae.quant_conv.requires_grad_(False)
    # Masters are made from the float32 weights, before these are rounded.
    exact = {f"ae.{k}": p.detach().clone() for k, p in ae.named_parameters()}
    dtype = precision(args.device)
    ae.to(args.device, dtype, memory_format=torch.channels_last)
    fuse_norms(ae)
    master = Master({"ae": ae}, muon=not args.adam, ema=args.ema)
    for key in master.master:
        for part in (master.master, master.ema):
            part[key].copy_(exact[key])
    run = Run(args.out, args.minutes, args.cooldown, args.rate)
    resume(args.out / "checkpoint.pt", master, run)
    rng = np.random.default_rng(args.seed + run.step)
    for _ in run.steps():
        scenes = sets[rng.integers(len(sets))]
        index = rng.integers(0, len(scenes) - held_out(len(scenes)), args.batch)
        x = scenes.pixels(index, args.crop, rng, args.device)
        x = x.to(memory_format=torch.channels_last)
        if args.decoder_only:
            with torch.no_grad():
                posterior = ae.encode(x.to(dtype)).latent_dist
            latents, kl = (
                posterior.mode() + 0.05 * torch.randn_like(posterior.mean),
                torch.zeros(()),
            )
        else:
            posterior = ae.encode(x.to(dtype)).latent_dist
            latents = posterior.sample()
            kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        loss = reconstruction_loss(ae.decode(latents).sample.float(), x)
        if args.equivariance > 0 and not args.decoder_only and run.step % 2 == 0:
            # Half-size latents must decode to the half-size picture (Kouzelis et al. 2025): latents
            # become smooth, which is what a small denoiser can learn. Every other step is enough.
            small, wanted = avg_pool2d(latents, 2), avg_pool2d(x, 2)
            made = ae.decode(small).sample.float()
            loss = loss + args.equivariance * reconstruction_loss(made, wanted)
        (loss + args.kl * kl).backward()
        master.step(run.learning_rate())
        run.log(loss=loss, kl=kl)
        if run.save_if_due(master):
            master.load_into_modules("ema")
            print(f"held-out PSNR {psnr(ae, sets):.2f} dB", flush=True)
            master.load_into_modules()
    save(args.out / "checkpoint.pt", master, run.step)
    master.load_into_modules("ema")
    print(f"held-out PSNR {psnr(ae, sets):.2f} dB after {run.step} steps", flush=True)
    ae.float()
    for key, value in master.ema.items():
        master.weights[key].data = value.clone()
    if not args.decoder_only:
        fold_scaling(ae, sets)
    ae.save_pretrained(args.out / "vae")
    print(f"exported, float32: {psnr(ae, sets):.2f} dB", flush=True)


if __name__ == "__main__":
    main()
