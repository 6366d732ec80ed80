"""From seconds to frames of the scene: where each shot begins and how long it is."""

from collections.abc import Sequence
from dataclasses import dataclass

# The rates that are whole in name alone: 24 × 1000 ÷ 1001, and so on.
_NTSC = 1.001


@dataclass(frozen=True)
class Span:
    """A strip's place in time: its first frame and how many it has."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The first frame after it."""
        return self.start + self.length


def spans(durations: Sequence[float], rate: float, start: int, gap: int = 0) -> list[Span]:
    """The places of shots that follow each other from `start` on, `gap` frames between them.

    Ends are rounded, not lengths: over a long scene no rounding adds up. No shot is shorter than
    a frame.
    """
    placed: list[Span] = []
    seconds, last = 0.0, start
    for number, duration in enumerate(durations):
        seconds += duration
        end = max(start + round(seconds * rate) + number * gap, last + 1)
        placed.append(Span(last, end - last))
        last = end + gap
    return placed


def rate_parts(rate: float) -> tuple[int, float]:
    """A rate as a scene holds it: a whole number, and what it is divided by."""
    whole = round(rate)
    if abs(rate - whole) < 1e-6:
        return whole, 1.0
    if abs(rate * _NTSC - round(rate * _NTSC)) < 1e-3:
        return round(rate * _NTSC), _NTSC
    return max(whole, 1), max(whole, 1) / rate
