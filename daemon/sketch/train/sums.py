"""Writes SUMS: the BLAKE3, the size and the path of every file of a folder of weights."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3


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
