"""Work that is done in pieces between the event loop's other duties."""

import time
from collections.abc import Callable, Generator
from typing import Generic, Optional, TypeVar

from .qt import QtCore

Made = TypeVar("Made")

# A frame of the screen is 16 ms; a painter notices a few of them.
_BUDGET_SECONDS = 0.008
# Time for everything else in between, Krita's own threads too.
_PAUSE_MILLISECONDS = 2


class Steps(QtCore.QObject, Generic[Made]):
    """Runs a generator until it returns, some milliseconds at a time.

    `on_done` gets what it returns, `on_error` the exception that it ends with.
    """

    def __init__(
        self,
        steps: Generator[None, None, Made],
        on_done: Callable[[Made], None],
        on_error: Callable[[Exception], None],
        parent: Optional[QtCore.QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._steps = steps
        self._on_done = on_done
        self._on_error = on_error
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_PAUSE_MILLISECONDS)

    def stop(self) -> None:
        """Gives up; nothing is called any more."""
        self._timer.stop()
        self._steps.close()

    def _tick(self) -> None:
        deadline = time.monotonic() + _BUDGET_SECONDS
        try:
            while time.monotonic() < deadline:
                next(self._steps)
        except StopIteration as end:
            self._timer.stop()
            self._on_done(end.value)
        except Exception as error:
            self._timer.stop()
            self._on_error(error)
