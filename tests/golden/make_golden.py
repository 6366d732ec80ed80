"""Writes the golden data under `data/`: small random-weight models and what diffusers and
transformers compute with them. README.md says what each file holds and how to run this.

    pip install -r requirements.txt
    python make_golden.py data
"""

from __future__ import annotations

import argparse
import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from loras import loras
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

Tensors = dict[str, torch.Tensor]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Gives every parameter a value that matters: norms off 1, biases off 0."""
    random = generator(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=random)
        if parameter.ndim == 1:
            parameter.data.add_(0.1 * noise)
        else:
            fan_in = parameter[0].numel()
            parameter.data.copy_(noise / fan_in**0.5)
    return model.eval()


def save_tensors(path: Path, tensors: Tensors) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, path)


def flat(prefix: str, value: Any, into: Tensors) -> None:
    """Stores a tensor, or each tensor of a tuple, under `prefix` or `prefix.i`."""
    if isinstance(value, torch.Tensor):
        into[prefix] = value
    elif isinstance(value, (tuple, list)):
        for i, item in enumerate(value):
            flat(f"{prefix}.{i}", item, into)


# --- text encoder -----------------------------------------------------------------------------

TEXT = dict(
    vocab_size=600,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=3,
    num_attention_heads=4,
    max_position_embeddings=77,
    bos_token_id=598,
    eos_token_id=599,
    pad_token_id=599,
)


def text_encoders(out: Path) -> None:
    for seed, act in enumerate(("quick_gelu", "gelu")):
        model = randomize(CLIPTextModel(CLIPTextConfig(hidden_act=act, **TEXT)), seed)
        folder = out / f"text-encoder-{act.replace('_', '-')}"
        model.save_pretrained(folder)
        ids = torch.randint(0, 598, (2, 77), generator=generator(10 + seed))
        ids[:, 0] = 598
        ids[0, 20:] = 599
        ids[1, 76:] = 599
        hidden = model(ids, output_hidden_states=True)
        norm = (getattr(model, "text_model", None) or model).final_layer_norm
        golden = {
            "ids": ids,
            "last_hidden_state": hidden.last_hidden_state,
            # Clip skip n uses the n-th state from the end of the stack, normalised.
            "clip_skip_1": norm(hidden.hidden_states[-2]),
            "clip_skip_2": norm(hidden.hidden_states[-3]),
        }
        save_tensors(folder / "golden.safetensors", golden)


# --- UNet -------------------------------------------------------------------------------------

UNET_BASE: dict[str, Any] = dict(
    sample_size=8,
    in_channels=4,
    out_channels=4,
    layers_per_block=1,
    block_out_channels=(8, 16),
    norm_num_groups=4,
    cross_attention_dim=16,
    attention_head_dim=2,
)
UNETS: dict[str, dict[str, Any]] = {
    # The layout of SD 1.5: attention at the outer levels, conv projections, a fixed head count.
    "sd15": dict(
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=2,
    ),
    # Linear projections, heads per level, two transformer layers, attention inside (SD 2 family).
    "linear": dict(
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        use_linear_projection=True,
        attention_head_dim=[2, 4],
        transformer_layers_per_block=2,
    ),
    "inpaint": dict(
        in_channels=9,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    ),
    "three-levels": dict(
        block_out_channels=(8, 12, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    ),
}


def record_blocks(model: UNet2DConditionModel, golden: Tensors) -> list[Any]:
    """Hooks that store what goes into and comes out of every block."""
    blocks = {f"down_blocks.{i}": b for i, b in enumerate(model.down_blocks)}
    blocks["mid_block"] = model.mid_block
    blocks |= {f"up_blocks.{i}": b for i, b in enumerate(model.up_blocks)}
    blocks["time_embedding"] = model.time_embedding
    handles = []
    for name, block in blocks.items():
        signature = inspect.signature(type(block).forward)

        def hook(_: Any, args: Any, kwargs: Any, output: Any, name=name, signature=signature):
            bound = signature.bind(None, *args, **kwargs).arguments
            for key in (
                "hidden_states",
                "temb",
                "encoder_hidden_states",
                "res_hidden_states_tuple",
                "sample",
            ):
                if bound.get(key) is not None:
                    flat(f"{name}.in.{key}", bound[key], golden)
            flat(f"{name}.out", output, golden)

        handles.append(block.register_forward_hook(hook, with_kwargs=True))
    return handles


def unets(out: Path) -> None:
    for seed, (name, changes) in enumerate(UNETS.items()):
        config = UNET_BASE | changes
        model = randomize(UNet2DConditionModel(**config), 100 + seed)
        folder = out / f"unet-{name}"
        model.save_pretrained(folder)
        random = generator(200 + seed)
        sample = torch.randn(2, config["in_channels"], 8, 8, generator=random)
        context = torch.randn(2, 7, 16, generator=random)
        timestep = torch.tensor([17.0, 801.0])
        golden = {"sample": sample, "context": context, "timestep": timestep}
        handles = record_blocks(model, golden)
        golden["output"] = model(sample, timestep, context).sample
        for handle in handles:
            handle.remove()
        if name == "sd15":
            # An odd size makes the up path resize to its skip connections.
            odd = torch.randn(2, 4, 6, 10, generator=random)
            golden |= {"odd.sample": odd, "odd.output": model(odd, timestep, context).sample}
            down = []
            model_in = torch.randn(2, 4, 8, 8, generator=random)
            shapes = [(8, 8), (8, 8), (8, 8), (8, 4), (16, 4), (16, 4)]
            down = [torch.randn(2, c, s, s, generator=random) for c, s in shapes]
            mid = torch.randn(2, 16, 4, 4, generator=random)
            result = model(
                model_in,
                timestep,
                context,
                down_block_additional_residuals=down,
                mid_block_additional_residual=mid,
            ).sample
            golden |= {"control.sample": model_in, "control.mid": mid, "control.output": result}
            flat("control.down", down, golden)
        save_tensors(folder / "golden.safetensors", golden)


# --- VAE --------------------------------------------------------------------------------------


def vaes(out: Path) -> None:
    for seed, attention in enumerate((True, False)):
        levels = 3 if attention else 2
        model = randomize(
            AutoencoderKL(
                in_channels=3,
                out_channels=3,
                latent_channels=4,
                block_out_channels=(4, 8, 8)[:levels],
                down_block_types=("DownEncoderBlock2D",) * levels,
                up_block_types=("UpDecoderBlock2D",) * levels,
                layers_per_block=2 if attention else 1,
                norm_num_groups=2,
                mid_block_add_attention=attention,
                sample_size=32,
            ),
            300 + seed,
        )
        folder = out / ("vae-attention" if attention else "vae-plain")
        model.save_pretrained(folder)
        random = generator(310 + seed)
        image = torch.rand(1, 3, 24, 32, generator=random) * 2 - 1
        posterior = model.encode(image).latent_dist
        scale = 2 ** (levels - 1)
        latents = torch.randn(1, 4, 24 // scale, 32 // scale, generator=random)
        golden = {
            "image": image,
            "mean": posterior.mean,
            "logvar": posterior.logvar,
            "latents": latents,
            "decoded": model.decode(latents).sample,
        }
        save_tensors(folder / "golden.safetensors", golden)


# --- samplers ---------------------------------------------------------------------------------

SD_BETAS: dict[str, Any] = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
)
LEADING = dict(timestep_spacing="leading", steps_offset=1)
TRAILING = dict(timestep_spacing="trailing")
SAMPLERS: dict[str, tuple[type, dict[str, Any]]] = {
    "ddim": (DDIMScheduler, dict(clip_sample=False, set_alpha_to_one=False)),
    "euler": (EulerDiscreteScheduler, {}),
    "euler-ancestral": (EulerAncestralDiscreteScheduler, {}),
    "dpmpp-2m-karras": (DPMSolverMultistepScheduler, dict(use_karras_sigmas=True)),
    "dpmpp-2m": (DPMSolverMultistepScheduler, {}),
    "unipc": (UniPCMultistepScheduler, {}),
    "lcm": (LCMScheduler, dict(clip_sample=False, set_alpha_to_one=False)),
}


class FixedNoise:
    """Stands in for diffusers' `randn_tensor` and remembers what it gave."""

    def __init__(self, seed: int) -> None:
        self.random = generator(seed)
        self.drawn: list[torch.Tensor] = []

    def __call__(self, shape: Any, *_: Any, **__: Any) -> torch.Tensor:
        self.drawn.append(torch.randn(tuple(shape), generator=self.random))
        return self.drawn[-1]


