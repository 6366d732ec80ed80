"""Writes MobileSAM and ViT-B with random weights at full size, and says how long PyTorch takes to
look at a picture with them and to answer a click.

    python segment_speed.py /tmp/segmenters --threads 2
    cargo run --release -p framewright-engine --example segment_speed -- \\
        /tmp/segmenters/mobile-sam.safetensors /tmp/segmenters/vit-b.safetensors
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mobile_sam import sam_model_registry as mobile
from safetensors.torch import save_file
from segment_anything import sam_model_registry as meta
from segment_anything.modeling import Sam


def best(repeat: int, work: Callable[[], object]) -> tuple[float, float]:
    """The least wall-clock seconds, and the least seconds of all processors together."""
    wall, computed = [], []
    for _ in range(repeat):
        began, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began)
        computed.append(time.process_time() - used)
    return min(wall), min(computed)


@torch.inference_mode()
def measure(name: str, model: Sam, out: Path, repeat: int) -> None:
    model.eval()
    weights = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    save_file({k: v.half().contiguous() for k, v in weights.items()}, out / f"{name}.safetensors")
    picture = model.preprocess(torch.randint(0, 256, (3, 768, 1024)).float())[None]
    embedding = model.image_encoder(picture)

    def click() -> torch.Tensor:
        point = (torch.tensor([[[400.0, 300.0]]]), torch.tensor([[1]]))
        sparse, dense = model.prompt_encoder(points=point, boxes=None, masks=None)
        logits, _ = model.mask_decoder(
            image_embeddings=embedding,
            image_pe=model.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        return model.postprocess_masks(logits, (768, 1024), (768, 1024)) > 0

    look, look_computed = best(repeat, lambda: model.image_encoder(picture))
    asked, asked_computed = best(5, click)
    print(
        f"{name}: embedding {look:.2f} s ({look_computed:.2f} s computed), "
        f"click {asked * 1e3:.0f} ms ({asked_computed * 1e3:.0f} ms computed)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, model in (("mobile-sam", mobile["vit_t"]()), ("vit-b", meta["vit_b"]())):
        measure(name, model, options.out, options.repeat)


if __name__ == "__main__":
    main()
