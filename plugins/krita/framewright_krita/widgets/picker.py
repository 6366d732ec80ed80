"""A box to pick something by name."""

from collections.abc import Sequence
from typing import Any, Optional

from ..qt import QtCore, QtGui, QtWidgets
from . import theme
from .framing_picture import SIZE


class Picker(QtWidgets.QComboBox):
    """Says what it picks while nothing is picked: Qt 5.15 leaves the place empty."""

    def __init__(self, words: str, tip: str, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        # A long name must not make the docker wider than the painter wants it.
        self.setSizeAdjustPolicy(
            QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setPlaceholderText(words)
        self.setToolTip(tip)
        self.setIconSize(SIZE)

    def offer(self, items: "Sequence[tuple[str, Any, str]]") -> None:
        """Offers these: of each its name, what it is, and more words on it."""
        if [self.itemData(row) for row in range(self.count())] == [held for _, held, _ in items]:
            return
        self.clear()
        for row, (words, held, detail) in enumerate(items):
            self.addItem(words, held)
            self.setItemData(row, detail, QtCore.Qt.ItemDataRole.ToolTipRole)
        self.setEnabled(bool(items))

    def pick(self, held: Any) -> None:
        """Shows this one as picked; none where it is not offered."""
        rows = [row for row in range(self.count()) if self.itemData(row) == held]
        self.setCurrentIndex(rows[0] if rows and held is not None else -1)

    def show_picture(self, held: Any, picture: Optional[QtGui.QIcon]) -> None:
        """Shows a small picture beside what is offered."""
        for row in range(self.count()):
            if picture is None or self.itemData(row) != held:
                continue
            if self.itemIcon(row).cacheKey() != picture.cacheKey():
                self.setItemIcon(row, picture)

    def paintEvent(self, e: Optional[QtGui.QPaintEvent]) -> None:
        """Qt calls it."""
        if self.currentIndex() >= 0:
            super().paintEvent(e)
            return
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.placeholderText()
        faint = theme.faint(self)
        for role in (QtGui.QPalette.ColorRole.ButtonText, QtGui.QPalette.ColorRole.Text):
            option.palette.setColor(role, faint)
        painter = QtWidgets.QStylePainter(self)
        painter.drawComplexControl(QtWidgets.QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_ComboBoxLabel, option)
