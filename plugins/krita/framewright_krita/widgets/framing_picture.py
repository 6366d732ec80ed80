"""What a shot shows of a person, as a small picture."""

from typing import Optional

from ..qt import QtCore, QtGui
from . import theme

SIZE = QtCore.QSize(28, 21)

# How many heads fit into the frame's height; a person is eight of them.
_HEADS = {
    "extreme-close-up": 0.8,
    "close-up": 1.6,
    "medium-close-up": 2.5,
    "medium-shot": 3.7,
    "american-shot": 5.6,
    "full-shot": 9.4,
    "long-shot": 15.0,
    "extreme-long-shot": 34.0,
}
_PERSON = 8.0
_DETAIL = "detail-shot"


def framing_picture(
    shot: str, palette: QtGui.QPalette, ratio: float = 1.0
) -> Optional[QtGui.QIcon]:
    """The picture of a shot, by its name; none of one that is not known here. `ratio` is how many
    pixels of the screen are one of Qt's."""
    heads = _HEADS.get(shot)
    if heads is None and shot != _DETAIL:
        return None
    back = palette.color(QtGui.QPalette.ColorRole.Window)
    text = palette.color(QtGui.QPalette.ColorRole.WindowText)
    pixmap = QtGui.QPixmap(SIZE * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(theme.mixed(back, text, 0.18))
    painter = QtGui.QPainter(pixmap)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.setBrush(theme.mixed(back, text, 0.75))
    painter.translate(SIZE.width() / 2, 0)
    if heads is None:
        painter.drawEllipse(QtCore.QRectF(-8, 6, 16, 9))
    else:
        _draw_person(painter, heads)
    painter.end()
    return QtGui.QIcon(pixmap)


def _draw_person(painter: QtGui.QPainter, heads: float) -> None:
    # The unit is a head. Who is seen as a whole stands a little above the lower border.
    painter.scale(SIZE.height() / heads, SIZE.height() / heads)
    painter.translate(0, heads * 0.94 - _PERSON if heads > _PERSON else heads * 0.08)
    painter.drawEllipse(QtCore.QRectF(-0.38, 0, 0.76, 1))
    painter.drawRoundedRect(QtCore.QRectF(-0.95, 1.15, 1.9, 3.2), 0.5, 0.5)
    for left in (-0.8, 0.08):
        painter.drawRect(QtCore.QRectF(left, 3.6, 0.72, _PERSON - 3.6))
