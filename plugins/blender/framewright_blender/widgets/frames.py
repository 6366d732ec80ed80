"""Single frames: from a prompt, a render, the viewport or an image, and painted anew."""

import os
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import bpy
from bpy.props import IntProperty, StringProperty

from .. import pictures, places, sequence, workplace
from ..client import FramewrightError, Picture
from ..job import Target
from ..record import Record
from ..studio import paint_with_white, show_image
from . import parts
from .operator import Action
from .properties import with_properties

_NAMED = StringProperty(options={"HIDDEN", "SKIP_SAVE"})
"""The image that an operator is about, for scripts; by default the one that is shown."""


def _image(context: Any, name: str) -> Any:
    """The image of a name, else the one that the Image Editor shows. Raises `FramewrightError`
    where there is none."""
    if name:
        image = bpy.data.images.get(name)
        if image is None:
            raise FramewrightError("there is no such image", name, "see bpy.data.images")
        return image
    image = getattr(context.space_data, "image", None) or getattr(context, "edit_image", None)
    if image is None:
        raise FramewrightError("no image is shown here", None, "open one in this Image Editor")
    return image


def _subject(image: Any) -> Any:
    """What is meant by an image: of a mask that is painted, the picture under it."""
    record = Record.of(image)
    return bpy.data.images.get(record.mask_of) or image if record and record.mask_of else image


def _target(context: Any, image: Any) -> Target:
    """A new image in place of this one, which knows what strip this one was sent from."""
    record = Record.of(image) or Record()
    return Target(
        "image",
        record.scene or sequence.scene_of(context).name,
        strip=record.strip,
        source=image.name,
        board=places.absolute(record.board),
        frame=record.frame,
    )


class Generate(Action, bpy.types.Operator):
    """Make a frame from the prompt and insert it as a strip at the current frame"""

    bl_idname = "framewright.generate"
    bl_label = "Generate"

    def do(self, context: Any) -> None:
        scene = sequence.scene_of(context)
        settings = scene.framewright
        length = max(round(settings.seconds * sequence.rate(scene)), 1)
        workplace.studio().generate(scene, settings.settings(), length)


@with_properties(number=IntProperty(options={"HIDDEN"}))
class PickCandidate(Action, bpy.types.Operator):
    """Let the strip show this one"""

    bl_idname = "framewright.pick_candidate"
    bl_label = "Pick Candidate"
    bl_options = {"REGISTER", "UNDO"}

    def do(self: Any, context: Any) -> None:
        scene = sequence.scene_of(context)
        strip = sequence.at_playhead(scene)
        if strip is not None:
            workplace.studio().pick_candidate(scene, strip, self.number)


class InpaintStrip(Action, bpy.types.Operator):
    """Send the frame of the strip at the current frame to the Image Editor, to paint a part anew"""

    bl_idname = "framewright.inpaint_strip"
    bl_label = "Inpaint…"
    bl_options = {"REGISTER", "UNDO"}

    def do(self, context: Any) -> None:
        scene = sequence.scene_of(context)
        strip = sequence.at_playhead(scene) or getattr(scene.sequence_editor, "active_strip", None)
        path = sequence.picture_path(strip) if strip is not None else ""
        if strip is None or not path:
            raise FramewrightError(
                "no strip with a picture is at the current frame",
                None,
                "move the current frame onto one that was rendered",
            )
        if not os.path.isfile(path):
            raise FramewrightError("the strip's picture is gone", path, "update the strips")
        image = pictures.load(path)
        record = Record.of(strip) or Record()
        kept = replace(record, scene=scene.name, strip=strip.name, candidates=(), seeds=())
        kept.keep(image)
        if record.prompt:
            context.scene.framewright.prompt = record.prompt
        if not show_image(image) and not bpy.app.background:
            bpy.ops.wm.window_new()
            window = context.window_manager.windows[-1]
            window.screen.areas[0].type = "IMAGE_EDITOR"
            show_image(image)


@with_properties(image=_NAMED)
class PaintMask(Action, bpy.types.Operator):
    """Make a mask to paint on: the picture, darkened; paint white what should be drawn anew"""

    bl_idname = "framewright.paint_mask"
    bl_label = "Paint a Mask"

    def do(self: Any, context: Any) -> None:
        source = _subject(_image(context, self.image))
        # Names: what they stand for is another object after an undo.
        scene, name = context.scene.name, source.name

        def made(mask: Any) -> None:
            # First, since the painting mode is what gives a scene its brush.
            show_image(mask, name, mode="PAINT")
            held = bpy.data.scenes.get(scene)
            if held is not None:
                held.framewright.mask_image, held.framewright.mask_from = mask, "PAINT"
                paint_with_white(held)

        workplace.studio().paint_mask(source, made)


