"""What the daemon has to offer: methods, models, shots, characters; read anew when it changes."""

from typing import Any, Optional

from framewright import Event
from framewright.library import LibraryView

from .link import CONNECTED, Link
from .qt import QtCore

# Many files change at once when a folder is copied.
_SETTLE_MILLISECONDS = 300


class Library(QtCore.QObject):
    """Keeps up with the daemon's library over a link."""

    changed = QtCore.pyqtSignal()
    """Something of it is different now."""

    def __init__(self, link: Link, parent: Optional[QtCore.QObject] = None) -> None:
        super().__init__(parent)
        self._link = link
        self.view = LibraryView(link.ask, self.changed.emit)
        self.methods: Optional[frozenset[str]] = None
        """The daemon's methods; none while they are not known."""
        self._settling = QtCore.QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.timeout.connect(self.view.read)
        link.state_changed.connect(self._link_changed)
        link.event_came.connect(self._event)

    def _link_changed(self, state: str) -> None:
        if state == CONNECTED:
            self._link.ask("events.subscribe", {"topics": ["library"]})
            self._link.ask("describe", {}, self._described)
            self.view.read()

    def _event(self, event: Event) -> None:
        if event.name == "library.changed":
            self._settling.start(_SETTLE_MILLISECONDS)

    def _described(self, result: Any) -> None:
        names = [method.get("method") for method in result.get("methods", [])]
        self.methods = frozenset(name for name in names if isinstance(name, str))
        self.changed.emit()
