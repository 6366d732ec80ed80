"""What was made, as thumbnails: the newest first, with a mark on what became a layer."""

from collections.abc import Callable, Sequence
from typing import Any, Optional

from ..qt import QtCore, QtGui, QtWidgets
from ..sheet import Choice
from . import theme

# Pixels on a side of the largest picture, and around it.
_SIDE = 92
_AROUND = 6
# As many tiles fit beside each other as are no narrower than this.
_NARROWEST = 84
_CHOICE = QtCore.Qt.ItemDataRole.UserRole


class CandidateStrip(QtWidgets.QListWidget):
    """A click tries a candidate on the canvas, a double click makes it a layer."""

    tried = QtCore.pyqtSignal(object)
    """A `Choice` was clicked on."""
    applied = QtCore.pyqtSignal(object, str)
    """A `Choice` is to become a `layer`, a `group` or a layer with a `mask`."""
    reused = QtCore.pyqtSignal(object)
    """The settings of a `Choice` are to be those of the docker."""
    repeated = QtCore.pyqtSignal(object)
    """The request of a `Choice` is to be made again, the same."""
    removed = QtCore.pyqtSignal(object)
    """A `Choice` and those beside it are to leave the history."""
    wanted = QtCore.pyqtSignal(object)
    """A `Choice` is shown whose picture is not here."""

    def __init__(
        self,
        thumbnail: Callable[[str], Optional[QtGui.QImage]],
        lost: Callable[[str], str],
        masks: Callable[[], bool],
        parent: Optional[QtWidgets.QWidget] = None,
    ) -> None:
        super().__init__(parent)
        self._thumbnail = thumbnail
        self._lost = lost
        self._masks = masks
        self._shown: list[tuple[Choice, bool, str]] = []
        self.setViewMode(QtWidgets.QListView.ViewMode.IconMode)
        self.setMovement(QtWidgets.QListView.Movement.Static)
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QtWidgets.QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setIconSize(QtCore.QSize(_SIDE, _SIDE))
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setItemDelegate(_Tile(self))
        self.setMinimumHeight(_SIDE + 2 * _AROUND)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.itemClicked.connect(lambda item: self.tried.emit(item.data(_CHOICE)))
        self.itemDoubleClicked.connect(lambda item: self.applied.emit(item.data(_CHOICE), "layer"))

    def show_choices(self, choices: Sequence[Choice], tried: Optional[Choice]) -> None:
        """Shows these, and which one is on the canvas."""
        shown = [(choice, self._has(choice), self._lost(choice.blob)) for choice in choices]
        if shown != self._shown:
            self._shown = shown
            self.clear()
            for choice, _, lost in shown:
                self._add(choice, lost)
            self._fit()
        for row, choice in enumerate(choices):
            item = self.item(row)
            if item is not None:
                item.setSelected(choice == tried)

    def _has(self, choice: Choice) -> bool:
        return self._thumbnail(choice.blob) is not None

    def _add(self, choice: Choice, lost: str) -> None:
        item = QtWidgets.QListWidgetItem()
        item.setData(_CHOICE, choice)
        image = self._thumbnail(choice.blob)
        if image is not None:
            item.setIcon(QtGui.QIcon(QtGui.QPixmap.fromImage(image)))
        elif not lost:
            self.wanted.emit(choice)
        settings = choice.entry.settings
        lines = [settings.prompt, f"Seed {choice.seed}"]
        if settings.model:
            lines.append(f"Model {settings.model}")
        if lost:
            lines.append("The daemon has removed this picture; “Make again” brings it back.")
        item.setToolTip("\n".join(line for line in lines if line))
        self.addItem(item)

    def sizeHint(self) -> QtCore.QSize:
        """One row of tiles; in a low docker there is room for the settings then."""
        return QtCore.QSize(super().sizeHint().width(), self.minimumHeight())

    def resizeEvent(self, e: Optional[QtGui.QResizeEvent]) -> None:
        """Qt calls it."""
        super().resizeEvent(e)
        self._fit()

    def _fit(self) -> None:
        """Fills the width with tiles that are as high as the highest picture in them."""
        # Where a scroll bar may come Qt keeps its room free.
        bar = self.verticalScrollBar()
        width = self.width() - (bar.sizeHint().width() if bar is not None else 0) - 1
        side = width // max(width // _NARROWEST, 1)
        images = [self._thumbnail(choice.blob) for choice, _, _ in self._shown]
        shapes = [image.height() / max(image.width(), 1) for image in images if image is not None]
        highest = min(max(shapes, default=1.0), 1.0)
        height = round((side - _AROUND) * highest) + _AROUND
        self.setGridSize(QtCore.QSize(side, height))

    def _menu(self, place: QtCore.QPoint) -> None:
        item = self.itemAt(place)
        if item is None:
            return
        choice = item.data(_CHOICE)
        menu = QtWidgets.QMenu(self)
        add = _adder(menu)
        add("Apply as layer", lambda: self.applied.emit(choice, "layer"))
        add("Apply as group", lambda: self.applied.emit(choice, "group"))
        if self._masks():
            add("Apply with transparency mask", lambda: self.applied.emit(choice, "mask"))
        menu.addSeparator()
        add("Use its prompt and settings", lambda: self.reused.emit(choice))
        add("Make again", lambda: self.repeated.emit(choice))
        menu.addSeparator()
        add("Remove from history", lambda: self.removed.emit(choice))
        viewport = self.viewport()
        menu.popup((viewport or self).mapToGlobal(place))


