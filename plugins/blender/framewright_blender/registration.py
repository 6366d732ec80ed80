"""Gives Blender the add-on's classes and takes them back."""

import bpy

from . import workplace
from .widgets import boards, frames, properties, thumbnails

_CLASSES = (*properties.CLASSES, *boards.CLASSES, *frames.CLASSES)


def register() -> None:
    """Blender calls it when the add-on is turned on."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)
    properties.register()
    thumbnails.register()
    workplace.register()


def unregister() -> None:
    """Blender calls it when the add-on is turned off."""
    workplace.unregister()
    thumbnails.unregister()
    properties.unregister()
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
