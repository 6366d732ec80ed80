"""Qt by the binding that belongs to the Krita that runs: PyQt5 up to Krita 5, PyQt6 from Krita 6.

The other binding may be installed too, and two Qts in one process crash it; so Krita's version
decides, not what can be imported. Without Krita (tests) the binding that is there is taken.
"""

import importlib.util
from typing import TYPE_CHECKING


def binding(krita_version: str) -> str:
    """The binding for a version of Krita, such as `5.2.9` or `6.0.0-prealpha (git 1f2)`."""
    major = krita_version.split(".", 1)[0]
    return "PyQt6" if major.isdigit() and int(major) >= 6 else "PyQt5"


def _present() -> str:
    try:
        from krita import Krita
    except ImportError:
        return "PyQt6" if importlib.util.find_spec("PyQt6") else "PyQt5"
    return binding(Krita.instance().version())


if TYPE_CHECKING or _present() == "PyQt6":
    from PyQt6 import QtCore, QtGui, QtNetwork, QtWidgets
else:
    from PyQt5 import QtCore, QtGui, QtNetwork, QtWidgets

__all__ = ["QtCore", "QtGui", "QtNetwork", "QtWidgets"]
