"""What the daemon has to offer: models, shots, characters; read anew when it changes."""

from collections.abc import Callable
from typing import Any, Optional

from .client import (
    Background,
    Catalogue,
    Character,
    Documents,
    DocumentText,
    Event,
    FramewrightError,
    Model,
    ModelReport,
    Models,
    Shot,
    WorkingSize,
    decode,
)

_FRAMINGS = ("extreme-close", "close", "medium-close", "medium", "american", "full", "long")


class Library:
    """Keeps up with the daemon's library."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.models: list[Model] = []
        self.folder = ""
        """Where models are looked for."""
        self.log = ""
        """The daemon's log."""
        self.catalogue = Catalogue()
        self._shots: dict[str, Shot] = {}
        self._characters: dict[str, Character] = {}
        self._sizes: dict[str, WorkingSize] = {}
        self._changed = changed

    @property
    def default_model(self) -> Optional[str]:
        """The model that is used when none is named."""
        return next((model.name for model in self.models if model.default), None)

    def read(self, background: Background) -> None:
        """Asks for everything; what fails is tried again with the next change."""
        self._sizes.clear()
        background.submit("status", on_result=self._take_status)
        background.submit("model.list", on_result=self._take_models)
        for kind, known, read in (
            ("shot", self._shots, Shot.read),
            ("character", self._characters, Character.read),
        ):
            self._list(background, kind, known, read)

    def take_event(self, background: Background, event: Event) -> None:
        """What the daemon tells without being asked."""
        if event.name == "library.changed":
            self.read(background)

    def ask_size(
        self,
        background: Background,
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

        background.submit("model.inspect", {"model": name}, on_result=told, on_error=otherwise)

    def _list(
        self,
        background: Background,
        kind: str,
        known: "dict[str, Any]",
        read: Callable[[str, str], Any],
    ) -> None:
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

            background.submit("document.get", {"kind": kind, "name": name}, on_result=got)

        background.submit("document.list", {"kind": kind}, on_result=listed)

    def _take_status(self, result: Any) -> None:
        self.log = str(result.get("log", ""))

    def _take_models(self, result: Any) -> None:
        held = decode(Models, result)
        self.models, self.folder = held.models, held.folder
        self._changed()

    def _arrange(self) -> None:
        def nearness(shot: Shot) -> tuple[int, str]:
            place = [at for at, name in enumerate(_FRAMINGS) if shot.name.startswith(name + "-")]
            return (place[0] if place else len(_FRAMINGS), shot.name)

        self.catalogue = Catalogue(
            tuple(sorted(self._shots.values(), key=nearness)),
            tuple(sorted(self._characters.values(), key=lambda character: character.name)),
        )
        self._changed()