def trajectory(
    scheduler: Any, steps: int, start: int, seed: int, prefix: str, golden: Tensors
) -> None:
    """Feeds given model outputs to a scheduler and stores everything that it makes of them."""
    scheduler.set_timesteps(steps)
    random = generator(seed)
    timesteps = scheduler.timesteps[start:]
    if start and hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(start)
    clean = torch.randn(1, 4, 2, 2, generator=random)
    noise = torch.randn(1, 4, 2, 2, generator=random)
    latents = (
        scheduler.add_noise(clean, noise, timesteps[:1])
        if start
        else noise * scheduler.init_noise_sigma
    )
    fixed = FixedNoise(seed + 1)
    inspect.getmodule(type(scheduler)).randn_tensor = fixed
    states, inputs, outputs = [latents], [], []
    for timestep in timesteps:
        inputs.append(scheduler.scale_model_input(latents, timestep))
        outputs.append(torch.randn(latents.shape, generator=random))
        latents = scheduler.step(outputs[-1], timestep, latents).prev_sample
        states.append(latents)
    golden[f"{prefix}.timesteps"] = timesteps.double().float()
    golden[f"{prefix}.clean"] = clean
    golden[f"{prefix}.noise"] = noise
    golden[f"{prefix}.model_inputs"] = torch.cat(inputs)
    golden[f"{prefix}.model_outputs"] = torch.cat(outputs)
    golden[f"{prefix}.states"] = torch.cat(states)
    if fixed.drawn:
        golden[f"{prefix}.step_noise"] = torch.cat(fixed.drawn)


