"""The LoRA part of the golden data: files that diffusers and PEFT write for the small pipeline,
the latents that diffusers computes with them, and the latents of pictures with regions, computed
by attention that is written out here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from diffusers.training_utils import _collate_lora_metadata
from peft import LoraConfig, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file

Tensors = dict[str, torch.Tensor]

PROMPT, NEGATIVE = "a red woman in a top shot of a library", "man"
STEPS, GUIDANCE = 2, 3.0

# Every kind of layer that a LoRA can act on, each once or more.
WHOLE_UNET = (
    r"conv_in|conv_out|time_embedding\.linear_[12]|.*\.(time_emb_proj|conv[12]|conv_shortcut|conv|"
    r"to_q|to_k|to_v|to_out\.0|proj_in|proj_out|ff\.net\.0\.proj|ff\.net\.2)"
)
WHOLE_TEXT = r".*\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"
STYLE_UNET = r".*\.(to_q|to_k|to_v|to_out\.0)"
STYLE_TEXT = r".*\.(q_proj|v_proj)"
# A few layers, one of each kind, to write in every format.
FEW_UNET = (
    r"down_blocks\.1\.attentions\.0\.(proj_in|transformer_blocks\.0\.(attn1\.to_q|attn2\.to_k|"
    r"attn2\.to_out\.0|ff\.net\.0\.proj))|up_blocks\.1\.attentions\.1\.proj_out|"
    r"up_blocks\.0\.resnets\.0\.(conv1|conv_shortcut|time_emb_proj)|"
    r"down_blocks\.0\.downsamplers\.0\.conv"
)
FEW_TEXT = r".*layers\.1\.(self_attn\.q_proj|self_attn\.out_proj|mlp\.fc2)"


def load(out: Path) -> StableDiffusionPipeline:
    pipe = StableDiffusionPipeline.from_pretrained(out / "pipeline", safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def adapted(out: Path, unet: str, text: str, rank: int, alpha: int, seed: int) -> Any:
    """A pipeline with a random adapter on those layers of both networks."""
    pipe = load(out)
    random = torch.Generator().manual_seed(seed)
    for network, pattern in ((pipe.unet, unet), (pipe.text_encoder, text)):
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=pattern)
        network.add_adapter(config, adapter_name="default")
        for name, parameter in network.named_parameters():
            if "lora_" in name:
                noise = torch.randn(parameter.shape, generator=random)
                parameter.data = 0.6 * noise / parameter[0].numel() ** 0.5
    return pipe


def write_diffusers(pipe: Any, folder: Path, name: str) -> None:
    StableDiffusionPipeline.save_lora_weights(
        folder,
        unet_lora_layers=get_peft_model_state_dict(pipe.unet),
        text_encoder_lora_layers=get_peft_model_state_dict(pipe.text_encoder),
        weight_name=name,
        **_collate_lora_metadata({"unet": pipe.unet, "text_encoder": pipe.text_encoder}),
    )


def pairs(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The matrices A and B of a file that diffusers wrote, by network and layer."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in load_file(path).items():
        layer, _, matrix = key.removesuffix(".weight").rpartition(".lora_")
        found.setdefault(layer, {})[matrix] = tensor
    return found


def write_kohya(source: Path, alpha: float, path: Path, dtype: torch.dtype) -> None:
    tensors: Tensors = {}
    for layer, pair in pairs(source).items():
        network, _, name = layer.partition(".")
        if network == "text_encoder" and not name.startswith("text_model."):
            name = f"text_model.{name}"
        prefix = {"unet": "lora_unet", "text_encoder": "lora_te"}[network]
        name = f"{prefix}_{name.replace('.', '_')}"
        tensors[f"{name}.lora_down.weight"] = pair["A"].to(dtype).contiguous()
        tensors[f"{name}.lora_up.weight"] = pair["B"].to(dtype).contiguous()
        tensors[f"{name}.alpha"] = torch.tensor(alpha, dtype=dtype)
    save_file(tensors, path, metadata={"ss_base_model_version": "sd_v1", "ss_network_dim": "2"})


def write_old_diffusers(source: Path, alpha: float, path: Path) -> None:
    """The names of diffusers before 0.22; the alphas are multiplied in, as it stored none."""
    tensors: Tensors = {}
    for layer, pair in pairs(source).items():
        up = pair["B"] * (alpha / pair["A"].shape[0])
        parent, _, last = layer.removesuffix(".0").rpartition(".")
        if layer.startswith("unet") and parent.endswith(("attn1", "attn2")):
            stem = f"{parent}.processor.{last}_lora"
        elif layer.startswith("unet"):
            stem = f"{layer}.lora"
        else:
            stem = f"{layer}.lora_linear_layer"
        tensors[f"{stem}.down.weight"] = pair["A"].contiguous()
        tensors[f"{stem}.up.weight"] = up.contiguous()
    save_file(tensors, path)


def write_peft(pipe: Any, folder: Path) -> None:
    """What PEFT's save_pretrained writes: weights of one network and its configuration."""
    for name, network in (("unet", pipe.unet), ("text_encoder", pipe.text_encoder)):
        weights = get_peft_model_state_dict(network)
        tensors = {f"base_model.model.{key}": value for key, value in weights.items()}
        (folder / name).mkdir(parents=True, exist_ok=True)
        contiguous = {k: v.detach().contiguous() for k, v in tensors.items()}
        save_file(contiguous, folder / name / "adapter_model.safetensors")
        config = network.peft_config["default"].to_dict()
        kept = {k: config[k] for k in ("peft_type", "r", "lora_alpha", "use_rslora", "use_dora")}
        kept |= {"alpha_pattern": {}, "rank_pattern": {}}
        text = json.dumps(kept, indent=1) + "\n"
        (folder / name / "adapter_config.json").write_text(text)


