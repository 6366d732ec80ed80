"""What the daemon has to offer: methods, models, shots, characters; read anew when it changes."""

from collections.abc import Callable
from typing import Any, Optional

from framewright import Catalogue, Character, Event, FramewrightError, Model, Shot, WorkingSize
from framewright.results import Documents, DocumentText, ModelReport, Models, decode

from .link import CONNECTED, Link
from .qt import QtCore

# Many files change at once when a folder is copied.
_SETTLE_MILLISECONDS = 300

_SHOTS = (
    "extreme-close-up",
    "close-up",
    "medium-close-up",
    "medium-shot",
    "american-shot",
    "full-shot",
    "long-shot",
    "extreme-long-shot",
    "detail-shot",
)


class Library(QtCore.QObject):
    """Keeps up with the daemon's library over a link."""

    changed = QtCore.pyqtSignal()
    """Something of it is different now."""

    def __init__(self, link: Link, parent: Optional[QtCore.QObject] = None) -> None:
        super().__init__(parent)
        self._link = link
        self.methods: Optional[frozenset[str]] = None
        """The daemon's methods; none while they are not known."""
        self.models: list[Model] = []
        self.folder = ""
        """Where models are looked for."""
        self.log = ""
        """The daemon's log."""
        self.catalogue = Catalogue()
        self._shots: dict[str, Shot] = {}
        self._characters: dict[str, Character] = {}
        self._sizes: dict[str, WorkingSize] = {}
        self._settling = QtCore.QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.timeout.connect(self._read)
        link.state_changed.connect(self._link_changed)
        link.event_came.connect(self._event)

    @property
    def default_model(self) -> Optional[str]:
        """The model that is used when none is named."""
        return next((model.name for model in self.models if model.default), None)

    def size(self, model: Optional[str]) -> Optional[WorkingSize]:
        """What a model works on, as far as it is known."""
        return self._sizes.get(model or self.default_model or "")

    def ask_size(
        self,
        model: Optional[str],
        then: Callable[[WorkingSize], None],
        otherwise: Callable[[FramewrightError], None],
    ) -> None:
        """Finds out what a model works on."""
        name = model or self.default_model or "sketch"
        known = self._sizes.get(name)
        if known is not None:
            then(known)
            return

        def told(result: Any) -> None:
            self._sizes[name] = WorkingSize.of(decode(ModelReport, result))
            then(self._sizes[name])

        self._link.ask("model.inspect", {"model": name}, told, otherwise)

    def _link_changed(self, state: str) -> None:
        if state == CONNECTED:
            self._link.ask("events.subscribe", {"topics": ["library"]})
            self._link.ask("describe", {}, self._described)
            self._link.ask("status", {}, self._status)
            self._read()

    def _event(self, event: Event) -> None:
        if event.name == "library.changed":
            self._settling.start(_SETTLE_MILLISECONDS)

    def _described(self, result: Any) -> None:
        names = [method.get("method") for method in result.get("methods", [])]
        self.methods = frozenset(name for name in names if isinstance(name, str))
        self.changed.emit()

    def _status(self, result: Any) -> None:
        self.log = str(result.get("log", ""))

    def _read(self) -> None:
        self._sizes.clear()
        self._link.ask("model.list", {}, self._take_models)
        for kind, take in (("shot", self._take_shot), ("character", self._take_character)):
            self._list(kind, take)

    def _list(self, kind: str, take: Callable[[str, str], None]) -> None:
        def listed(result: Any) -> None:
            held = decode(Documents, result)
            names = [document.name for document in held.documents if document.problem is None]
            known = self._shots if kind == "shot" else self._characters
            for name in set(known) - set(names):
                del known[name]
            for name in names:
                self._get(kind, name, take)
            self._arrange()

        self._link.ask("document.list", {"kind": kind}, listed)

    def _get(self, kind: str, name: str, take: Callable[[str, str], None]) -> None:
        def got(result: Any) -> None:
            take(name, decode(DocumentText, result).text)
            self._arrange()

        self._link.ask("document.get", {"kind": kind, "name": name}, got)

    def _take_models(self, result: Any) -> None:
        held = decode(Models, result)
        self.models, self.folder = held.models, held.folder
        self.changed.emit()

    def _take_shot(self, name: str, text: str) -> None:
        self._shots[name] = Shot.read(name, text)

    def _take_character(self, name: str, text: str) -> None:
        self._characters[name] = Character.read(name, text)

    def _arrange(self) -> None:
        def order(shot: Shot) -> tuple[int, str]:
            return (_SHOTS.index(shot.name) if shot.name in _SHOTS else len(_SHOTS), shot.name)

        catalogue = Catalogue(
            tuple(sorted(self._shots.values(), key=order)),
            tuple(sorted(self._characters.values(), key=lambda character: character.name)),
        )
        if catalogue != self.catalogue:
            self.catalogue = catalogue
            self.changed.emit()
