"""A second plugin that drives Krita in tests: steps of a generator between the event loop's own.

What a scenario is, and what is told of it, is in `scenarios` and `report`.
"""

from krita import Extension, Krita

from .stage import Stage


class Driver(Extension):
    """Begins when the first window is there."""

    def setup(self) -> None:
        """Krita calls it once."""

    def createActions(self, window) -> None:
        if not hasattr(self, "stage"):
            self.stage = Stage(self)


Krita.instance().addExtension(Driver(Krita.instance()))
