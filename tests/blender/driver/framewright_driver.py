"""Drives Blender in its window, with what `scenarios` says, by a timer."""

import os
import sys
from pathlib import Path

import bpy

sys.path[:0] = [str(Path(__file__).parent), os.environ["FRAMEWRIGHT_STAGE"]]

import scenarios  # noqa: E402
from stage import Stage  # noqa: E402

_STEP_SECONDS = 0.02
_SCENARIO_SECONDS = 240

stage = Stage(scenarios, lambda: scenarios.studio().notice, _SCENARIO_SECONDS)


def tick():
    stage.tick()
    return _STEP_SECONDS


bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
