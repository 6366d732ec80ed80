"""The prompt, with completion while it is typed and underlines where it will not be drawn as
meant."""

from typing import Optional

from framewright import Catalogue, Mark, Suggestion, suggestions
from framewright.lint import from_utf16, utf16

from ..qt import QtCore, QtGui, QtWidgets
from . import theme

# As long as a typist pauses between two words.
_LINT_MILLISECONDS = 400
_LINES = 4

_Key = QtCore.Qt.Key
_ACCEPTING = (_Key.Key_Return, _Key.Key_Enter, _Key.Key_Tab)
_TEXT_ROLE = QtCore.Qt.ItemDataRole.DisplayRole
_DETAIL_ROLE = QtCore.Qt.ItemDataRole.ToolTipRole


class PromptEdit(QtWidgets.QPlainTextEdit):
    """A text field that knows shots and characters."""

    edited = QtCore.pyqtSignal(str)
    """The text was changed, by whomever."""
    paused = QtCore.pyqtSignal(str)
    """The text was not changed for a moment: time to look at it."""
    submitted = QtCore.pyqtSignal()
    """Ctrl+Enter."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._catalogue = Catalogue()
        self._marks: list[Mark] = []
        self._offered: list[Suggestion] = []
        self._completing = False
        self.setPlaceholderText("What the frame shows: “close up of kaitoyosuke man in a kitchen”")
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QtWidgets.QPlainTextEdit.LineWrapMode.WidgetWidth)
        line = self.fontMetrics().lineSpacing()
        margins = 2 * int(self._document().documentMargin()) + 2 * self.frameWidth()
        self.setMinimumHeight(_LINES * line + margins)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self._pause = QtCore.QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_LINT_MILLISECONDS)
        self._pause.timeout.connect(lambda: self.paused.emit(self.toPlainText()))
        self._offers = QtCore.QStringListModel(self)
        self._completer = QtWidgets.QCompleter(self._offers, self)
        self._completer.setWidget(self)
        self._completer.setCompletionMode(
            QtWidgets.QCompleter.CompletionMode.UnfilteredPopupCompletion
        )
        self._completer.activated[QtCore.QModelIndex].connect(self._accept)
        self.textChanged.connect(self._changed)

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(super().sizeHint().width(), self.minimumHeight())

    @property
    def marks(self) -> list[Mark]:
        """The findings that are shown."""
        return self._marks

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Says what completion knows."""
        self._catalogue = catalogue

    def set_marks(self, prompt: str, marks: list[Mark]) -> None:
        """Underlines findings about a prompt, if that is what still stands here."""
        if prompt != self.toPlainText():
            return
        self._marks = marks
        selections: list[QtWidgets.QTextEdit.ExtraSelection] = []
        for mark in marks:
            if mark.end <= mark.start:
                continue
            selection = QtWidgets.QTextEdit.ExtraSelection()
            cursor = self.textCursor()
            cursor.setPosition(utf16(prompt, mark.start))
            keep = QtGui.QTextCursor.MoveMode.KeepAnchor
            cursor.setPosition(utf16(prompt, mark.end), keep)
            form = QtGui.QTextCharFormat()
            # A wave of this style is drawn in the colour that is given, in every theme.
            form.setUnderlineStyle(QtGui.QTextCharFormat.UnderlineStyle.WaveUnderline)
            form.setUnderlineColor(theme.severity_colour(mark, self.palette()))
            selection.cursor, selection.format = cursor, form
            selections.append(selection)
        self.setExtraSelections(selections)

    def set_text(self, text: str) -> None:
        """Replaces the text, so that it can be undone."""
        if text == self.toPlainText():
            return
        cursor = QtGui.QTextCursor(self._document())
        cursor.select(QtGui.QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(cursor)

    def _document(self) -> QtGui.QTextDocument:
        document = self.document()
        assert document is not None, "a text field always has one"
        return document

    def _changed(self) -> None:
        text = self.toPlainText()
        if self._marks:
            self._marks = []
            self.setExtraSelections([])
        self.edited.emit(text)
        self._pause.start()
        if self.hasFocus() and not self._completing:
            self._offer()

    # Completion.

    def _offer(self) -> None:
        text = self.toPlainText()
        cursor = from_utf16(text, self.textCursor().position())
        self._offered = suggestions(text, cursor, self._catalogue)[:12]
        popup = self._popup()
        if not self._offered:
            popup.hide()
            return
        self._offers.setStringList(
            [
                f"{offered.label}    {offered.detail}" if offered.detail else offered.label
                for offered in self._offered
            ]
        )
        self._completer.setCompletionPrefix("")
        popup.setCurrentIndex(self._offers.index(0, 0))
        place = self.cursorRect()
        place.translate(self.viewportMargins().left(), GAP_BELOW)
        place.setWidth(max(self.width() - place.left(), self.width() * 3 // 4))
        self._completer.complete(place)

    def _accept(self, index: QtCore.QModelIndex) -> None:
        if not 0 <= index.row() < len(self._offered):
            return
        offered = self._offered[index.row()]
        text = self.toPlainText()
        cursor = self.textCursor()
        cursor.setPosition(utf16(text, offered.start))
        keep = QtGui.QTextCursor.MoveMode.KeepAnchor
        cursor.setPosition(utf16(text, offered.end), keep)
        self._completing = True
        cursor.insertText(offered.replacement)
        self.setTextCursor(cursor)
        self._completing = False

    def _popup(self) -> QtWidgets.QAbstractItemView:
        popup = self._completer.popup()
        assert popup is not None, "a completer makes its popup when it is asked for"
        return popup

    # Events.

    def event(self, e: Optional[QtCore.QEvent]) -> bool:
        event = e
        if event is None:
            return False
        if event.type() == QtCore.QEvent.Type.ShortcutOverride and _submits(event):
            # Krita's shortcuts would get it else.
            event.accept()
            return True
        if event.type() == QtCore.QEvent.Type.ToolTip and isinstance(event, QtGui.QHelpEvent):
            self._tell(event)
            return True
        return super().event(event)

    def keyPressEvent(self, e: Optional[QtGui.QKeyEvent]) -> None:
        event = e
        if event is None:
            return
        if _submits(event):
            self._popup().hide()
            self.submitted.emit()
            return
        if self._popup().isVisible() and event.key() in _ACCEPTING:
            # The popup's own filter takes it.
            event.ignore()
            return
        super().keyPressEvent(event)

    def _tell(self, event: QtGui.QHelpEvent) -> None:
        text = self.toPlainText()
        at = from_utf16(text, self.cursorForPosition(event.pos()).position())
        reasons = [mark.reason for mark in self._marks if mark.start <= at < mark.end]
        QtWidgets.QToolTip.showText(event.globalPos(), "\n".join(reasons), self)


def _submits(event: QtCore.QEvent) -> bool:
    if not isinstance(event, QtGui.QKeyEvent):
        return False
    control = QtCore.Qt.KeyboardModifier.ControlModifier
    return event.key() in _ACCEPTING[:2] and bool(event.modifiers() & control)


GAP_BELOW = 4
