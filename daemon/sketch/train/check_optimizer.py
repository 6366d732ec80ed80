"""The optimiser of the training scripts: updates have the size they should, and models learn.

It needs the environment that trains: `pytest check_optimizer.py`.
"""

import torch
from optimizer import Master, orthogonalised


def test_a_small_network_learns_and_its_updates_are_nearly_orthogonal():
    torch.manual_seed(0)
    matrices = torch.randn(3, 16, 40)
    values = torch.linalg.svdvals(orthogonalised(matrices))
    # Three rounds bring them near one, not to it.
    assert values.max() < 2 and 0.7 < values.median() < 1.4, f"not near one: {values}"
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 8))
    master = Master({"model": model})
    x = torch.randn(256, 8)
    wanted = x.flip(1)
    losses = []
    for _ in range(150):
        loss = (model(x) - wanted).square().mean()
        loss.backward()
        master.step(0.02)
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10, f"{losses[0]:.3f} fell only to {losses[-1]:.3f}"
