"""Turns Framewright's add-on on, once: Blender runs what lies in its folder of startup scripts.

`framewright install blender` puts this file there. It goes when its work is done, so that an
add-on that is turned off later stays off.
"""

import os

import bpy

ADDON = "framewright_blender"


def turn_on():
    """Enables the add-on and keeps that in the preferences."""
    if ADDON not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module=ADDON)
    if ADDON in bpy.context.preferences.addons:
        bpy.ops.wm.save_userpref()
        os.remove(__file__)


def register():
    """Blender calls it at its start, before it can enable anything."""
    if bpy.app.background:
        return
    bpy.app.timers.register(turn_on, first_interval=0.1)


def unregister():
    """Blender calls it at its end."""