def _adder(menu: QtWidgets.QMenu) -> Callable[[str, Callable[[], Any]], None]:
    def add(words: str, do: Callable[[], Any]) -> None:
        action = menu.addAction(words)
        if action is not None:
            action.triggered.connect(lambda: do())

    return add


class _Tile(QtWidgets.QStyledItemDelegate):
    """A thumbnail with round corners; the tried one has a frame, an applied one a mark."""

    def paint(
        self,
        painter: Optional[QtGui.QPainter],
        option: QtWidgets.QStyleOptionViewItem,
        index: QtCore.QModelIndex,
    ) -> None:
        choice = index.data(_CHOICE)
        if painter is None or not isinstance(choice, Choice):
            return
        palette = option.palette
        highlight = palette.color(QtGui.QPalette.ColorRole.Highlight)
        chosen = bool(option.state & QtWidgets.QStyle.StateFlag.State_Selected)
        place = QtCore.QRectF(option.rect).adjusted(3, 3, -3, -3)
        painter.save()
        painter.setRenderHints(
            QtGui.QPainter.RenderHint.Antialiasing | QtGui.QPainter.RenderHint.SmoothPixmapTransform
        )
        icon = index.data(QtCore.Qt.ItemDataRole.DecorationRole)
        if isinstance(icon, QtGui.QIcon):
            pixmap = icon.pixmap(QtCore.QSize(_SIDE, _SIDE))
            size = QtCore.QSizeF(pixmap.size()).scaled(
                place.size(), QtCore.Qt.AspectRatioMode.KeepAspectRatio
            )
            place = _centred(size, place)
            outline = QtGui.QPainterPath()
            outline.addRoundedRect(place, 4, 4)
            painter.setClipPath(outline)
            painter.drawPixmap(place, pixmap, QtCore.QRectF(pixmap.rect()))
            painter.setClipping(False)
        else:
            base = palette.color(QtGui.QPalette.ColorRole.Window)
            text = palette.color(QtGui.QPalette.ColorRole.WindowText)
            painter.setPen(QtCore.Qt.PenStyle.NoPen)
            painter.setBrush(theme.mixed(base, text, 0.1))
            painter.drawRoundedRect(place, 4, 4)
            painter.setPen(theme.mixed(base, text, 0.6))
            painter.drawText(place, QtCore.Qt.AlignmentFlag.AlignCenter, "…")
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        if chosen:
            painter.setPen(QtGui.QPen(highlight, 3))
            painter.drawRoundedRect(place.adjusted(-1, -1, 1, 1), 5, 5)
        elif option.state & QtWidgets.QStyle.StateFlag.State_MouseOver:
            painter.setPen(QtGui.QPen(theme.mixed(highlight, palette.color(_WINDOW), 0.3), 1.5))
            painter.drawRoundedRect(place, 4, 4)
        if choice.applied:
            _mark_applied(painter, place, highlight)
        painter.restore()


_WINDOW = QtGui.QPalette.ColorRole.Window


def _centred(size: QtCore.QSizeF, place: QtCore.QRectF) -> QtCore.QRectF:
    made = QtCore.QRectF(QtCore.QPointF(0, 0), size)
    made.moveCenter(place.center())
    return made


def _mark_applied(painter: QtGui.QPainter, place: QtCore.QRectF, colour: QtGui.QColor) -> None:
    badge = QtCore.QRectF(place.right() - 19, place.top() + 4, 15, 15)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(badge)
    pen = QtGui.QPen(QtGui.QColor("white"), 1.8)
    pen.setCapStyle(QtCore.Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    x, y = badge.x(), badge.y()
    painter.drawPolyline(
        QtGui.QPolygonF(
            [
                QtCore.QPointF(x + 4, y + 8),
                QtCore.QPointF(x + 6.6, y + 10.6),
                QtCore.QPointF(x + 11, y + 5),
            ]
        )
    )