@with_properties(image=_NAMED)
class Inpaint(Action, bpy.types.Operator):
    """Paint the masked part of the picture anew"""

    bl_idname = "framewright.inpaint"
    bl_label = "Inpaint"

    def do(self: Any, context: Any) -> None:
        source = _subject(_image(context, self.image))
        settings = context.scene.framewright
        steps = self._read(source, settings)
        workplace.studio().inpaint(steps, settings.settings(), _target(context, source))

    def _read(self, source: Any, settings: Any) -> "Generator[None, None, tuple[Picture, Picture]]":
        """The picture and its mask, the one that was chosen."""
        painted = settings.mask_from == "PAINT"
        mask = settings.mask_image if painted else settings.mask
        if mask is None:
            hint = "press Paint a Mask" if painted else "draw one in the Image Editor's Mask mode"
            raise FramewrightError("no mask is chosen", None, hint)

        def steps() -> "Generator[None, None, tuple[Picture, Picture]]":
            picture = yield from pictures.read(source)
            if painted:
                return picture, (yield from pictures.read_mask(mask, source, picture))
            size = (picture.width, picture.height)
            return picture, (yield from pictures.from_mask_datablock(mask, size))

        return steps()


@with_properties(image=_NAMED)
class StartFromImage(Action, bpy.types.Operator):
    """Make a frame that starts from this image: a render, a sketch, a photo"""

    bl_idname = "framewright.start_from_image"
    bl_label = "Start from This Image"

    def do(self: Any, context: Any) -> None:
        source = _subject(_image(context, self.image))
        settings = context.scene.framewright.settings()
        target = _target(context, source)
        workplace.studio().start_from(pictures.read(source), settings, target)


class StartFromRender(Action, bpy.types.Operator):
    """Make a frame that starts from what was rendered last"""

    bl_idname = "framewright.start_from_render"
    bl_label = "Start from the Render"

    def do(self, context: Any) -> None:
        result = pictures.render_result()
        if result is None:
            raise FramewrightError("nothing was rendered yet", None, "render first: F12")
        settings = context.scene.framewright.settings()
        target = Target("image", context.scene.name, source=result.name)
        workplace.studio().start_from(pictures.read(result), settings, target)


class StartFromViewport(Action, bpy.types.Operator):
    """Make a frame that starts from what this viewport shows, without its overlays"""

    bl_idname = "framewright.start_from_viewport"
    bl_label = "Start from the Viewport"

    @classmethod
    def poll(cls: Any, context: Any) -> bool:
        """Blender asks whether it can be pressed now."""
        if bpy.app.background:
            cls.poll_message_set("There is no viewport without a window")
            return False
        return super().poll(context)

    def do(self, context: Any) -> None:
        areas = [context.area, *context.screen.areas]
        views = [area for area in areas if area is not None and area.type == "VIEW_3D"]
        if not views:
            raise FramewrightError("no 3D viewport is open", None, "open one, then try again")
        picture = pictures.of_viewport(context, views[0])
        settings = context.scene.framewright.settings()
        workplace.studio().start_from(picture, settings, Target("image", context.scene.name))


@with_properties(image=_NAMED, number=IntProperty(options={"HIDDEN"}))
class PickImage(Action, bpy.types.Operator):
    """Show this one"""

    bl_idname = "framewright.pick_image"
    bl_label = "Pick Candidate"
    bl_options = {"REGISTER", "UNDO"}

    def do(self: Any, context: Any) -> None:
        image = _image(context, self.image)
        record = Record.of(image)
        if record is None or not 0 <= self.number < len(record.candidates):
            raise FramewrightError("there is no such candidate", image.name, "generate some first")
        other = pictures.load(places.absolute(record.candidates[self.number]))
        record.picking(self.number).keep(other)
        show_image(other, image.name)


@with_properties(image=_NAMED)
class UseImage(Action, bpy.types.Operator):
    """Put this frame where its picture came from; else into a new strip at the current frame"""

    bl_idname = "framewright.use_image"
    bl_label = "Use as Strip"
    bl_options = {"REGISTER", "UNDO"}

    def do(self: Any, context: Any) -> None:
        image = _image(context, self.image)
        record = Record.of(image)
        if record is None or not record.candidates:
            raise FramewrightError(
                "this image is no frame of Framewright's", image.name, "generate one from it first"
            )
        path = places.absolute(record.shown)
        if record.board and record.frame:
            board = places.absolute(record.board)
            inside = os.path.relpath(path, board).replace(os.sep, "/")
            workplace.studio().pick(board, record.frame, inside)
            return
        scene = bpy.data.scenes.get(record.scene) or sequence.scene_of(context)
        strip = sequence.named(scene, record.strip) if record.strip else None
        alone = replace(record, source="", scene="", strip="")
        if strip is not None and strip.type == "IMAGE":
            sequence.show_candidate(scene, strip, alone)
            return
        length = max(round(scene.framewright.seconds * sequence.rate(scene)), 1)
        span = sequence.Span(scene.frame_current, length)
        sequence.insert_frame(scene, path, image.name, alone, span)


