"""One line below the prompt: what will not be drawn as meant, and a button that puts it right."""

from typing import Optional

from framewright import Mark

from ..qt import QtCore, QtGui, QtWidgets
from . import theme

_DOT = 8


class LintLine(QtWidgets.QWidget):
    """Shows one finding at a time; a click on the count goes on to the next."""

    fix_wanted = QtCore.pyqtSignal(object)
    """A `Mark` whose replacement is wanted."""
    shown = QtCore.pyqtSignal(object)
    """The `Mark` that is shown now."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._marks: list[Mark] = []
        self._at = 0
        self._dot = QtWidgets.QLabel()
        self._dot.setFixedSize(_DOT, _DOT)
        self._words = QtWidgets.QLabel()
        self._words.setWordWrap(True)
        self._words.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self._words.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Minimum
        )
        self._next = QtWidgets.QToolButton()
        self._next.setAutoRaise(True)
        self._next.setToolTip("Show the next finding")
        self._next.clicked.connect(self._go_on)
        self._fix = QtWidgets.QPushButton("Fix")
        self._fix.setToolTip("Rewrite this part of the prompt")
        self._fix.clicked.connect(lambda: self.fix_wanted.emit(self._marks[self._at]))
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 0, 0)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self._dot, 0, QtCore.Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._words, 1)
        layout.addWidget(self._next)
        layout.addWidget(self._fix)
        self.hide()

    def set_marks(self, marks: list[Mark]) -> None:
        """Shows findings, the gravest first; nothing where there are none."""
        grave = {"error": 0, "warning": 1}
        self._marks = sorted(marks, key=lambda mark: grave.get(mark.severity, 2))
        self._at = 0
        self._show()

    def _go_on(self) -> None:
        self._at = (self._at + 1) % max(len(self._marks), 1)
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._marks))
        if not self._marks:
            return
        mark = self._marks[self._at]
        reason = mark.reason
        self._words.setText(reason[:1].upper() + reason[1:] + ("" if reason[-1:] in ".!?" else "."))
        self._words.setToolTip(mark.code)
        self._fix.setVisible(mark.replacement is not None)
        self._next.setVisible(len(self._marks) > 1)
        self._next.setText(f"{self._at + 1} of {len(self._marks)}")
        self._dot.setPixmap(_dot(theme.severity_colour(mark, self.palette())))
        self.shown.emit(mark)


def _dot(colour: QtGui.QColor) -> QtGui.QPixmap:
    pixmap = QtGui.QPixmap(_DOT, _DOT)
    pixmap.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(pixmap)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setBrush(colour)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.drawEllipse(0, 0, _DOT, _DOT)
    painter.end()
    return pixmap
