"""Pictures of files, small, for panels."""

import os
from typing import Any, Optional

import bpy.utils.previews

_held: Optional[Any] = None


def icon(path: str) -> int:
    """The number of an icon for a picture file; that of a question mark where there is none."""
    if _held is None or not path:
        return 0
    try:
        changed = os.stat(path).st_mtime_ns
    except OSError:
        return 0
    key = f"{path}:{changed}"
    found = _held.get(key)
    return (found or _held.load(key, path, "IMAGE")).icon_id


def register() -> None:
    """Makes room for them."""
    global _held
    _held = bpy.utils.previews.new()


def unregister() -> None:
    """Frees them."""
    global _held
    if _held is not None:
        bpy.utils.previews.remove(_held)
        _held = None
