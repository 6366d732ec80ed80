"""Boards in the sequencer: choosing one, rendering it, its strips, takes and markers."""

import os
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from .. import places, sequence, workplace
from ..client import LOCATE, LOG, MODELS, Board, BoardFrame, FramewrightError
from ..record import Record
from . import parts
from .operator import Action
from .properties import PACKAGE, with_properties


def _board(context: Any) -> Board:
    """The board of the scene. Raises `FramewrightError` where none is chosen or known yet."""
    scene = sequence.scene_of(context)
    board = workplace.studio().board_of(scene)
    if board is None and scene.framewright.board:
        raise FramewrightError("the board is not loaded yet", None, "try again in a moment")
    if board is None:
        raise FramewrightError("no board is chosen", None, "open one, or make a new one")
    return board


def _at_playhead(context: Any) -> "tuple[Board, BoardFrame]":
    """The board's frame at the current frame: that of the strip there."""
    board = _board(context)
    strip = sequence.at_playhead(sequence.scene_of(context))
    record = Record.of(strip) if strip is not None else None
    frame = board.frame(record.frame) if record is not None else None
    if record is None or frame is None or places.absolute(record.board) != board.path:
        raise FramewrightError(
            "no strip of the board is at the current frame", None, "move the current frame onto one"
        )
    return board, frame


