"""The part of Blender's scripting interface that the add-on uses, for the type checker.

What a .blend file holds is `Any`: its classes differ between the versions that are served.
"""

from typing import Any

from . import app as app
from . import path as path
from . import props as props
from . import types as types
from . import utils as utils

context: Any
data: Any
ops: Any
