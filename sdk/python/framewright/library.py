"""What the daemon's library has to offer an application: models, shots, characters."""

from collections.abc import Callable, Mapping
from typing import Any, Optional, Protocol

from .catalogue import Catalogue, Character, Shot
from .errors import FramewrightError
from .results import Documents, DocumentText, Model, ModelReport, Models, decode
from .working_size import WorkingSize

# Nearest framing first; shots of somebody's own come behind.
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


class Ask(Protocol):
    """Makes a request and returns at once."""

    def __call__(
        self,
        method: str,
        params: Mapping[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[FramewrightError], None] = ...,
    ) -> object:
        """`on_result` gets the result as it was unpacked."""
        ...


class LibraryView:
    """What an application knows of the library; `changed` is called when that is different."""

    def __init__(self, ask: Ask, changed: Callable[[], None]) -> None:
        self.models: list[Model] = []
        self.folder = ""
        """Where models are looked for."""
        self.log = ""
        """The daemon's log."""
        self.catalogue = Catalogue()
        self._ask, self._changed = ask, changed
        self._shots: dict[str, Shot] = {}
        self._characters: dict[str, Character] = {}
        self._sizes: dict[str, WorkingSize] = {}

    @property
    def default_model(self) -> Optional[str]:
        """The model that is used when none is named."""
        return next((model.name for model in self.models if model.default), None)

    def read(self) -> None:
        """Asks for everything; what fails is tried again with the next change."""
        self._sizes.clear()
        self._ask("status", {}, self._take_status)
        self._ask("model.list", {}, self._take_models)
        self._list("shot", self._shots, Shot.read)
        self._list("character", self._characters, Character.read)

    def ask_size(
        self,
        model: Optional[str],
        then: Callable[[WorkingSize], None],
        otherwise: Callable[[FramewrightError], None],
    ) -> None:
        """Finds out at what sizes a model works."""
        name = model or self.default_model or "sketch"
        known = self._sizes.get(name)
        if known is not None:
            then(known)
            return

        def told(result: Any) -> None:
            self._sizes[name] = WorkingSize.of(decode(ModelReport, result))
            then(self._sizes[name])

        self._ask("model.inspect", {"model": name}, told, otherwise)

    def _list(self, kind: str, known: dict[str, Any], read: Callable[[str, str], Any]) -> None:
        def listed(result: Any) -> None:
            held = decode(Documents, result)
            names = {document.name for document in held.documents if document.problem is None}
            for name in set(known) - names:
                del known[name]
            for name in sorted(names):
                get(name)
            self._arrange()

        def get(name: str) -> None:
            def got(result: Any) -> None:
                known[name] = read(name, decode(DocumentText, result).text)
                self._arrange()

            self._ask("document.get", {"kind": kind, "name": name}, got)

        self._ask("document.list", {"kind": kind}, listed)

    def _take_status(self, result: Any) -> None:
        self.log = str(result.get("log", ""))

    def _take_models(self, result: Any) -> None:
        held = decode(Models, result)
        self.models, self.folder = held.models, held.folder
        self._changed()

    def _arrange(self) -> None:
        def order(shot: Shot) -> tuple[int, str]:
            return (_SHOTS.index(shot.name) if shot.name in _SHOTS else len(_SHOTS), shot.name)

        catalogue = Catalogue(
            tuple(sorted(self._shots.values(), key=order)),
            tuple(sorted(self._characters.values(), key=lambda character: character.name)),
        )
        if catalogue != self.catalogue:
            self.catalogue = catalogue
            self._changed()
