"""Runs the scenarios one after the other and writes down what came of each."""

import json
import os
import time
import traceback
from pathlib import Path

from krita import Krita
from PyQt5.QtCore import QObject, QTimer

_STEP_MILLISECONDS = 20
_SCENARIO_SECONDS = 90


class Stage(QObject):
    """A step is whatever a scenario yields: `None` for the next turn of the loop, seconds to
    wait, or a function that is asked until it gives something true."""

    def __init__(self, parent):
        super().__init__(parent)
        from . import scenarios

        self.report = Path(os.environ["FRAMEWRIGHT_REPORT"])
        wanted = os.environ["FRAMEWRIGHT_SCENARIOS"].split(",")
        self.left = [(name, getattr(scenarios, name)) for name in wanted]
        self.outcomes = {}
        self.current = None
        self.waiting = None
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.tick)
        self.timer.start(_STEP_MILLISECONDS)
        self.began = time.monotonic()

    def tick(self):
        if self.current is None:
            if Krita.instance().activeWindow() is None:
                return
            if not self.left:
                self.finish()
                return
            self.name, scenario = self.left.pop(0)
            self.began = time.monotonic()
            self.waiting = None
            self.current = scenario()
        try:
            if time.monotonic() - self.began > _SCENARIO_SECONDS:
                raise TimeoutError(
                    f"not over after {_SCENARIO_SECONDS} seconds; waits for "
                    f"{getattr(self.waiting, '__qualname__', self.waiting)}"
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
        from . import scenarios

        self.current = None
        self.outcomes[self.name] = outcome
        self.write()
        scenarios.tidy(self.name, failed="error" in outcome)

    def write(self):
        partial = self.report.with_suffix(".partial")
        partial.write_text(json.dumps(self.outcomes))
        partial.rename(self.report)

    def finish(self):
        self.timer.stop()
        self.write()
        # Krita would ask what to do with documents that are not saved.
        os._exit(0)
