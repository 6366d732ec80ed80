"""Work that is done in pieces between Blender's other duties."""

import collections
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Optional

from .client import FramewrightError


@dataclass(frozen=True)
class _Work:
    steps: Generator[None, None, Any]
    on_done: Callable[[Any], None]
    on_error: Callable[[FramewrightError], None]


class Steps:
    """Runs generators until they return, for as long at a time as `go_on` is given."""

    def __init__(self) -> None:
        self._works: collections.deque[_Work] = collections.deque()

    def add(
        self,
        steps: Generator[None, None, Any],
        on_done: Callable[[Any], None],
        on_error: Callable[[FramewrightError], None],
    ) -> Callable[[], None]:
        """Begins with a generator; `on_done` gets what it returns, `on_error` what it ends with.
        Gives a function that gives it up, after which nothing is called."""
        work = _Work(steps, on_done, on_error)
        self._works.append(work)
        return lambda: self._stop(work)

    def __bool__(self) -> bool:
        """Whether there is something to do."""
        return bool(self._works)

    def go_on(self, budget_seconds: float) -> None:
        """Works on the first of them until the time is over."""
        deadline = time.monotonic() + budget_seconds
        while self._works and time.monotonic() < deadline:
            work = self._works[0]
            try:
                next(work.steps)
            except StopIteration as end:
                self._works.remove(work)
                work.on_done(end.value)
            except FramewrightError as error:
                self._works.remove(work)
                work.on_error(error)
            except Exception as error:
                # Blender's own refusals, such as of a picture that was deleted meanwhile.
                self._works.remove(work)
                work.on_error(FramewrightError(f"Blender could not do it: {error}"))

    def drop(self, error: Optional[FramewrightError]) -> None:
        """Gives everything up, with this error, or without a word."""
        works = list(self._works)
        self._works.clear()
        for work in works:
            work.steps.close()
            if error is not None:
                work.on_error(error)

    def _stop(self, work: _Work) -> None:
        if work in self._works:
            self._works.remove(work)
            work.steps.close()
