"""The sequencer: boards as strips, and single frames among them.

Blender 4.4 began to call sequences strips, and 5.0 has no other name; both are taken here, and
nowhere else.
"""

import contextlib
import filecmp
import os
import struct
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, Optional

import bpy

from . import places, timing
from .client import Board, BoardFrame, FramewrightError
from .record import Record
from .timing import Span

_CHANNELS = 128 if bpy.app.version >= (3, 5) else 32
_BLACK = (0.0, 0.0, 0.0)


def scene_of(context: Any) -> Any:
    """The scene whose strips are shown: since Blender 5.0 a workspace may name another one."""
    return getattr(context, "sequencer_scene", None) or context.scene


def rate(scene: Any) -> float:
    """Frames a second."""
    return scene.render.fps / scene.render.fps_base


def walk(scene: Any) -> Iterator[tuple[Any, Any]]:
    """Every strip with the collection that it is in, those in meta strips too."""
    editor = scene.sequence_editor
    if editor is not None:
        yield from _walk(_strips(editor))


def framewright_strips(scene: Any) -> list[tuple[Any, Any, Record]]:
    """The strips that are ours, with their collections and records, by time."""
    found = [
        (strips, strip, record)
        for strips, strip in walk(scene)
        for record in [Record.of(strip)]
        if record is not None
    ]
    return sorted(found, key=lambda held: held[1].frame_final_start)


def of_board(scene: Any, path: str) -> list[tuple[Any, Any, Record]]:
    """The strips of a board, by time."""
    return [
        held
        for held in framewright_strips(scene)
        if held[2].frame and places.absolute(held[2].board) == path
    ]


def named(scene: Any, name: str) -> Optional[Any]:
    """The strip of this name."""
    return next((strip for _, strip in walk(scene) if strip.name == name), None)


def at_playhead(scene: Any) -> Optional[Any]:
    """Our strip at the current frame: the active one where it is there, else the uppermost."""
    now = scene.frame_current
    here = [
        strip
        for _, strip, _ in framewright_strips(scene)
        if strip.frame_final_start <= now < strip.frame_final_end
    ]
    active = scene.sequence_editor.active_strip if here else None
    if active is not None and any(strip == active for strip in here):
        return active
    return max(here, key=lambda strip: strip.channel, default=None)


def picture_path(strip: Any) -> str:
    """The file that an image strip shows at the current frame, absolute; empty for others."""
    if strip.type != "IMAGE" or not strip.elements:
        return ""
    return places.absolute(os.path.join(strip.directory, strip.elements[0].filename))


@contextlib.contextmanager
def steady(scene: Any) -> Generator[None, None, None]:
    """Keeps Blender from drawing frames in advance while strips change."""
    editor = scene.sequence_editor_create()
    prefetching = editor.use_prefetch
    if prefetching:
        editor.use_prefetch = False
    try:
        yield
    finally:
        if prefetching:
            editor.use_prefetch = True


def free_channel(scene: Any, span: Span, wanted: int = 0) -> int:
    """The lowest channel, not locked, that has room for all of a span; with `wanted` that one or
    the next above it.

    Raises `FramewrightError` where there is none.
    """
    editor = scene.sequence_editor_create()
    taken = {
        strip.channel
        for strip in _strips(editor)
        if strip.frame_final_start < span.end and strip.frame_final_end > span.start
    }
    for channel in range(max(wanted, 1), _CHANNELS + 1):
        if channel not in taken and not editor.channels[channel].lock:
            return channel
    raise FramewrightError(
        "no channel of the sequencer has room there",
        f"frames {span.start} to {span.end - 1}",
        "move the current frame, or unlock or clear a channel",
    )


