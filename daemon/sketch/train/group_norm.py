"""Puts the fused group normalisation of group_norm.cpp into a diffusers model, for training."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.utils.cpp_extension import load

FUSED = (torch.bfloat16, torch.float32)


@cache
def native() -> ModuleType:
    # The compiler's driver, ninja, lies beside the interpreter and need not be on the path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-std=c++20"]
    source = str(Path(__file__).with_name("group_norm.cpp"))
    return load("sketch_group_norm", [source], extra_cflags=flags, extra_ldflags=["-lmvec", "-lm"])


class FusedGroupNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, norm: nn.GroupNorm, weight: Tensor, bias: Tensor, silu: bool):
        x = x.contiguous(memory_format=torch.channels_last)
        gamma, beta = weight.float(), bias.float()
        y, *kept = native().forward(x, gamma, beta, norm.num_groups, norm.eps, silu)
        ctx.save_for_backward(x, gamma, *kept)
        ctx.silu = silu
        return y

    @staticmethod
    def backward(ctx, dy: Tensor):
        x, gamma, *kept = ctx.saved_tensors
        dy = dy.contiguous(memory_format=torch.channels_last)
        dx, dgamma, dbeta = native().backward(dy, x, gamma, *kept, ctx.silu)
        return dx, None, dgamma.to(dy.dtype), dbeta.to(dy.dtype), None


class SiluOfEmbedding(nn.Module):
    """What is left of a block's SiLU: that of the time embedding; images had theirs already."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(x) if x.ndim == 2 else x


def fuse_norms(model: nn.Module) -> None:
    """Replaces group norms, and the SiLU behind them, in place. Weights keep their names."""

    def replace(norm: nn.GroupNorm, silu: bool) -> None:
        plain = norm.forward

        def forward(x: Tensor) -> Tensor:
            if x.dtype not in FUSED or x.ndim != 4 or x.device.type != "cpu":
                return nn.functional.silu(plain(x)) if silu else plain(x)
            return FusedGroupNorm.apply(x, norm, norm.weight, norm.bias, silu)

        norm.forward = forward
        norm.fused = True

    for module in model.modules():
        if isinstance(module, ResnetBlock2D):
            replace(module.norm1, True)
            replace(module.norm2, True)
            module.nonlinearity = SiluOfEmbedding()
        if hasattr(module, "conv_norm_out"):
            replace(module.conv_norm_out, True)
            module.conv_act = nn.Identity()
    for module in model.modules():
        if isinstance(module, nn.GroupNorm) and not hasattr(module, "fused"):
            replace(module, False)
