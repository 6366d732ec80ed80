"""What the painter should know, with what to do about it beside it."""

from typing import Optional

from framewright import Remedy

from ..qt import QtCore, QtGui, QtWidgets
from . import theme


class NoticeBar(QtWidgets.QFrame):
    """A message that stays until it is closed or no longer true."""

    fix_wanted = QtCore.pyqtSignal(str)
    """One of the fixes of `framewright.remedy`."""
    dismissed = QtCore.pyqtSignal()
    """The painter has read it."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._remedy: Optional[Remedy] = None
        self.setObjectName("notice")
        self.setAutoFillBackground(True)
        self._message = _label(bold=True)
        self._hint = _label(bold=False)
        self._button = QtWidgets.QPushButton()
        self._button.clicked.connect(self._fix)
        close = QtWidgets.QToolButton()
        close.setAutoRaise(True)
        close.setText("✕")
        close.setToolTip("Close")
        close.clicked.connect(lambda: self.dismissed.emit())
        top = QtWidgets.QHBoxLayout()
        top.setSpacing(theme.GAP)
        top.addWidget(self._message, 1)
        top.addWidget(close, 0, QtCore.Qt.AlignmentFlag.AlignTop)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 6, 8)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self._hint)
        layout.addWidget(self._button, 0, QtCore.Qt.AlignmentFlag.AlignLeft)
        self.hide()

    @property
    def remedy(self) -> Optional[Remedy]:
        """What is shown."""
        return self._remedy

    def set_remedy(self, remedy: Optional[Remedy]) -> None:
        """Shows a message; nothing for none."""
        if remedy == self._remedy:
            return
        self._remedy = remedy
        self.setVisible(remedy is not None)
        if remedy is None:
            return
        self._message.setText(remedy.message)
        self._hint.setText(remedy.hint)
        self._hint.setVisible(bool(remedy.hint))
        self._button.setText(remedy.label)
        self._button.setVisible(remedy.fix is not None)

    def _fix(self) -> None:
        if self._remedy is not None and self._remedy.fix is not None:
            self.fix_wanted.emit(self._remedy.fix)

    def paintEvent(self, a0: Optional[QtGui.QPaintEvent]) -> None:
        palette = self.palette()
        window = palette.color(QtGui.QPalette.ColorRole.Window)
        amber = QtGui.QColor("#e3b341" if theme.dark(palette) else "#b07d00")
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(theme.mixed(window, amber, 0.14))
        painter.drawRoundedRect(self.rect(), 4, 4)
        painter.setBrush(amber)
        painter.drawRoundedRect(QtCore.QRect(0, 0, 3, self.height()), 1.5, 1.5)
        painter.end()


def _label(bold: bool) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel()
    label.setWordWrap(True)
    label.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    font = label.font()
    font.setBold(bold)
    label.setFont(font)
    return label
