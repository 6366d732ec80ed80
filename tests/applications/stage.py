"""Plays scenarios inside of an application: steps of generators between its event loop's own."""

import json
import os
import time
import traceback
from pathlib import Path


class Stage:
    """Runs the scenarios one after the other and writes down what came of each.

    A step is whatever a scenario yields: `None` for the next turn of the loop, seconds to wait, or
    a function that is asked until it gives something true. `notice` tells what the application's
    user reads now. The application's timer calls `tick`.
    """

    def __init__(self, scenarios, notice, seconds):
        self.scenarios, self.notice, self.seconds = scenarios, notice, seconds
        self.report = Path(os.environ["FRAMEWRIGHT_REPORT"])
        wanted = os.environ["FRAMEWRIGHT_SCENARIOS"].split(",")
        self.left = [(name, getattr(scenarios, name)) for name in wanted]
        self.outcomes = {}
        self.current = None
        self.waiting = None
        self.until = 0.0
        self.began = time.monotonic()

    def tick(self):
        if self.current is None:
            if not self.left:
                self.write()
                # The application would ask what to do with what is not saved.
                os._exit(0)
            self.name, self.current = self.left.pop(0)
            self.began, self.waiting = time.monotonic(), None
        try:
            if callable(self.current):
                self.current = self.current()
            if time.monotonic() - self.began > self.seconds:
                frame = getattr(self.current, "gi_frame", None)
                raise TimeoutError(
                    f"not over after {self.seconds} seconds; waits at line "
                    f"{frame and frame.f_lineno} of the scenarios; notice: {self.notice()}"
                )
            self.step()
        except StopIteration as end:
            self.over({"seconds": time.monotonic() - self.began, "told": end.value})
        except BaseException:
            self.over({"error": traceback.format_exc()})

    def step(self):
        if callable(self.waiting):
            got = self.waiting()
            if not got:
                return
            self.waiting = self.current.send(got)
        elif isinstance(self.waiting, float):
            if time.monotonic() < self.until:
                return
            self.waiting = self.current.send(None)
        else:
            self.waiting = next(self.current)
        if isinstance(self.waiting, (int, float)):
            self.waiting = float(self.waiting)
            self.until = time.monotonic() + self.waiting

    def over(self, outcome):
        self.current = None
        self.outcomes[self.name] = outcome
        self.write()
        try:
            self.scenarios.tidy(self.name, failed="error" in outcome)
        except Exception:
            outcome.setdefault("error", traceback.format_exc())
            self.write()

    def write(self):
        partial = self.report.with_suffix(".partial")
        partial.write_text(json.dumps(self.outcomes))
        partial.rename(self.report)
