"""Muon for weight matrices and convolutions, AdamW for everything else.

Muon (Jordan et al. 2024) replaces a matrix' momentum by the nearest orthogonal one, found by a
Newton-Schulz iteration; the scale that lets both halves share one learning rate is that of
Liu et al. 2025 ("Muon is scalable for LLM training"). Weights are trained in bfloat16, where
the device computes in it, with a float32 master copy here.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn

# The first rounds of the Polar Express (Amsel et al. 2025): each the best odd quintic for what the
# one before it leaves; three bring the singular values close enough to one.
QUINTICS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
)


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrices of a (n, rows, columns) stack."""
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.transpose(1, 2)
    x = x / (1.01 * x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    if x.dtype == torch.float32 and x.shape[2] >= 2 * x.shape[1]:
        x = long_rows(x)
    else:
        for a, b, c in QUINTICS:
            gram = x @ x.transpose(1, 2)
            x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.transpose(1, 2)


def long_rows(x: Tensor) -> Tensor:
    """The same rounds on the small Gram matrix alone: half the work where rows are long.

    Each round multiplies from the left by a polynomial of the Gram matrix, so all of them commute
    and their product can be collected first. It squares the condition, so it needs float32.
    """
    gram = x @ x.transpose(1, 2)
    eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    product: Tensor | None = None
    for a, b, c in QUINTICS:
        factor = a * eye + b * gram + c * gram @ gram
        product = factor if product is None else factor @ product
        gram = gram @ factor @ factor
    assert product is not None
    return product @ x


class Master:
    """Float32 master weights of (bfloat16) modules, their optimiser state and their EMA."""

    def __init__(
        self,
        modules: dict[str, nn.Module],
        *,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        weight_decay: float = 0.01,
        muon: bool = True,
        ema: float = 0.999,
    ) -> None:
        self.weights = {
            f"{name}.{key}": value
            for name, module in modules.items()
            for key, value in module.named_parameters()
            if value.requires_grad
        }
        self.momentum, self.betas, self.decay = momentum, betas, weight_decay
        self.ema_decay, self.step_count = ema, 0
        self.master = {k: w.detach().float().clone() for k, w in self.weights.items()}
        self.ema = {k: w.clone() for k, w in self.master.items()}
        self.first = {k: torch.zeros_like(w) for k, w in self.master.items()}
        self.matrix_keys = {
            k
            for k, w in self.weights.items()
            if muon and w.ndim >= 2 and min(w.shape[0], w[0].numel()) >= 8 and "embedding" not in k
        }
        self.second = {
            k: torch.zeros_like(w) for k, w in self.master.items() if k not in self.matrix_keys
        }

    @torch.no_grad()
    def step(self, rate: float, clip: float = 1.0) -> float:
        """One update from the gradients that stand in the modules; returns their norm."""
        self.step_count += 1
        grads = {k: w.grad.float() for k, w in self.weights.items() if w.grad is not None}
        norm = torch.stack(torch._foreach_norm(list(grads.values()))).norm().item()
        if not norm < 1e4:  # also catches NaN: a step that would spoil the weights is left out
            return norm
        scale = min(1.0, clip / (norm + 1e-6))
        stacks: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for key, grad in grads.items():
            if key in self.matrix_keys:
                stacks[(grad.shape[0], grad[0].numel())].append(key)
        self._adam({k: g for k, g in grads.items() if k not in self.matrix_keys}, scale, rate)
        for shape, keys in stacks.items():
            dtype = self.weights[keys[0]].dtype
            new = [grads[k] for k in keys]
            first, masters = [self.first[k] for k in keys], [self.master[k] for k in keys]
            torch._foreach_lerp_(first, new, 1 - self.momentum)
            torch._foreach_lerp_(new, first, self.momentum)
            updates = orthogonalised(torch.stack([g.flatten(1) for g in new]).to(dtype)).float()
            size = 0.2 * max(shape) ** 0.5
            torch._foreach_mul_(masters, 1 - rate * self.decay)
            shaped = [u.reshape(m.shape) for u, m in zip(updates, masters, strict=True)]
            torch._foreach_add_(masters, shaped, alpha=-rate * size)
        decay = min(self.ema_decay, (1 + self.step_count) / (10 + self.step_count))
        masters = list(self.master.values())
        torch._foreach_lerp_(list(self.ema.values()), masters, 1 - decay)
        torch._foreach_copy_(list(self.weights.values()), masters)
        for weight in self.weights.values():
            weight.grad = None
        return norm

    def _adam(self, grads: dict[str, Tensor], scale: float, rate: float) -> None:
        if not grads:
            return
        one, two = self.betas
        scaled = torch._foreach_mul(list(grads.values()), scale)
        first, second = [self.first[k] for k in grads], [self.second[k] for k in grads]
        torch._foreach_lerp_(first, scaled, 1 - one)
        torch._foreach_mul_(second, two)
        torch._foreach_addcmul_(second, scaled, scaled, value=1 - two)
        spread = torch._foreach_div(second, 1 - two**self.step_count)
        torch._foreach_sqrt_(spread)
        torch._foreach_add_(spread, 1e-8)
        decayed = [self.master[k] for k in grads if self.master[k].ndim >= 2]
        if decayed:
            torch._foreach_mul_(decayed, 1 - rate * self.decay)
        masters = [self.master[k] for k in grads]
        torch._foreach_addcdiv_(masters, first, spread, value=-rate / (1 - one**self.step_count))

    @torch.no_grad()
    def load_into_modules(self, source: str = "master") -> None:
        """Writes the master weights, or their EMA, into the modules."""
        for key, value in getattr(self, source).items():
            self.weights[key].copy_(value)

    def state(self) -> dict:
        return {
            "step": self.step_count,
            **{part: getattr(self, part) for part in ("master", "ema", "first", "second")},
        }

    def load_state(self, state: dict) -> None:
        self.step_count = state["step"]
        for part in ("master", "ema", "first", "second"):
            mine = getattr(self, part)
            for key, value in state[part].items():
                if key in mine and mine[key].shape == value.shape:
                    mine[key].copy_(value)
        self.load_into_modules()
