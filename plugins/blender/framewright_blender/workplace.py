"""The one studio of this Blender: its timer, and what Blender tells of files, renders and undo."""

import contextlib
from pathlib import Path
from typing import Any, Optional

import bpy

from .client import ConnectOptions
from .studio import Studio

VERSION = "0.1.0"
_BUSY_SECONDS = 0.02
_IDLE_SECONDS = 0.2
_SHOWN_IN = ("SEQUENCE_EDITOR", "IMAGE_EDITOR", "VIEW_3D")

_studio: Optional[Studio] = None
_rendering = False
_saving = False


def studio() -> Studio:
    """The studio, made when it is first needed."""
    global _studio
    if _studio is None:
        _studio = Studio(_options())
    return _studio


def quiet() -> bool:
    """Whether Blender renders or saves: nothing of a file may change then."""
    return _rendering or _saving or bpy.app.is_job_running("RENDER")


def tick() -> float:
    """Blender's timer: delivers what came back, and says when to call again."""
    held = _studio
    if held is None or quiet():
        return _IDLE_SECONDS
    held.pump()
    if held.changed:
        held.changed = False
        _redraw()
    return _BUSY_SECONDS if held.busy or held.state == "connecting" else _IDLE_SECONDS


def reconnect() -> None:
    """Connects anew, with what the preferences say now."""
    studio().use(_options())


def register() -> None:
    """Starts the timer and listens."""
    for handlers, function in _listeners():
        handlers.append(function)
    bpy.app.timers.register(tick, first_interval=_IDLE_SECONDS, persistent=True)


def unregister() -> None:
    """Stops the timer and leaves the daemon, which goes on with what it was asked for."""
    global _studio
    for function in (tick, _save_ended):
        if bpy.app.timers.is_registered(function):
            bpy.app.timers.unregister(function)
    for handlers, function in _listeners():
        with contextlib.suppress(ValueError):
            handlers.remove(function)
    if _studio is not None:
        _studio.close()
        _studio = None


def _listeners() -> "list[tuple[Any, Any]]":
    handlers = bpy.app.handlers
    return [
        (handlers.load_post, _loaded),
        (handlers.save_pre, _save_begins),
        (handlers.save_post, _save_ended),
        *([(handlers.save_post_fail, _save_ended)] if hasattr(handlers, "save_post_fail") else []),
        (handlers.undo_post, _undone),
        (handlers.redo_post, _undone),
        (handlers.render_init, _render_begins),
        (handlers.render_complete, _render_ended),
        (handlers.render_cancel, _render_ended),
    ]


@bpy.app.handlers.persistent
def _loaded(*_: Any) -> None:
    global _rendering, _saving
    _rendering = _saving = False
    wanted = any(scene.framewright.board or scene.framewright.jobs for scene in bpy.data.scenes)
    if wanted or _studio is not None:
        studio().adopt()


@bpy.app.handlers.persistent
def _save_begins(*_: Any) -> None:
    global _saving
    if _studio is not None:
        _studio.remember()
    _saving = True
    if not hasattr(bpy.app.handlers, "save_post_fail"):
        # Where Blender does not tell that saving failed. Timers wait until it is over.
        bpy.app.timers.register(_save_ended)


@bpy.app.handlers.persistent
def _save_ended(*_: Any) -> None:
    global _saving
    _saving = False


@bpy.app.handlers.persistent
def _undone(*_: Any) -> None:
    if _studio is not None:
        _studio.drop_reading()
        _studio.remember()
        _studio.changed = True


@bpy.app.handlers.persistent
def _render_begins(*_: Any) -> None:
    global _rendering
    _rendering = True


@bpy.app.handlers.persistent
def _render_ended(*_: Any) -> None:
    global _rendering
    _rendering = False


def _options() -> ConnectOptions:
    program = _program()
    return ConnectOptions(
        f"blender {bpy.app.version_string} add-on {VERSION}",
        program=Path(program) if program else None,
    )


def _program() -> str:
    held = bpy.context.preferences.addons.get(__package__)
    preferences = held.preferences if held is not None else None
    return bpy.path.abspath(preferences.program) if preferences is not None else ""


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _SHOWN_IN:
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