def latents_of(pipe: Any, noise: torch.Tensor, **changes: Any) -> torch.Tensor:
    settings = dict(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        height=16,
        width=16,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=noise.clone(),
        output_type="latent",
    )
    return pipe(**(settings | changes)).images


CASES: dict[str, list[tuple[str, float, float]]] = {
    # File, weight of the UNet, weight of the text encoder.
    "none": [],
    "whole": [("whole", 1.0, 1.0)],
    "whole-half": [("whole", 0.5, 0.5)],
    "whole-negative": [("whole", -1.0, -1.0)],
    "whole-zero": [("whole", 0.0, 0.0)],
    "whole-unet": [("whole", 0.8, 0.0)],
    "whole-text": [("whole", 0.0, 0.8)],
    "style": [("style", 1.0, 1.0)],
    "stacked": [("whole", 0.5, 0.7), ("style", 1.0, -0.5)],
    "few": [("few", 1.0, 1.0)],
}


def apply(pipe: Any, loras: list[tuple[str, float, float]]) -> None:
    if not loras:
        pipe.disable_lora()
        return
    pipe.enable_lora()
    weights = [dict(unet=unet, text_encoder=text) for _, unet, text in loras]
    pipe.set_adapters([name for name, _, _ in loras], adapter_weights=weights)


# --- regions ----------------------------------------------------------------------------------


