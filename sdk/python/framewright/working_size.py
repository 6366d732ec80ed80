"""At what size a model makes a picture of some shape."""

from dataclasses import dataclass
from typing import Any, Optional, cast

from .results import ModelReport

LARGEST_SIDE = 4096
"""Pixels on a side of the largest picture that is sent."""

# Models make good pictures from the size they were trained at up to half as much again.
_STRETCH = 1.5


@dataclass(frozen=True)
class WorkingSize:
    """The size that a model was trained at, and what the sides of its pictures are multiples of,
    in pixels."""

    width: int = 512
    height: int = 512
    multiple: int = 64

    @classmethod
    def of(cls, told: ModelReport) -> "WorkingSize":
        """By what `model.inspect` tells; Stable Diffusion's where it does not."""
        size = _map(_map(told.report).get("size"))
        known = cls()
        width = size.get("width") or told.model.width or known.width
        height = size.get("height") or told.model.height or known.height
        multiple = size.get("multiple") or _multiple(told.report) or known.multiple
        return cls(int(width), int(height), int(multiple))

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """The size to make a picture at that will cover this many pixels: of their shape, with
        about as many as the model makes well."""
        least = self.width * self.height
        area = min(max(width * height, least), least * _STRETCH**2)
        scale = (area / max(width * height, 1)) ** 0.5
        return self._rounded(width * scale), self._rounded(height * scale)

    def _rounded(self, side: float) -> int:
        most = LARGEST_SIDE // self.multiple
        return min(max(round(side / self.multiple), 1), most) * self.multiple


def _multiple(report: Any) -> Optional[int]:
    """Each block but the last of VAE and UNet halves the sides."""
    blocks = [_map(_map(report).get(part)).get("block_out_channels") for part in ("vae", "unet")]
    known = [len(cast("list[Any]", held)) for held in blocks if isinstance(held, list)]
    return 1 << (sum(known) - 2) if len(known) == 2 and min(known) else None


def _map(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
