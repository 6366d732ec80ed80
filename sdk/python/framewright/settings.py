"""What somebody chose for a frame, whatever the application."""

from dataclasses import dataclass, replace
from typing import Any, Optional

FILLS = ("blur", "border", "neutral", "original", "noise")
"""What a selection is filled with before it is painted anew, as they are offered."""


@dataclass(frozen=True)
class Settings:
    """What was chosen.

    `strength` is above 0 to 1; a `seed` of none is drawn anew each time; `model` of none is the
    daemon's default. With `hires` (hires fix) a frame from the prompt alone is drawn in two passes,
    twice as wide and high; what starts from a picture knows nothing of it.
    """

    prompt: str = ""
    negative_prompt: str = ""
    model: Optional[str] = None
    strength: float = 1.0
    candidates: int = 2
    seed: Optional[int] = None
    fill: str = FILLS[0]
    hires: bool = False

    def checked(self) -> "Settings":
        """The same within what can be asked for."""
        return replace(
            self,
            prompt=self.prompt.strip(),
            negative_prompt=self.negative_prompt.strip(),
            strength=min(max(self.strength, 0.01), 1.0),
            candidates=min(max(self.candidates, 1), 64),
            fill=self.fill if self.fill in FILLS else FILLS[0],
        )

    def frame(self, seed: int, key: str, **more: Any) -> dict[str, Any]:
        """The frame that is asked for, by somebody who waits. By `key` the daemon finds its job
        again."""
        return given(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt or None,
            model=self.model,
            seed=seed,
            candidates=self.candidates,
            priority="interactive",
            key=key,
            **more,
        )


def given(**params: Any) -> dict[str, Any]:
    """Parameters without those that are left out."""
    return {name: value for name, value in params.items() if value is not None}
