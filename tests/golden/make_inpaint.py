"""Writes `data/inpaint`: what diffusers' inpainting pipeline makes with the model in
`data/pipeline`, and with a 9-channel variant of it.

    python make_inpaint.py data
"""

from __future__ import annotations

import argparse
import inspect
import json
from pathlib import Path

import diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint as module
import torch
from diffusers import StableDiffusionInpaintPipeline, UNet2DConditionModel
from make_golden import LEADING, SAMPLERS, SD_BETAS, Tensors, generator, randomize, save_tensors


def nine_channels(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same UNet with five more, random, input channels."""
    wide = UNet2DConditionModel.from_config(dict(unet.config) | {"in_channels": 9})
    randomize(wide, 601)
    state = unet.state_dict()
    narrow = state["conv_in.weight"]
    extra = wide.state_dict()["conv_in.weight"][:, 4:]
    wide.load_state_dict(state | {"conv_in.weight": torch.cat([narrow, extra], 1)})
    return wide.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the folder that make_golden.py wrote")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    pipe = StableDiffusionInpaintPipeline.from_pretrained(
        options.out / "pipeline", safety_checker=None, requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    unets = {"ordinary": pipe.unet, "inpainting": nine_channels(pipe.unet)}
    random = generator(610)
    noise = torch.randn(1, 4, 8, 8, generator=random)
    image = torch.rand(1, 3, 16, 16, generator=random)
    # On whole latent cells (2x2 pixels), so that every way of shrinking a mask agrees.
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 4:12, 6:14] = 1
    mask[..., 0:2, 0:4] = 1
    golden: Tensors = {
        "noise": noise,
        "image": image,
        "mask": mask,
        "conv_in": unets["inpainting"].conv_in.weight,
    }
    # The mean of the posterior, as this engine encodes; diffusers draws a sample there.
    module.retrieve_latents = lambda output, *_, **__: output.latent_dist.mode()
    module.randn_tensor = lambda *_, **__: noise.clone()
    cases = []
    for kind, unet in unets.items():
        pipe.unet = unet
        for sampler in ("ddim", "euler", "dpmpp-2m-karras", "unipc"):
            for strength in (1.0, 0.6):
                scheduler, own = SAMPLERS[sampler]
                wanted = SD_BETAS | LEADING | own | dict(prediction_type="epsilon")
                accepted = inspect.signature(scheduler.__init__).parameters
                pipe.scheduler = scheduler(**{k: v for k, v in wanted.items() if k in accepted})
                case = f"{kind}/{sampler}/{strength}"
                golden[f"{case}.image"] = pipe(
                    "a red woman in a top shot of a library",
                    negative_prompt="man",
                    image=image,
                    mask_image=mask,
                    height=16,
                    width=16,
                    strength=strength,
                    num_inference_steps=8,
                    guidance_scale=3.0,
                    output_type="pt",
                ).images
                cases.append(dict(case=case, unet=kind, sampler=sampler, strength=strength))
    for case in cases:
        made = golden[f"{case['case']}.image"]
        inside = ((made > 0) & (made < 1)).float().mean().item()
        assert inside > 0.6, f"{case['case']}: only {inside:.0%} of the values are not clipped"
    save_tensors(options.out / "inpaint" / "golden.safetensors", golden)
    (options.out / "inpaint" / "golden.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
