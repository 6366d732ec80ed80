"""Framewright in Blender.

Three worlds that know little of each other: documents (`sequence`, `pictures`, `places`), requests
(`order`, `job`, `library`) and what an artist sees (`widgets`). `studio` joins them, and
`workplace` makes the one of this Blender. Everything happens on Blender's main thread, in a timer,
in pieces of some milliseconds.
"""

import importlib.util
import sys

bl_info = {
    "name": "Framewright",
    "author": "The Framewright developers",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Sequencer, Image Editor and 3D Viewport ▸ Sidebar ▸ Framewright",
    "description": "Storyboard frames as strips, made on this machine",
    "category": "Sequencer",
}

if sys.version_info < (3, 9):  # noqa: UP036 (this is where others are told)
    raise ImportError("Framewright needs a Blender with Python 3.9 or newer: update Blender")

# Tests import parts of the package without Blender.
if importlib.util.find_spec("bpy") is not None:
    from .registration import register, unregister

    __all__ = ["bl_info", "register", "unregister"]