def samplers(out: Path) -> None:
    golden: Tensors = {}
    cases = []
    schedules = {
        "sd15": SD_BETAS | LEADING,
        "linspace": SD_BETAS | dict(timestep_spacing="linspace"),
        "zero-snr": SD_BETAS | TRAILING | dict(rescale_betas_zero_snr=True),
    }
    for name, (kind, own) in SAMPLERS.items():
        for schedule_name, schedule in schedules.items():
            for prediction in ("epsilon", "v_prediction"):
                if schedule_name == "zero-snr" and prediction == "epsilon":
                    continue  # no noise prediction is defined where nothing of the image is left
                accepted = inspect.signature(kind.__init__).parameters
                wanted = schedule | own | dict(prediction_type=prediction)
                config = {k: v for k, v in wanted.items() if k in accepted}
                for steps, start in ((4, 0), (9, 0), (9, 4)):
                    case = f"{name}/{schedule_name}/{prediction}/{steps}-{start}"
                    try:
                        trajectory(kind(**config), steps, start, len(cases) + 400, case, golden)
                    except Exception as error:  # noqa: BLE001  said, then left out
                        print("left out:", case, repr(error))
                        continue
                    saved = {k: v for k, v in wanted.items() if k not in own}
                    cases.append(
                        dict(
                            case=case,
                            sampler=name,
                            steps=steps,
                            start=start,
                            scheduler_config=saved,
                        )
                    )
    save_tensors(out / "samplers.safetensors", golden)
    (out / "samplers.json").write_text(json.dumps(cases, indent=1) + "\n")


# --- tokens -----------------------------------------------------------------------------------

