"""The actions: in the menu Tools ▸ Framewright, with shortcuts that can be changed."""

import functools
from collections.abc import Callable
from typing import Any

from krita import Extension, Krita

from .order import Task
from .qt import QtWidgets
from .workplace import workplace

_MENU = "tools/scripts/framewright"


def actions() -> "list[tuple[str, str, Callable[[], Any]]]":
    """Id, words and deed of every action. `framewright.action` gives them their shortcuts."""
    place = workplace()
    studio = place.studio
    return [
        ("framewright_generate", "Generate", lambda: place.do(Task.GENERATE)),
        ("framewright_inpaint", "Inpaint selection", lambda: place.do(Task.INPAINT)),
        ("framewright_replace", "Replace character in selection", lambda: place.do(Task.REPLACE)),
        ("framewright_outpaint", "Outpaint to the canvas", lambda: place.do(Task.OUTPAINT)),
        ("framewright_select", "Select by click", lambda: place.do(Task.SELECT)),
        ("framewright_again", "Again", studio.again),
        ("framewright_apply", "Apply the candidate as a layer", lambda: studio.apply()),
        ("framewright_cancel", "Cancel", studio.cancel),
    ]


def _do(do: Callable[[], Any], _checked: bool = False) -> None:
    do()


class FramewrightExtension(Extension):
    """Gives every window of Krita the actions."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)

    def setup(self) -> None:
        """Krita calls it once."""

    def createActions(self, window: Any) -> None:
        """Krita calls it for each window."""
        top = window.createAction("framewright", "Framewright", "tools/scripts")
        menu = QtWidgets.QMenu("framewright", window.qwindow())
        top.setMenu(menu)
        for id, words, do in actions():
            action = window.createAction(id, words, _MENU)
            action.triggered.connect(functools.partial(_do, do))
        source = window.createAction("framewright_layers", "Start from the chosen layers", _MENU)
        source.setCheckable(True)
        source.toggled.connect(workplace().documents.start_from_layers)


def register() -> None:
    """Adds the actions and the docker to Krita."""
    from krita import DockWidgetFactory, DockWidgetFactoryBase

    from .docker import FramewrightDocker

    application = Krita.instance()
    application.addExtension(FramewrightExtension(application))
    # An enumeration of its own since Krita 6.
    position = getattr(DockWidgetFactoryBase, "DockPosition", None)
    right = getattr(position, "DockRight", None)
    if right is None:
        right = DockWidgetFactoryBase.DockRight
    application.addDockWidgetFactory(DockWidgetFactory("framewright", right, FramewrightDocker))
