"""Framewright in Krita.

Three worlds that know nothing of each other: documents (`canvas`, `colours`), requests (`order`,
`link`) and what a painter sees (`widgets`). `studio` joins them, and `workplace` makes them for
the Krita that runs. Everything happens on Krita's main thread, in pieces of some milliseconds.
"""

import importlib.util
import sys

if sys.version_info < (3, 9):  # noqa: UP036 (this is where others are told)
    # Krita shows this beside the plugin's name.
    raise ImportError("Framewright needs a Krita with Python 3.9 or newer: update Krita")

# Tests import parts of the package without Krita.
if importlib.util.find_spec("krita") is not None:
    from .extension import register

    register()