def insert_board(
    scene: Any, board: Board, start: int, gap: int = 0, channel: int = 0, match_rate: bool = False
) -> list[Any]:
    """Puts a board into the sequencer, a strip a frame, one after the other from `start` on, all
    in one channel. What was not drawn yet is black, and changes when it is."""
    if not board.frames:
        raise FramewrightError("the board has no frames", board.path, "plan its scene first")
    if match_rate:
        scene.render.fps, scene.render.fps_base = timing.rate_parts(board.fps)
    durations = [frame.duration for frame in board.frames]
    spans = timing.spans(durations, rate(scene), start, gap)
    whole = Span(start, spans[-1].end - start)
    with steady(scene):
        channel = free_channel(scene, whole, channel)
        strips = _strips(scene.sequence_editor)
        _deselect(scene)
        made: list[Any] = []
        for number, (frame, span) in enumerate(zip(board.frames, spans)):
            strip = _new(strips, title(number, frame), picture_of(board, frame), channel, span)
            board_record(board, frame, number).keep(strip)
            made.append(strip)
    scene.frame_end = max(scene.frame_end, whole.end - 1)
    return made


def insert_frame(scene: Any, path: str, name: str, record: Record, span: Span) -> Any:
    """Puts one picture into the first channel that has room there."""
    with steady(scene):
        channel = free_channel(scene, span)
        _deselect(scene)
        strip = _new(_strips(scene.sequence_editor), name, path, channel, span)
        record.keep(strip)
    scene.sequence_editor.active_strip = strip
    return strip


def update_board(scene: Any, board: Board) -> "tuple[int, list[str]]":
    """Lets the strips of a board show what it shows now, each in its place and as it was cut.
    How many changed, and the names of strips whose frames the board no longer has."""
    changed = 0
    gone: list[str] = []
    held = of_board(scene, board.path)
    if not held:
        return 0, []
    with steady(scene):
        for strips, strip, record in held:
            number = _number(board, record.frame)
            if number is None:
                gone.append(strip.name)
                continue
            frame = board.frames[number]
            now = replace(board_record(board, frame, number), candidates=())
            shown = picture_of(board, frame)
            if now == record and _shows(strip, shown):
                continue
            if not _shows(strip, shown) or now.hash != record.hash:
                strip = _show(scene, strips, strip, shown)
                changed += 1
            if strip.name == record.name and now.name != record.name:
                strip.name = now.name
            now.keep(strip)
    return changed, gone


def outdated(scene: Any, board: Board) -> int:
    """How many strips of a board show something else than it does."""
    frames = {frame.id: picture_of(board, frame) for frame in board.frames}
    return sum(
        record.frame in frames and not _shows(strip, frames[record.frame])
        for _, strip, record in of_board(scene, board.path)
    )


def picture_of(board: Board, frame: BoardFrame) -> str:
    """The picture that a frame's strip shows; empty where there is none.

    A board shows a pick by its copy, `shot_N.png`, which the next pick replaces. The pick itself
    stays as it is, for undo too; the copy is taken where somebody painted over it.
    """
    if frame.shown is None or frame.pick is None:
        return frame.shown or ""
    pick = os.path.normpath(os.path.join(board.path, frame.pick))
    with contextlib.suppress(OSError):
        if filecmp.cmp(pick, frame.shown, shallow=False):
            return pick
    return frame.shown


def show_candidate(scene: Any, strip: Any, record: Record) -> Any:
    """Lets a strip show the candidate that its record says."""
    with steady(scene):
        for strips, other in walk(scene):
            if other == strip:
                strip = _show(scene, strips, strip, places.absolute(record.shown))
                break
        record.keep(strip)
    return strip


def mark_shots(scene: Any, board: Board) -> int:
    """A marker where each shot of a board begins, with its name; markers of an earlier time are
    moved. How many there are."""
    markers = {marker.name: marker for marker in scene.timeline_markers}
    seen: set[str] = set()
    for _, strip, record in of_board(scene, board.path):
        number = _number(board, record.frame)
        # The parts of a strip that was cut are one shot.
        if number is None or record.frame in seen:
            continue
        seen.add(record.frame)
        name = title(number, board.frames[number])
        marker = markers.get(name)
        if marker is None:
            scene.timeline_markers.new(name, frame=strip.frame_final_start)
        else:
            marker.frame = strip.frame_final_start
    return len(seen)