class Regional:
    """Σ mᵢ · Attn(Qᵢ, Kᵢ, Vᵢ), and every other layer's LoRAs by mask.

    `loras[i]` are those of text i, each with its weight for the UNet; text 0 is the one of the
    whole picture, whose LoRAs act everywhere. `masks[i]` (8, 8) say where text i is attended to.
    """

    def __init__(self, loras: list[list[tuple[str, float]]], masks: list[torch.Tensor]) -> None:
        self.loras, self.masks = loras, masks
        self.texts: list[torch.Tensor] = []
        self.text: int | None = None

    def mask(self, text: int, height: int, width: int) -> torch.Tensor:
        mask = self.masks[text][None, None]
        return torch.nn.functional.interpolate(mask, (height, width), mode="area")[0, 0]

    def install(self, unet: torch.nn.Module) -> None:
        for name, module in unet.named_modules():
            if isinstance(module, LoraLayer):
                module.forward = self.layer(name, module)
            elif name.endswith("attn2"):
                module.processor = self.attend

    def layer(self, name: str, module: Any) -> Callable[..., torch.Tensor]:
        def forward(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            y = module.base_layer(x)
            for text, loras in enumerate(self.loras):
                for adapter, weight in loras:
                    acts = self.text is None or text in (0, self.text)
                    if adapter not in module.lora_A or not acts:
                        continue
                    down, up = module.lora_A[adapter], module.lora_B[adapter]
                    scale = weight * module.lora_alpha[adapter] / down.weight.shape[0]
                    delta = up(down(x)) * scale
                    if text > 0 and self.text is None:
                        if "time_emb" in name:
                            raise NotImplementedError("the time has no place in a picture")
                        delta = delta * self.spread(text, delta)
                    y = y + delta
            return y

        return forward

    def spread(self, text: int, delta: torch.Tensor) -> torch.Tensor:
        if delta.ndim == 4:
            return self.mask(text, *delta.shape[2:])
        side = int(delta.shape[1] ** 0.5)
        return self.mask(text, side, side).reshape(1, -1, 1)

    def attend(self, attn: Any, hidden_states: torch.Tensor, **_: Any) -> torch.Tensor:
        query = attn.to_q(hidden_states)
        side = int(query.shape[1] ** 0.5)
        total = torch.zeros_like(query)
        for text, context in enumerate(self.texts):
            self.text = text
            key, value = attn.to_k(context), attn.to_v(context)
            self.text = None
            q, k, v = (
                x.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for x in (query, key, value)
            )
            scores = q @ k.transpose(-1, -2) * attn.scale
            attended = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
            total = total + attended * self.mask(text, side, side).reshape(1, -1, 1)
        return attn.to_out[0](total)


def regional(out: Path, golden: Tensors, noise: torch.Tensor) -> None:
    """Two regions that overlap, each with a prompt and a LoRA of its own, and one for all."""
    pipe = load(out)
    for name in ("style", "few"):
        pipe.load_lora_weights(out / "lora" / f"{name}.safetensors", adapter_name=name)
    # In units of 1/255, constant over the pixels of a place, so that a picture can hold them.
    left, right = torch.zeros(8, 8), torch.zeros(8, 8)
    left[1:, :5] = 204 / 255
    right[:7, 3:] = 1.0
    right[6, 5] = 102 / 255
    golden |= {"regions.left": left, "regions.right": right}
    excess = (left + right).clamp(min=1.0)
    left, right = left / excess, right / excess
    prompts = [PROMPT, "a man in a red top", "a library"]
    # The style acts in the left region only, the few layers everywhere but in the time.
    loras = [[("few", 0.7)], [("style", 1.0)], []]
    texts = [[("few", 0.7, 0.7)], [("few", 0.7, 0.7), ("style", 1.0, 0.5)], [("few", 0.7, 0.7)]]
    regions = Regional(loras, [1 - left - right, left, right])
    for prompt, active in zip(prompts, texts, strict=True):
        apply(pipe, active)
        positive, negative = pipe.encode_prompt(prompt, "cpu", 1, True, NEGATIVE)
        regions.texts.append(torch.cat([negative, positive]))
    regions.install(pipe.unet)
    embeds = regions.texts[0]
    changes = dict(
        prompt=None,
        negative_prompt=None,
        prompt_embeds=embeds[1:],
        negative_prompt_embeds=embeds[:1],
    )
    golden["regions.latents"] = latents_of(pipe, noise, **changes)


def loras(out: Path) -> None:
    folder = out / "lora"
    kinds = {
        "whole": (WHOLE_UNET, WHOLE_TEXT, 2, 3),
        "style": (STYLE_UNET, STYLE_TEXT, 4, 4),
        "few": (FEW_UNET, FEW_TEXT, 2, 3),
    }
    for seed, (name, (unet, text, rank, alpha)) in enumerate(kinds.items()):
        pipe = adapted(out, unet, text, rank, alpha, 600 + seed)
        write_diffusers(pipe, folder, f"{name}.safetensors")
    few = folder / "few.safetensors"
    write_kohya(few, 3.0, folder / "few-kohya.safetensors", torch.float32)
    write_old_diffusers(few, 3.0, folder / "few-old.safetensors")
    write_peft(pipe, folder / "few-peft")

    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(610))
    golden: Tensors = {"noise": noise}
    pipe = load(out)
    for name in kinds:
        pipe.load_lora_weights(folder / f"{name}.safetensors", adapter_name=name)
    for case, active in CASES.items():
        apply(pipe, active)
        golden[f"{case}.latents"] = latents_of(pipe, noise)
    for case in CASES:
        if case not in ("none", "whole-zero"):
            change = (golden[f"{case}.latents"] - golden["none.latents"]).abs().max()
            assert change > 0.05 * golden["none.latents"].abs().max(), f"{case}: only {change}"
    # Every other format says the same to diffusers.
    for name in ("few-kohya", "few-old"):
        pipe = load(out)
        pipe.load_lora_weights(folder / f"{name}.safetensors")
        found = latents_of(pipe, noise)
        assert torch.allclose(found, golden["few.latents"], atol=1e-5), name
    regional(out, golden, noise)
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
    cases = {case: [list(lora) for lora in active] for case, active in CASES.items()}
    (folder / "golden.json").write_text(json.dumps(cases, indent=1) + "\n")
