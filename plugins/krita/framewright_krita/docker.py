"""The docker, and how the panel in it reaches Krita."""

from typing import Any

from krita import DockWidget, Krita

from .qt import QtCore, QtWidgets
from .workplace import workplace

# Selection and layers have no change events in Krita, and documents come and go without one that
# tells which is the active one now.
_LOOK_MILLISECONDS = 500


class FramewrightDocker(DockWidget):
    """Shows the panel in a window of Krita."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Framewright")
        place = workplace()
        scroll = QtWidgets.QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.panel = place.new_panel()
        scroll.setWidget(self.panel)
        self.setWidget(scroll)
        self._shown = ""
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_LOOK_MILLISECONDS)

    def canvasChanged(self, canvas: Any) -> None:
        self._look()

    def _look(self) -> None:
        document = Krita.instance().activeDocument()
        shown = "" if document is None else document.rootNode().uniqueId().toString()
        if shown != self._shown:
            self._shown = shown
            self.panel.refresh()

    def showEvent(self, a0: Any) -> None:
        super().showEvent(a0)
        workplace().studio.link.watch()
