"""Drives Blender in its window: steps of generators between the event loop's own, by a timer.

What a scenario is, and what is told of it, is in `scenarios` and `report`.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
_STEP_SECONDS = 0.02
_SCENARIO_SECONDS = 180


class Stage:
    """A step is whatever a scenario yields: `None` for the next turn of the loop, seconds to
    wait, or a function that is asked until it gives something true."""

    def __init__(self):
        import scenarios

        self.scenarios = scenarios
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
                # Blender would ask what to do with a file that is not saved.
                os._exit(0)
            self.name, scenario = self.left.pop(0)
            self.began, self.waiting = time.monotonic(), None
            self.current = scenario
        try:
            if callable(self.current):
                self.current = self.current()
            if time.monotonic() - self.began > _SCENARIO_SECONDS:
                raise TimeoutError(f"not over after {_SCENARIO_SECONDS} seconds; {self.hint()}")
            self.step()
        except StopIteration as end:
            self.over({"seconds": time.monotonic() - self.began, "told": end.value})
        except BaseException:
            self.over({"error": traceback.format_exc()})
        return _STEP_SECONDS

    def hint(self):
        waits = getattr(self.waiting, "__qualname__", self.waiting)
        return f"waits for {waits}; notice: {self.scenarios.studio().notice}"

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


stage = Stage()
bpy.app.timers.register(stage.tick, first_interval=1.0, persistent=True)
