"""Writes weights in float16, and SUMS: BLAKE3, size and path of every file of their folder."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3
from safetensors.torch import save_file
from torch import Tensor


def write_half(state: dict[str, Tensor], folder: Path) -> None:
    """`model.safetensors`, without the counters of norms, which only training needs."""
    kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    folder.mkdir(parents=True, exist_ok=True)
    half = {k: v.half().contiguous() for k, v in kept.items()}
    save_file(half, folder / "model.safetensors")


def write_sums(folder: Path) -> None:
    lines = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SUMS"):
        data = path.read_bytes()
        lines.append(
            f"{blake3(data).hexdigest()} {len(data)} {path.relative_to(folder).as_posix()}\n"
        )
    (folder / "SUMS").write_text("".join(lines))
    total = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    print(f"{folder}: {total / 1e6:.1f} MB", flush=True)
