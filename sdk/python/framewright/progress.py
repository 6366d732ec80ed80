"""How far a job is, in words for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .messages import Event


@dataclass
class Progress:
    """How far a job is, from 0 to 1, and in words."""

    fraction: float = 0.0
    words: str = "Preparing…"

    def take(self, event: Event) -> None:
        """What an event of the job tells."""
        fields = event.fields
        if event.name == "job.queued":
            ahead = fields.get("ahead", 0)
            self.words = f"Waiting for {_jobs(ahead)}" if ahead else "Waiting for the engine"
        elif event.name == "job.started":
            self.words = f"Loading {fields.get('model', 'the model')}"
        elif event.name == "job.suspended":
            self.words = "Waiting for a more urgent job"
        elif event.name == "job.resumed":
            self.words = "Going on"
        elif event.name == "job.progress":
            self._step(fields)
        elif event.name == "board.progress":
            self._take(fields)

    def _step(self, fields: Mapping[str, Any]) -> None:
        numbers = [_number(fields.get(key)) for key in ("candidate", "candidates", "step", "steps")]
        candidate, candidates, step, steps = numbers
        candidates, steps = max(candidates, 1), max(steps, 1)
        self.fraction = min((candidate + step / steps) / candidates, 1.0)
        words = [f"Step {step:.0f} of {steps:.0f}"]
        if candidates > 1:
            words.append(f"candidate {candidate + 1:.0f} of {candidates:.0f}")
        self.words = " · ".join([*words, *_left(fields)])

    def _take(self, fields: Mapping[str, Any]) -> None:
        done, total = _number(fields.get("done")), _number(fields.get("total"))
        self.fraction = min(done / max(total, 1), 1.0)
        words = [f"Take {min(done + 1, total):.0f} of {total:.0f}"]
        if fields.get("frame") is not None:
            words.append(f"frame {_number(fields['frame']) + 1:.0f}")
        self.words = " · ".join([*words, *_left(fields)])


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _jobs(count: object) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def _left(fields: Mapping[str, Any]) -> list[str]:
    left = fields.get("seconds_left")
    return [_time(float(left))] if isinstance(left, (int, float)) and left >= 1 else []


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s left"
    return f"{seconds / 60:.0f} min left"
