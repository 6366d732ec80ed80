"""The client of the daemon: the copy that an installed add-on carries inside of itself, or, in a
clone of the repository, the package on the path."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

_CARRIED = find_spec(f"{__package__}.framewright") is not None

if TYPE_CHECKING or not _CARRIED:
    from framewright import *  # noqa: F403 (what it exports is what is used here)
    from framewright.boards import BoardDrawn, BoardPlanned
    from framewright.library import LibraryView
    from framewright.lint import mark
    from framewright.remedy import LOCATE, LOG, MODELS, RETRY, START
    from framewright.results import JobList, Lint, decode
    from framewright.settings import FILLS, Settings, given
    from framewright.working_size import HIRES_SCALE, LARGEST_SIDE
else:
    from .framewright import *  # noqa: F403
    from .framewright.boards import BoardDrawn, BoardPlanned
    from .framewright.library import LibraryView
    from .framewright.lint import mark
    from .framewright.remedy import LOCATE, LOG, MODELS, RETRY, START
    from .framewright.results import JobList, Lint, decode
    from .framewright.settings import FILLS, Settings, given
    from .framewright.working_size import HIRES_SCALE, LARGEST_SIDE

__all__ = [
    "FILLS",
    "HIRES_SCALE",
    "LARGEST_SIDE",
    "LOCATE",
    "LOG",
    "MODELS",
    "RETRY",
    "START",
    "BoardDrawn",
    "BoardPlanned",
    "JobList",
    "LibraryView",
    "Lint",
    "Settings",
    "decode",
    "given",
    "mark",
]
