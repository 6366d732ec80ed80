"""At what size a model makes a picture of some shape."""

from dataclasses import dataclass
from typing import Any, Optional, cast

from .results import ModelReport

LARGEST_SIDE = 4096
"""Pixels on a side of the largest picture that is sent."""

LARGEST_FRAME_SIDE = 2048
"""Pixels on a side of the largest frame that the daemon makes."""

HIRES_SCALE = 2.0
"""How many times wider and higher than its first pass a frame in two passes is asked for; the
daemon takes above 1, to 4."""

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

    def fitting(self, width: int, height: int, hires: bool = False) -> tuple[int, int]:
        """The size to make a picture at that will cover this many pixels: of their shape, with
        about as many as the model makes well. In two passes (`hires`) it is `HIRES_SCALE` times as
        wide and high."""
        least = self.width * self.height
        area = min(max(width * height, least), least * _STRETCH**2)
        scale = (area / max(width * height, 1)) ** 0.5
        passes = HIRES_SCALE if hires else 1.0
        # What would be larger than the daemon makes is made smaller, of the same shape: a wide
        # picture is drawn like any other, in one pass or two.
        most = int(LARGEST_FRAME_SIDE / passes)
        scale = min(scale, most / max(width, height, 1))
        first = self._rounded(width * scale, most), self._rounded(height * scale, most)
        return int(first[0] * passes), int(first[1] * passes)

    def _rounded(self, side: float, largest: int) -> int:
        most = largest // self.multiple
        return min(max(round(side / self.multiple), 1), most) * self.multiple


def _multiple(report: Any) -> Optional[int]:
    """Each block but the last of VAE and UNet halves the sides."""
    blocks = [_map(_map(report).get(part)).get("block_out_channels") for part in ("vae", "unet")]
    known = [len(cast("list[Any]", held)) for held in blocks if isinstance(held, list)]
    return 1 << (sum(known) - 2) if len(known) == 2 and min(known) else None


def _map(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