@with_properties(directory=StringProperty(subtype="DIR_PATH"))
class OpenBoard(Action, bpy.types.Operator):
    """Choose the folder of a board"""

    bl_idname = "framewright.open_board"
    bl_label = "Open Board…"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self: Any, context: Any, _event: Any) -> "set[str]":
        """Blender calls it at a click."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def do(self: Any, context: Any) -> None:
        path = places.absolute(str(self.directory))
        if not os.path.isfile(os.path.join(path, "board.toml")):
            raise FramewrightError(
                "this folder holds no board", path, "choose one with a board.toml in it"
            )
        sequence.scene_of(context).framewright.board = places.stored(path)
        workplace.studio().open_board(path)


class BoardsMenu(bpy.types.Menu):
    """The boards near this file"""

    bl_idname = "FRAMEWRIGHT_MT_boards"
    bl_label = "Boards near this file"

    def draw(self: Any, _context: Any) -> None:
        """Blender calls it."""
        nearby = places.boards_nearby()
        for path in nearby:
            name = Path(path).name
            self.layout.operator("framewright.open_board", text=name).directory = path
        if not nearby:
            saved = bool(bpy.data.filepath)
            words = "No board lies beside this file" if saved else "This file was never saved"
            self.layout.label(text=words)


@with_properties(
    name=StringProperty(name="Name", description="The folder's name, beside this file"),
    scene_text=StringProperty(
        name="Scene", description="What happens, where and in which light, in plain words"
    ),
    frames=IntProperty(
        name="Frames", description="How many frames; 0 lets the planner choose", min=0, max=40
    ),
)
class NewBoard(Action, bpy.types.Operator):
    """Make a board beside this file and plan its scene"""

    bl_idname = "framewright.new_board"
    bl_label = "New Board"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self: Any, context: Any, _event: Any) -> "set[str]":
        """Blender calls it at a click."""
        return context.window_manager.invoke_props_dialog(self, width=520)

    def do(self: Any, context: Any) -> None:
        if not bpy.data.filepath:
            raise FramewrightError(
                "this file was never saved", None, "save it first: its boards lie beside it"
            )
        name = str(self.name).strip()
        if not name or name in (".", "..") or any(sign in name for sign in '/\\:*?"<>|'):
            raise FramewrightError("that is no name for a folder", name or None, "use letters")
        if not self.scene_text.strip():
            raise FramewrightError("the scene is empty", None, "write what happens in it")
        path = os.path.join(os.path.dirname(str(bpy.data.filepath)), name)
        if os.path.exists(os.path.join(path, "board.toml")):
            raise FramewrightError(
                "there is a board of this name", path, "open it, or choose another name"
            )
        workplace.studio().new_board(path, self.scene_text.strip(), self.frames or None)
        sequence.scene_of(context).framewright.board = places.stored(path)


class ReloadBoard(Action, bpy.types.Operator):
    """Look again what the board holds"""

    bl_idname = "framewright.reload_board"
    bl_label = "Reload Board"

    def do(self, context: Any) -> None:
        path = places.absolute(str(sequence.scene_of(context).framewright.board))
        if not path:
            raise FramewrightError("no board is chosen", None, "open one, or make a new one")
        workplace.studio().open_board(path)


class RenderBoard(Action, bpy.types.Operator):
    """Render the takes that the board asks for and does not have"""

    bl_idname = "framewright.render_board"
    bl_label = "Render Missing Frames"

    def do(self, context: Any) -> None:
        workplace.studio().render_board(_board(context).path)


class RenderFrame(Action, bpy.types.Operator):
    """Render the missing takes of the frame at the current frame"""

    bl_idname = "framewright.render_frame"
    bl_label = "Render This Frame"

    def do(self, context: Any) -> None:
        board, frame = _at_playhead(context)
        workplace.studio().render_board(board.path, frame.id)


@with_properties(
    start=IntProperty(
        name="Start", description="The first frame of the first strip", default=-1, min=-1
    ),
    gap=IntProperty(name="Gap", description="Empty frames between two shots", min=0, soft_max=48),
    channel=IntProperty(
        name="Channel",
        description="The first channel to look for room in; 0 begins at the lowest",
        min=0,
        max=128,
    ),
    match_rate=BoolProperty(
        name="Use the board's frame rate", description="Give the scene the board's frame rate"
    ),
    markers=BoolProperty(name="Markers", description="A marker where each shot begins"),
)
class InsertBoard(Action, bpy.types.Operator):
    """Insert the board at the current frame, a strip a shot"""

    bl_idname = "framewright.insert_board"
    bl_label = "Insert as Strips"
    bl_options = {"REGISTER", "UNDO"}

    def do(self: Any, context: Any) -> None:
        scene, board = sequence.scene_of(context), _board(context)
        start = self.start if self.start >= 0 else scene.frame_current
        sequence.insert_board(scene, board, start, self.gap, self.channel, self.match_rate)
        if self.markers:
            sequence.mark_shots(scene, board)


class UpdateStrips(Action, bpy.types.Operator):
    """Let the strips show what the board shows now; their cuts stay"""

    bl_idname = "framewright.update_strips"
    bl_label = "Update Strips"
    bl_options = {"REGISTER", "UNDO"}

    def do(self: Any, context: Any) -> None:
        changed, gone = sequence.update_board(sequence.scene_of(context), _board(context))
        if gone:
            names = ", ".join(gone)
            self.report({"WARNING"}, f"The board has these frames no longer: {names}")
        self.report({"INFO"}, f"{changed} strips changed")


class MarkShots(Action, bpy.types.Operator):
    """Put a marker where each shot of the board begins"""

    bl_idname = "framewright.mark_shots"
    bl_label = "Markers"
    bl_options = {"REGISTER", "UNDO"}

    def do(self, context: Any) -> None:
        if not sequence.mark_shots(sequence.scene_of(context), _board(context)):
            raise FramewrightError(
                "the board has no strips in this scene", None, "insert it as strips first"
            )


@with_properties(frame=StringProperty(options={"HIDDEN"}), number=IntProperty(options={"HIDDEN"}))
class PickTake(Action, bpy.types.Operator):
    """Let this take stand for the frame"""

    bl_idname = "framewright.pick_take"
    bl_label = "Pick Take"

    def do(self: Any, context: Any) -> None:
        board = _board(context)
        frame = board.frame(self.frame)
        if frame is None or not 0 <= self.number < len(frame.takes):
            raise FramewrightError("the board has no such take", None, "reload the board")
        workplace.studio().pick(board.path, frame.id, str(frame.takes[self.number].take))


class Again(Action, bpy.types.Operator):
    """Make another batch for the strip at the current frame"""

    bl_idname = "framewright.again"
    bl_label = "Again"

    def do(self, context: Any) -> None:
        scene = sequence.scene_of(context)
        strip = sequence.at_playhead(scene)
        record = Record.of(strip) if strip is not None else None
        if strip is None or record is None:
            raise FramewrightError(
                "no strip of Framewright's is at the current frame",
                None,
                "move the current frame onto one",
            )
        workplace.studio().again(scene, strip, record)


@with_properties(prompt=StringProperty(name="Prompt", description="What the frame shows"))
class EditPrompt(Action, bpy.types.Operator):
    """Change what the frame at the current frame shows, and draw new takes of it"""

    bl_idname = "framewright.edit_prompt"
    bl_label = "Edit Prompt…"

    def invoke(self: Any, context: Any, _event: Any) -> "set[str]":
        """Blender calls it at a click."""
        try:
            _, frame = _at_playhead(context)
        except FramewrightError:
            return self.execute(context)
        self.prompt = frame.prompt
        return context.window_manager.invoke_props_dialog(self, width=640)

    def do(self: Any, context: Any) -> None:
        board, frame = _at_playhead(context)
        if not self.prompt.strip():
            raise FramewrightError("the prompt is empty", None, "write what the frame shows")
        workplace.studio().redo(board.path, frame.id, self.prompt.strip())


@with_properties(key=StringProperty(options={"HIDDEN"}))
class Cancel(Action, bpy.types.Operator):
    """Cancel this, and nothing else"""

    bl_idname = "framewright.cancel"
    bl_label = "Cancel"

    def do(self: Any, context: Any) -> None:
        studio = workplace.studio()
        for job in [job for job in studio.jobs if job.key == self.key]:
            studio.cancel(job)


class Dismiss(Action, bpy.types.Operator):
    """I have read it"""

    bl_idname = "framewright.dismiss"
    bl_label = "Dismiss"

    def do(self, context: Any) -> None:
        workplace.studio().dismiss()


@with_properties(what=StringProperty(options={"HIDDEN"}))
class Fix(Action, bpy.types.Operator):
    """Put it right"""

    bl_idname = "framewright.fix"
    bl_label = "Fix"

    def do(self: Any, context: Any) -> None:
        studio = workplace.studio()
        paths = {LOG: studio.library.log, MODELS: studio.library.folder}
        if self.what == LOCATE:
            bpy.ops.preferences.addon_show(module=PACKAGE)
        elif self.what in paths:
            if paths[self.what]:
                bpy.ops.wm.path_open(filepath=paths[self.what])
        else:
            studio.retry()


class BoardPanel(bpy.types.Panel):
    """The board, what it lacks, and its strips."""

    bl_idname = "FRAMEWRIGHT_PT_board"
    bl_label = "Board"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Framewright"

    def draw(self: Any, context: Any) -> None:
        """Blender calls it."""
        layout, scene = self.layout, sequence.scene_of(context)
        studio = workplace.studio()
        row = layout.row(align=True)
        row.menu("FRAMEWRIGHT_MT_boards", text="", icon="DOWNARROW_HLT")
        row.prop(scene.framewright, "board", text="")
        row.operator("framewright.reload_board", text="", icon="FILE_REFRESH")
        layout.operator("framewright.new_board", text="New Board…", icon="ADD")
        parts.state(layout, context)
        board = studio.board_of(scene)
        if board is None:
            return
        parts.text(layout, context, board.scene, "TEXT")
        frames = len(board.frames)
        missing = f"{board.missing} takes missing" if board.missing else "all takes are there"
        layout.label(text=f"{frames} frames · {board.fps:g} fps · {missing}", icon="IMAGE_DATA")
        column = layout.column()
        column.enabled = bool(board.missing) and studio.drawing(board.path) is None
        column.operator("framewright.render_board", icon="RENDER_STILL")
        strips = layout.column(align=True)
        strips.enabled = bool(frames)
        strips.operator("framewright.insert_board", icon="SEQ_SEQUENCER")
        row = strips.row(align=True)
        outdated = sequence.outdated(scene, board)
        words = f"Update {outdated} Strips" if outdated else "Update Strips"
        row.operator("framewright.update_strips", text=words, icon="FILE_REFRESH")
        row.operator("framewright.mark_shots", icon="MARKER_HLT")


class ShotPanel(bpy.types.Panel):
    """The frame at the current frame, and its takes to pick from."""

    bl_idname = "FRAMEWRIGHT_PT_shot"
    bl_label = "Shot"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Framewright"

    def draw_header_preset(self: Any, context: Any) -> None:
        """Blender calls it."""
        strip = sequence.at_playhead(sequence.scene_of(context))
        if strip is not None:
            self.layout.label(text=strip.name)

    def draw(self: Any, context: Any) -> None:
        """Blender calls it."""
        layout, scene = self.layout, sequence.scene_of(context)
        strip = sequence.at_playhead(scene)
        record = Record.of(strip) if strip is not None else None
        if record is None:
            parts.text(layout, context, "No strip of Framewright's is at the current frame.")
            return
        parts.text(layout, context, record.prompt, "GREASEPENCIL")
        board = workplace.studio().boards.get(places.absolute(record.board))
        frame = board.frame(record.frame) if board is not None else None
        if board is not None and frame is not None:
            self._takes(context, board, frame)
        elif record.candidates:
            entries = [
                (places.absolute(path), _seed_name(record, at), at == record.picked)
                for at, path in enumerate(record.candidates)
            ]
            parts.candidates(layout, context, "framewright.pick_candidate", entries)
        row = layout.row(align=True)
        row.operator("framewright.again", icon="FILE_REFRESH")
        row.operator("framewright.inpaint_strip", icon="BRUSH_DATA")

    def _takes(self: Any, context: Any, board: Board, frame: BoardFrame) -> None:
        layout = self.layout
        shown = frame.shown_take
        entries = [
            (
                os.path.join(board.path, take.image),
                f"Take {take.take}",
                shown is not None and take.take == shown.take,
            )
            for take in frame.takes
        ]
        if entries:
            parts.candidates(layout, context, "framewright.pick_take", entries, frame=frame.id)
        row = layout.row(align=True)
        missing = row.row(align=True)
        missing.enabled = board.missing_of(frame) > 0
        missing.operator("framewright.render_frame", icon="RENDER_STILL")
        row.operator("framewright.edit_prompt", icon="GREASEPENCIL")


def _seed_name(record: Record, at: int) -> str:
    return f"Seed {record.seeds[at]}" if at < len(record.seeds) else f"Candidate {at + 1}"


CLASSES = (
    OpenBoard,
    BoardsMenu,
    NewBoard,
    ReloadBoard,
    RenderBoard,
    RenderFrame,
    InsertBoard,
    UpdateStrips,
    MarkShots,
    PickTake,
    Again,
    EditPrompt,
    Cancel,
    Dismiss,
    Fix,
    BoardPanel,
    ShotPanel,
)
