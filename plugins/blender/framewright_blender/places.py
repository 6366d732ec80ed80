"""Where pictures lie: near the .blend file, and named from there."""

import os
from pathlib import Path

import bpy

FOLDER = "framewright"
"""The folder beside the .blend file for frames that belong to no board."""


def absolute(path: str) -> str:
    """A path as the system takes it."""
    return os.path.normpath(bpy.path.abspath(path)) if path else ""


def stored(path: str) -> str:
    """A path as the .blend file keeps it: from the file on, where it lies in its folder or near
    it, so that both can be moved together."""
    blend = bpy.data.filepath
    if not blend:
        return path
    folder = os.path.dirname(blend)
    try:
        near = os.path.commonpath([folder, path]) == folder
    except ValueError:
        # On another drive.
        return path
    return bpy.path.relpath(path) if near else path


def frames_folder() -> Path:
    """Where frames go that belong to no board: beside the .blend file; for a file that was never
    saved among this user's data, where they stay."""
    if bpy.data.filepath:
        return Path(os.path.dirname(bpy.data.filepath), FOLDER)
    return Path(bpy.utils.user_resource("DATAFILES", path=FOLDER, create=True))


def boards_nearby() -> list[str]:
    """The folders of the boards in the .blend file's folder, and in folders of it."""
    if not bpy.data.filepath:
        return []
    folder = Path(os.path.dirname(bpy.data.filepath))
    found = [
        *folder.glob("board.toml"),
        *folder.glob("*/board.toml"),
        *folder.glob("*/*/board.toml"),
    ]
    return sorted(str(path.parent) for path in found)


def write_frame(folder: Path, name: str, data: "bytes | memoryview") -> str:
    """Writes a picture in one piece; its path. The same picture is written once.

    Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        partial = path.with_name(f".{name}.part")
        partial.write_bytes(data)
        os.replace(partial, path)
    return str(path)