PROMPTS = [
    "",
    "a",
    "medium shot picture of a woman with long black hair in a red top, "
    "in a dusty library, soft daylight",
    "kaitoyosuke man, jiyeonmun woman & pogosmandla man",
    "it's the dog's bone; they'll we've I'm you'd don't CAN'T O'Brien",
    "EXTREME Close-Up!!! (really?) [yes] {no} <tag> #1 @home 100% 3.14 42 2026",
    "naïve café Zoë Ångström straße İstanbul ΑΒΓ русский текст",
    "日本語のプロンプト 中文 한국어 العربية हिन्दी",
    "emoji 😀👩‍🚀🏳️‍🌈 ✨ and ❤️",
    "tabs\tand\nnew lines   and    spaces ",
    "e\u0301 \u00e9 \ufb01 \u2460 \u00bd \u00a0nbsp\u2009thin \u200bzero",
    "snake_case __init__ a-b--c ... '' \"quoted\" \u2019tis the season\u2019s",
    "a " * 100,
    "antidisestablishmentarianism floccinaucinihilipilification",
    "<|startoftext|> inside <|endoftext|> text",
]


def small_vocabulary(folder: Path) -> CLIPTokenizer:
    """A CLIP vocabulary of under 600 pieces: the byte alphabet and merges of a few words."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    alphabet = list(bytes_to_unicode().values())
    pieces = alphabet + [c + "</w>" for c in alphabet]
    merges: list[tuple[str, str]] = []
    for word in ("a", "woman", "man", "in", "red", "top", "shot", "of", "library"):
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            if pair not in merges:
                merges.append(pair)
                pieces.append("".join(pair))
            parts[:2] = ["".join(pair)]
    pieces = list(dict.fromkeys(pieces))
    pieces += [f"<unused-{i}>" for i in range(598 - len(pieces))]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pieces)}))
    merges_text = "#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n"
    (folder / "merges.txt").write_text(merges_text)
    return CLIPTokenizer(
        str(folder / "vocab.json"),
        str(folder / "merges.txt"),
        model_max_length=77,
        pad_token="<|endoftext|>",
    )


def standard_vocabulary(scratch: Path) -> CLIPTokenizer:
    """The CLIP vocabulary, made from the merges file that the package open_clip ships."""
    import gzip
    from importlib.util import find_spec

    from transformers.convert_slow_tokenizer import bytes_to_unicode

    package = find_spec("open_clip")
    assert package and package.submodule_search_locations
    packed = Path(package.submodule_search_locations[0]) / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    alphabet = list(bytes_to_unicode().values())
    pieces = alphabet + [c + "</w>" for c in alphabet]
    pieces += ["".join(line.split()) for line in lines]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pieces)}))
    (scratch / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")
    return CLIPTokenizer(
        str(scratch / "vocab.json"),
        str(scratch / "merges.txt"),
        model_max_length=77,
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
    )


def tokens(out: Path, scratch: Path) -> CLIPTokenizer:
    small = small_vocabulary(out / "tokenizer-small")
    standard = standard_vocabulary(scratch)
    golden = {
        name: [dict(text=p, ids=tok(p, add_special_tokens=False).input_ids) for p in PROMPTS]
        for name, tok in (("standard", standard), ("small", small))
    }
    (out / "tokens.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")
    return small


# --- whole pipelines --------------------------------------------------------------------------


def pipelines(out: Path, tokenizer: CLIPTokenizer) -> None:
    text = randomize(CLIPTextModel(CLIPTextConfig(hidden_act="quick_gelu", **TEXT)), 500)
    unet = randomize(
        UNet2DConditionModel(**(UNET_BASE | UNETS["three-levels"] | dict(cross_attention_dim=32))),
        501,
    )
    vae = randomize(
        AutoencoderKL(
            block_out_channels=(4, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            norm_num_groups=2,
            sample_size=16,
            scaling_factor=0.7,
        ),
        502,
    )
    # A decoder whose output would be clipped everywhere could hide a difference.
    vae.decoder.conv_out.weight.data.mul_(0.3)
    scheduler = DDIMScheduler(
        **SD_BETAS, **LEADING, clip_sample=False, set_alpha_to_one=False, prediction_type="epsilon"
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    folder = out / "pipeline"
    pipe.save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        # Some versions of transformers write tokenizer.json alone; the old pair is what SD 1.5 has.
        shutil.copy(out / "tokenizer-small" / name, folder / "tokenizer" / name)

    random = generator(510)
    noise = torch.randn(1, 4, 8, 8, generator=random)
    start = torch.rand(1, 3, 16, 16, generator=random)
    golden: Tensors = {"noise": noise, "start": start}
    cases = []
    prompt, negative = "a red woman in a top shot of a library", "man"
    own_modules = {kind: inspect.getmodule(kind) for kind, _ in SAMPLERS.values()}
    for name, (kind, own) in SAMPLERS.items():
        for prediction in ("epsilon", "v_prediction"):
            wanted = SD_BETAS | LEADING | own | dict(prediction_type=prediction)
            accepted = inspect.signature(kind.__init__).parameters
            pipe.scheduler = kind(**{k: v for k, v in wanted.items() if k in accepted})
            fixed = FixedNoise(520)
            own_modules[kind].randn_tensor = fixed
            rescale = 0.5 if name == "euler" else 0.0
            case = f"txt2img/{name}/{prediction}"
            image = pipe(
                prompt,
                negative_prompt=negative,
                height=16,
                width=16,
                num_inference_steps=6,
                guidance_scale=3.0,
                guidance_rescale=rescale,
                latents=noise.clone(),
                output_type="pt",
            ).images
            golden[f"{case}.image"] = image
            if fixed.drawn:
                golden[f"{case}.step_noise"] = torch.cat(fixed.drawn)
            cases.append(
                dict(
                    case=case, sampler=name, prediction_type=prediction, steps=6, guidance_scale=3.0
                )
                | dict(guidance_rescale=rescale, prompt=prompt, negative_prompt=negative)
            )
    # The start image is encoded to the mean of its posterior, as this engine does: diffusers draws
    # a sample there, from a generator that nothing else can repeat.
    import diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img as img2img_module

    img2img = StableDiffusionImg2ImgPipeline(
        **{**pipe.components, "requires_safety_checker": False}
    )
    img2img.set_progress_bar_config(disable=True)
    img2img_module.retrieve_latents = lambda output, *_, **__: output.latent_dist.mode()
    for name in ("ddim", "euler", "dpmpp-2m-karras", "unipc"):
        kind, own = SAMPLERS[name]
        wanted = SD_BETAS | LEADING | own | dict(prediction_type="epsilon")
        accepted = inspect.signature(kind.__init__).parameters
        img2img.scheduler = kind(**{k: v for k, v in wanted.items() if k in accepted})
        img2img_module.randn_tensor = lambda *_, **__: noise.clone()
        case = f"img2img/{name}/epsilon"
        golden[f"{case}.image"] = img2img(
            prompt,
            image=start,
            negative_prompt=negative,
            strength=0.6,
            num_inference_steps=10,
            guidance_scale=3.0,
            output_type="pt",
        ).images
        cases.append(
            dict(case=case, sampler=name, prediction_type="epsilon", steps=10, guidance_scale=3.0)
            | dict(guidance_rescale=0.0, prompt=prompt, negative_prompt=negative, strength=0.6)
        )
    for case in cases:
        image = golden[f"{case['case']}.image"]
        inside = ((image > 0) & (image < 1)).float().mean().item()
        assert inside > 0.6, f"{case['case']}: only {inside:.0%} of the values are not clipped"
    save_tensors(folder / "golden.safetensors", golden)
    (folder / "golden.json").write_text(json.dumps(cases, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write, emptied first")
    parser.add_argument(
        "--scratch", type=Path, default=Path(".vocabulary"), help="for the big vocabulary"
    )
    parser.add_argument("--only-loras", action="store_true", help="beside what is there")
    options = parser.parse_args()
    torch.manual_seed(0)
    np.random.seed(0)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if options.only_loras:
        shutil.rmtree(options.out / "lora", ignore_errors=True)
        loras(options.out)
        return
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    text_encoders(options.out)
    unets(options.out)
    vaes(options.out)
    samplers(options.out)
    pipelines(options.out, tokens(options.out, options.scratch))
    loras(options.out)
    versions = {m.__name__: m.__version__ for m in (torch, diffusers, transformers)}
    (options.out / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
    size = sum(f.stat().st_size for f in options.out.rglob("*") if f.is_file())
    print(f"{size / 1e6:.2f} MB in {options.out}")


if __name__ == "__main__":
    main()