def title(number: int, frame: BoardFrame) -> str:
    """A shot's name: its number in the board, from 1, and its shot type."""
    return f"{number + 1:02d} {frame.shot or 'frame'}"


def board_record(board: Board, frame: BoardFrame, number: int) -> Record:
    """What the strip of a frame remembers."""
    take = frame.shown_take
    painted_over = frame.pick is not None and picture_of(board, frame) == frame.shown
    return Record(
        board=places.stored(board.path),
        frame=frame.id,
        shot=frame.shot or "",
        take=take.take if take is not None else 0,
        hash=_stamp(frame.shown or "") if take is None or painted_over else take.hash,
        prompt=frame.prompt,
        negative_prompt=frame.negative_prompt or "",
        seed=str(take.seed if take is not None else frame.seed),
        name=title(number, frame),
    )


def _stamp(path: str) -> str:
    """What tells one state of a file of the user's own from another."""
    try:
        told = os.stat(path)
    except OSError:
        return ""
    return f"{told.st_size}-{told.st_mtime_ns}"


def _number(board: Board, id: str) -> Optional[int]:
    return next((at for at, frame in enumerate(board.frames) if frame.id == id), None)


def _strips(holder: Any) -> Any:
    """The strips of a sequence editor or of a meta strip."""
    return holder.strips if hasattr(holder, "strips") else holder.sequences


def _walk(strips: Any) -> Iterator[tuple[Any, Any]]:
    for strip in list(strips):
        yield strips, strip
        if strip.type == "META":
            yield from _walk(_strips(strip))


def _deselect(scene: Any) -> None:
    for _, strip in walk(scene):
        strip.select = False


def _new(strips: Any, name: str, path: str, channel: int, span: Span) -> Any:
    """A new strip: an image, or black where there is none."""
    if path:
        strip = strips.new_image(name, path, channel, span.start, fit_method="FIT")
        strip.frame_final_duration = span.length
        _point(strip, path)
        return strip
    # The argument's name changed in Blender 5.0, and it has to be named.
    length = (
        {"length": span.length}
        if bpy.app.version >= (5, 0)
        else {"frame_end": span.start + span.length}
    )
    strip = strips.new_effect(name, "COLOR", channel, frame_start=span.start, **length)
    strip.color = _BLACK
    return strip


def _show(scene: Any, strips: Any, strip: Any, path: str) -> Any:
    """Lets a strip show another picture. A black one is replaced, since strips keep their kind."""
    if strip.type == "IMAGE" and path:
        before, after = _size(picture_path(strip)), _size(path)
        _point(strip, path)
        if before is not None and after is not None and before != after:
            # Scales are factors of the picture's size: the strip keeps its own on the screen.
            strip.transform.scale_x *= before[0] / after[0]
            strip.transform.scale_y *= before[1] / after[1]
        return strip
    if strip.type != "IMAGE" and not path:
        return strip
    name, channel, select, mute = strip.name, strip.channel, strip.select, strip.mute
    span = Span(strip.frame_final_start, strip.frame_final_duration)
    active = scene.sequence_editor.active_strip == strip
    strips.remove(strip)
    fresh = _new(strips, name, path, channel, span)
    fresh.select, fresh.mute = select, mute
    if active:
        scene.sequence_editor.active_strip = fresh
    return fresh


def _point(strip: Any, path: str) -> None:
    strip.directory = places.stored(os.path.dirname(path))
    strip.elements[0].filename = os.path.basename(path)


def _shows(strip: Any, path: str) -> bool:
    return picture_path(strip) == (os.path.normpath(path) if path else "")


def _size(path: str) -> Optional[tuple[int, int]]:
    """The size that a PNG file tells."""
    try:
        with open(path, "rb") as file:
            head = file.read(24)
    except OSError:
        return None
    if len(head) < 24 or head[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def picked_everywhere(scenes: Sequence[Any], board: Board) -> int:
    """Updates the strips of a board in all scenes; how many changed."""
    return sum(update_board(scene, board)[0] for scene in scenes)