@with_properties(number=IntProperty(options={"HIDDEN"}))
class FixPrompt(Action, bpy.types.Operator):
    """Rewrite this part of the prompt"""

    bl_idname = "framewright.fix_prompt"
    bl_label = "Fix Prompt"
    bl_options = {"REGISTER", "UNDO"}

    def do(self: Any, context: Any) -> None:
        for scene in {context.scene, sequence.scene_of(context)}:
            about, marks = workplace.studio().marks
            if scene.framewright.prompt == about and 0 <= self.number < len(marks):
                scene.framewright.prompt = marks[self.number].fixed(about)


class FramePanel(bpy.types.Panel):
    """A single frame at the current frame."""

    bl_idname = "FRAMEWRIGHT_PT_frame"
    bl_label = "New Frame"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Framewright"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self: Any, context: Any) -> None:
        """Blender calls it."""
        layout, scene = self.layout, sequence.scene_of(context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        parts.prompt(layout, context, scene)
        parts.settings(layout, scene, hires=True)
        layout.prop(scene.framewright, "seconds")
        layout.operator("framewright.generate", icon="SHADERFX")


class ImagePanel(bpy.types.Panel):
    """A frame from an image, or a part of it painted anew."""

    bl_idname = "FRAMEWRIGHT_PT_image"
    bl_label = "Framewright"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Framewright"

    def draw(self: Any, context: Any) -> None:
        """Blender calls it."""
        layout, scene = self.layout, context.scene
        layout.use_property_split = True
        layout.use_property_decorate = False
        parts.state(layout, context)
        self._candidates(context)
        parts.prompt(layout, context, scene)
        parts.settings(layout, scene, strength=True, fill=True)
        layout.operator("framewright.start_from_image", icon="IMAGE_REFERENCE")
        self._mask(context)

    def _candidates(self: Any, context: Any) -> None:
        """What was made from an image, side by side, and the way back to where that was."""
        image = context.space_data.image
        record = Record.of(image) if image is not None else None
        if record is None or not record.candidates:
            return
        entries = [
            (places.absolute(path), f"{at + 1}", at == record.picked)
            for at, path in enumerate(record.candidates)
        ]
        parts.candidates(self.layout, context, "framewright.pick_image", entries)
        words = "Use as Strip"
        if record.board and record.frame:
            words = "Pick for the Board"
        elif record.strip:
            words = f"Put into {record.strip}"
        self.layout.operator("framewright.use_image", text=words, icon="SEQ_SEQUENCER")

    def _mask(self: Any, context: Any) -> None:
        settings = context.scene.framewright
        box = self.layout.box()
        box.row().prop(settings, "mask_from", expand=True)
        if settings.mask_from == "PAINT":
            row = box.row(align=True)
            row.prop(settings, "mask_image", text="")
            row.operator("framewright.paint_mask", icon="BRUSH_DATA")
            parts.text(box, context, "Paint white what should be drawn anew; black takes it back.")
        else:
            box.prop(settings, "mask", text="")
        box.operator("framewright.inpaint", icon="SHADERFX")


class ViewportPanel(bpy.types.Panel):
    """A blocked-out scene becomes a frame."""

    bl_idname = "FRAMEWRIGHT_PT_viewport"
    bl_label = "Framewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Framewright"

    def draw(self: Any, context: Any) -> None:
        """Blender calls it."""
        layout, scene = self.layout, context.scene
        layout.use_property_split = True
        layout.use_property_decorate = False
        parts.state(layout, context)
        parts.prompt(layout, context, scene)
        parts.settings(layout, scene, strength=True)
        layout.operator("framewright.start_from_viewport", icon="VIEW3D")
        layout.operator("framewright.start_from_render", icon="RENDER_RESULT")


CLASSES = (
    Generate,
    PickCandidate,
    InpaintStrip,
    PaintMask,
    Inpaint,
    StartFromImage,
    StartFromRender,
    StartFromViewport,
    PickImage,
    UseImage,
    FixPrompt,
    FramePanel,
    ImagePanel,
    ViewportPanel,
)
