"""Distances and colours that fit into Krita's own, dark or light."""

from framewright.lint import Mark

from ..qt import QtGui, QtWidgets

GAP = 6
"""Pixels between things that stand next to each other."""

WIDE_GAP = 10
"""Pixels between groups."""


def dark(palette: QtGui.QPalette) -> bool:
    """Whether the theme is a dark one."""
    return palette.color(QtGui.QPalette.ColorRole.Window).lightness() < 128


def faint(widget: QtWidgets.QWidget) -> QtGui.QColor:
    """The colour of text that stands behind."""
    palette = widget.palette()
    front = palette.color(QtGui.QPalette.ColorRole.WindowText)
    back = palette.color(QtGui.QPalette.ColorRole.Window)
    return mixed(front, back, 0.38)


def mixed(first: QtGui.QColor, second: QtGui.QColor, part: float) -> QtGui.QColor:
    """A colour between two: `part` of the second."""

    def channel(one: int, other: int) -> int:
        return round(one * (1 - part) + other * part)

    return QtGui.QColor(
        channel(first.red(), second.red()),
        channel(first.green(), second.green()),
        channel(first.blue(), second.blue()),
    )


def severity_colour(mark: Mark, palette: QtGui.QPalette) -> QtGui.QColor:
    """The colour of a finding's underline and dot."""
    light, deep = {
        "error": ("#ff7b72", "#c62828"),
        "warning": ("#e3b341", "#9a6700"),
    }.get(mark.severity, ("#79b8ff", "#1565c0"))
    return QtGui.QColor(light if dark(palette) else deep)
