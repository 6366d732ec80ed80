"""A second plugin that drives Krita in tests, with what `scenarios` says and a copy of `stage`."""

from framewright_krita.qt import QtCore
from krita import Extension, Krita

from .stage import Stage

_STEP_MILLISECONDS = 20
_SCENARIO_SECONDS = 90


class Driver(Extension):
    """Begins when the first window is there."""

    def setup(self) -> None:
        """Krita calls it once."""

    def createActions(self, window) -> None:
        if not hasattr(self, "stage"):
            from . import scenarios

            notice = lambda: scenarios.studio().current_notice  # noqa: E731
            self.stage = Stage(scenarios, notice, _SCENARIO_SECONDS)
            self.timer = QtCore.QTimer(self)
            self.timer.timeout.connect(self.tick)
            self.timer.start(_STEP_MILLISECONDS)

    def tick(self) -> None:
        if self.stage.current is not None or Krita.instance().activeWindow() is not None:
            self.stage.tick()


Krita.instance().addExtension(Driver(Krita.instance()))
