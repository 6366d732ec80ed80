"""One studio for all windows of Krita, and what only Krita can do for it."""

import functools
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Optional, cast

from framewright import ConnectOptions, remedy
from framewright.settings import FILLS, Settings
from krita import Krita

from .bounds import Bounds
from .canvas import Canvas, selected_layers
from .link import Link
from .order import Task
from .pixels import Pixels
from .qt import QtCore, QtGui, QtWidgets
from .sheet import CanvasLike
from .studio import Studio
from .widgets.panel import Panel

VERSION = "0.1.0"
_GROUP = "framewright"
# What Krita keeps of the settings; a seed belongs to one document's work.
_KEPT = ("prompt", "negative_prompt", "model", "strength", "candidates", "fill", "hires")


class Documents:
    """Krita's documents, as the studio asks for them."""

    def __init__(self) -> None:
        self._from_layers = False

    def start_from_layers(self, chosen: bool) -> None:
        """Whether requests start from the chosen layers instead of what can be seen."""
        self._from_layers = chosen

    def active(self) -> Optional[CanvasLike]:
        return Canvas.active()

    def open(self) -> Sequence[CanvasLike]:
        return Canvas.all()

    def read(
        self, canvas: CanvasLike, bounds: Bounds, size: tuple[int, int]
    ) -> Generator[None, None, Pixels]:
        layers = selected_layers() if self._from_layers else []
        return cast("Canvas", canvas).read(bounds, size, layers)


class Workplace(QtCore.QObject):
    """Holds the studio, its panels and its settings for as long as Krita runs."""

    def __init__(self) -> None:
        super().__init__()
        program = _setting("program", "")
        options = ConnectOptions(
            f"krita {Krita.instance().version()} plugin {VERSION}",
            program=Path(program) if program else None,
        )
        self.documents = Documents()
        self.studio = Studio(Link(options, self), self.documents, self)
        self.studio.settings = _read_settings()
        self._panels: list[Panel] = []
        application = QtWidgets.QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._close)

    def new_panel(self) -> Panel:
        """A panel for a docker of one window."""
        panel = Panel(self.studio, self.do, self.fix)
        panel.show_settings()
        self._panels.append(panel)
        panel.destroyed.connect(functools.partial(self._forget_panel, panel))
        return panel

    def do(self, task: Task) -> None:
        """Does a task in the active document."""
        self._remember()
        if task is Task.REPLACE:
            self._replace()
        else:
            self.studio.run(task)

    def fix(self, what: str) -> None:
        """Does what the button beside a message says."""
        if what == remedy.START or what == remedy.RETRY:
            self.studio.retry()
        elif what == remedy.LOG:
            _open(self.studio.library.view.log)
        elif what == remedy.MODELS:
            _open(self.studio.library.view.folder)
        elif what == remedy.LOCATE:
            self._locate()

    def _replace(self) -> None:
        """Repaints the selection with the character that the painter chooses."""
        catalogue = self.studio.library.view.catalogue
        menu = QtWidgets.QMenu()
        for character in catalogue.characters:
            action = menu.addAction(character.mention)
            if action is not None:
                action.setData(character.token)
        chosen = menu.exec(QtGui.QCursor.pos())
        if chosen is not None:
            self.studio.replace_character(chosen.data())

    def _locate(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(None, "Where is framewrightd?")
        if path:
            Krita.instance().writeSetting(_GROUP, "program", path)
            self.studio.link.set_program(Path(path))
            self.studio.retry()

    def _forget_panel(self, panel: Panel) -> None:
        self._panels = [held for held in self._panels if held is not panel]

    def _remember(self) -> None:
        settings = self.studio.settings
        for name in _KEPT:
            value = getattr(settings, name)
            Krita.instance().writeSetting(_GROUP, name, "" if value is None else str(value))

    def _close(self) -> None:
        self._remember()
        self.studio.link.close()


@functools.cache
def workplace() -> Workplace:
    """The one of this process, made when it is first needed."""
    return Workplace()


def _setting(name: str, default: str) -> str:
    return str(Krita.instance().readSetting(_GROUP, name, default))


def _read_settings() -> Settings:
    fresh = Settings()
    try:
        return Settings(
            prompt=_setting("prompt", ""),
            negative_prompt=_setting("negative_prompt", ""),
            model=_setting("model", "") or None,
            strength=float(_setting("strength", str(fresh.strength))),
            candidates=int(_setting("candidates", str(fresh.candidates))),
            fill=_setting("fill", FILLS[0]),
            hires=_setting("hires", str(fresh.hires)) == str(True),
        ).checked()
    except ValueError:
        return fresh


def _open(path: str) -> None:
    if path:
        QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(path))
