"""Attention for training: fast on small grids, and grounded in the scenes' masks.

One head of every cross-attention is told where to look: a cell that shows, say, the left person's
top should attend to the words of that top. So colours are bound to garments after tens of
thousands of samples instead of millions. The idea of using segmentations for the attention maps is
that of TokenCompose (Wang et al. 2024); the loss here is the cross entropy per cell. It changes
only how the weights are found: the model itself stays a plain UNet2DConditionModel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


@dataclass
class Grounding:
    """What the cross-attentions of one forward pass are compared with, and the result."""

    token_groups: Tensor | None = None  # (n, tokens, groups)
    cells: Tensor | None = None  # (n, groups, s, s)
    weight: Tensor | None = None  # (n)
    losses: list[Tensor] = field(default_factory=list)

    def begin(self, token_groups: Tensor, cells: Tensor, weight: Tensor) -> None:
        self.token_groups, self.cells, self.weight = token_groups, cells, weight
        self.losses.clear()

    def compare(self, attention: Tensor) -> None:
        """Adds the loss of one head's (n, cells, tokens) attention."""
        if self.token_groups is None or self.cells is None or self.weight is None:
            return
        side = round(attention.shape[1] ** 0.5)
        wanted = adaptive_avg_pool2d(self.cells, side).flatten(2).transpose(1, 2)
        found = attention.float() @ self.token_groups
        entropy = -(wanted * (found + 1e-3).log()).sum(2).mean(1)
        self.losses.append((entropy * self.weight).mean())

    def loss(self) -> Tensor:
        return torch.stack(self.losses).mean()


class GroundedAttention:
    """Plain softmax attention; PyTorch's fused one for processors is slower on 64 cells."""

    def __init__(self, grounding: Grounding) -> None:
        self.grounding = grounding

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states

        def heads(x: Tensor) -> Tensor:
            return x.view(*x.shape[:2], attn.heads, -1).transpose(1, 2)

        query, key, value = (
            heads(attn.to_q(hidden_states)),
            heads(attn.to_k(source)),
            heads(attn.to_v(source)),
        )
        weights = (query * attn.scale @ key.transpose(2, 3)).softmax(3)
        if encoder_hidden_states is not None and torch.is_grad_enabled():
            self.grounding.compare(weights[:, 0])
        out = (weights @ value).transpose(1, 2).flatten(2)
        return attn.to_out[0](out)
