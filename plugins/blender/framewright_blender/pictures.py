"""Pictures of Blender's as the protocol carries them: images, renders, the viewport, masks.

Blender's bytes come as numbers from 0 to 1, rows from the bottom. They are turned around here in
pieces, since a large picture takes longer than a window may wait.
"""

import contextlib
import math
import os
import tempfile
from array import array
from collections.abc import Generator
from pathlib import Path
from typing import Any, Optional, Union

import bpy

from . import places
from .client import LARGEST_SIDE, FramewrightError, Picture
from .record import Record

Read = Generator[None, None, Picture]

# Values that are turned at once: less than a millisecond.
_PIECE = 1 << 13
_CAPTURE_SIDE = 1024


class _Bytes(dict[float, int]):
    """From 0…1 to 0…255. A picture of bytes has no more than 256 values: each is computed once."""

    def __missing__(self, value: float) -> int:
        byte = self[value] = min(max(int(value * 255.0 + 0.5), 0), 255)
        return byte


_BYTES = _Bytes()
# What a picture is darkened to under a mask that is painted over it.
_DARK = bytes(value // 2 for value in range(256))


def read(image: Any) -> Read:
    """What an image shows, as it is seen: a render, a picture with unsaved strokes, a file."""
    if image.type in ("RENDER_RESULT", "COMPOSITING") or image.is_float or image.source == "MOVIE":
        return (yield from _saved(image))
    width, height = _checked_size(image)
    data = yield from _pixels(image)
    return Picture.rgba8(width, height, data)


def read_mask(mask: Any, source: Any, size: tuple[int, int]) -> Read:
    """Which pixels of `source` may change: white in `mask`, or painted over its darkened copy."""
    if tuple(mask.size) != size:
        raise FramewrightError(
            f"the mask has {mask.size[0]} × {mask.size[1]} pixels, "
            f"the picture {size[0]} × {size[1]}",
            mask.name,
            "press Paint a Mask for one of the right size",
        )
    record = Record.of(mask)
    painted = yield from _pixels(mask)
    if record is None or record.mask_of != source.name:
        return _checked_mask(Picture.rgba8(*size, painted), mask.name)
    before = (yield from _pixels(source)).translate(_DARK)
    selected = bytearray(len(painted))
    selected[3::4] = b"\xff" * (len(painted) // 4)
    row = 4 * size[0]
    for at in range(0, len(painted), row):
        now, then = painted[at : at + row], before[at : at + row]
        if now != then:
            selected[at : at + row] = _strokes(now, then)
        yield
    return _checked_mask(Picture.rgba8(*size, selected), mask.name)


def paint_mask(source: Any) -> "Generator[None, None, Any]":
    """A new image to paint a mask on: the picture, darkened, so that it is seen where the white
    goes."""
    width, height = _checked_size(source)
    dark = (yield from _pixels(source)).translate(_DARK)
    dark[3::4] = b"\xff" * (len(dark) // 4)
    values = array("f", [0.0]) * len(dark)
    yield
    row = 4 * width
    for number in range(height):
        line = dark[number * row : (number + 1) * row]
        at = (height - 1 - number) * row
        values[at : at + row] = array("f", [byte / 255.0 for byte in line])
        if number % 16 == 0:
            yield
    mask = bpy.data.images.new(f"{source.name} mask", width, height)
    yield
    mask.pixels.foreach_set(values)
    yield
    mask.update()
    yield
    # Otherwise it would be gone with the session.
    mask.pack()
    Record(mask_of=source.name).keep(mask)
    return mask


def from_mask_datablock(mask: Any, size: tuple[int, int]) -> Picture:
    """A Mask datablock as a picture: white inside of its splines, their feather included.

    Blender draws it, in a scene that is there for nothing else.
    """
    if not any(len(layer.splines) for layer in mask.layers):
        raise FramewrightError(
            "the mask has no splines", mask.name, "draw around what should be painted anew"
        )
    scene = bpy.data.scenes.new("Framewright mask")
    try:
        render = scene.render
        render.resolution_x, render.resolution_y = size
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.use_compositing = False
        render.dither_intensity = 0.0
        scene.view_settings.view_transform = "Raw"
        # As it is now, where the mask is animated.
        now = bpy.context.scene.frame_current
        scene.frame_current = scene.frame_start = scene.frame_end = now
        editor = scene.sequence_editor_create()
        strips = editor.strips if hasattr(editor, "strips") else editor.sequences
        strip = strips.new_mask("mask", mask, 1, now)
        strip.frame_final_duration = 2
        with _result_kept(), _temporary("mask.png") as path:
            render.filepath = str(path)
            render.image_settings.file_format = "PNG"
            render.image_settings.color_mode = "BW"
            render.image_settings.color_depth = "8"
            bpy.ops.render.render(write_still=True, scene=scene.name)
            mend_corner(path)
            picture = Picture.png(path.read_bytes())
        # Not left to the scene's end: some versions forget the mask's user there.
        strips.remove(strip)
        return _checked_mask(picture, mask.name)
    finally:
        bpy.data.scenes.remove(scene)


def render_result() -> Optional[Any]:
    """The image that holds what was rendered last; none where nothing was."""
    found = [image for image in bpy.data.images if image.type == "RENDER_RESULT"]
    return found[0] if found else None


def of_viewport(context: Any, area: Any) -> Picture:
    """What a 3D viewport shows, without its overlays; from a camera exactly the camera's frame."""
    import gpu

    space, region = area.spaces.active, _window_region(area)
    view = space.region_3d
    scene = context.scene
    if view.view_perspective == "CAMERA" and scene.camera is not None:
        render = scene.render
        shape = (
            render.resolution_x * render.pixel_aspect_x,
            render.resolution_y * render.pixel_aspect_y,
        )
        width, height = _capture_size(*shape)
        graph = context.evaluated_depsgraph_get()
        matrix = scene.camera.matrix_world.inverted()
        projection = scene.camera.calc_matrix_camera(graph, x=width, y=height)
    else:
        width, height = _capture_size(region.width, region.height)
        matrix, projection = view.view_matrix, view.window_matrix
    overlays = space.overlay.show_overlays
    space.overlay.show_overlays = False
    offscreen = gpu.types.GPUOffScreen(width, height)
    try:
        offscreen.draw_view3d(
            scene,
            context.view_layer,
            space,
            region,
            matrix,
            projection,
            do_color_management=True,
        )
        buffer = offscreen.texture_color.read()
        buffer.dimensions = 4 * width * height
        data = bytearray(buffer)
    finally:
        offscreen.free()
        space.overlay.show_overlays = overlays
    data[3::4] = b"\xff" * (width * height)
    return Picture.rgba8(width, height, _upside_down(data, 4 * width))


def load(path: str) -> Any:
    """The image of a file, the same one for the same file."""
    image = bpy.data.images.load(path, check_existing=True)
    image.filepath = places.stored(path)
    return image


def _strokes(now: bytearray, then: bytearray) -> bytearray:
    """How much white was laid over a row of pixels."""
    strengths = bytes(
        max(
            ((new - old) * 255 + (255 - old) // 2) // (255 - old) if new > old else 0
            for new, old in pixel
        )
        for pixel in zip(
            zip(now[0::4], then[0::4]), zip(now[1::4], then[1::4]), zip(now[2::4], then[2::4])
        )
    )
    row = bytearray(b"\xff" * len(now))
    for channel in range(3):
        row[channel::4] = strengths
    return row


def _pixels(image: Any) -> "Generator[None, None, bytearray]":
    """The bytes of an image, red, green, blue, alpha, rows from the top."""
    width, height = image.size
    values = array("f", [0.0]) * (4 * width * height)
    yield
    image.pixels.foreach_get(values)
    yield
    data = bytearray(len(values))
    for at in range(0, len(values), _PIECE):
        data[at : at + _PIECE] = bytes(map(_BYTES.__getitem__, values[at : at + _PIECE]))
        yield
    return _upside_down(data, 4 * width)


def _saved(image: Any) -> Read:
    """What Blender writes of an image, with the scene's view transform."""
    yield
    scene = bpy.context.scene
    settings = scene.render.image_settings
    kept = settings.file_format, settings.color_mode, settings.color_depth
    with _temporary("picture.png") as path:
        try:
            settings.file_format = "PNG"
            settings.color_mode, settings.color_depth = "RGBA", "8"
            image.save_render(str(path), scene=scene)
        except RuntimeError as error:
            raise FramewrightError(
                "this image holds no picture yet", image.name, "render it first"
            ) from error
        finally:
            settings.file_format = kept[0]
            settings.color_mode, settings.color_depth = kept[1:]
        picture = Picture.png(path.read_bytes())
    _check_sides(picture.width, picture.height, image.name)
    return picture


def mend_corner(path: Path) -> None:
    """Gives the last pixel of a mask that Blender drew, at the top right, the value before it.

    Blender 4.2 and 5.0 leave there what was in memory, and one stray pixel would let the whole
    picture count as selected.
    """
    image = bpy.data.images.load(str(path))
    try:
        width, height = image.size
        values = array("f", [0.0]) * (4 * width * height)
        image.pixels.foreach_get(values)
        values[-4:] = values[-8:-4]
        image.pixels.foreach_set(values)
        image.save()
    finally:
        bpy.data.images.remove(image)


def _checked_size(image: Any) -> tuple[int, int]:
    width, height = image.size
    if not len(image.pixels):
        raise FramewrightError(
            "the picture cannot be read", image.name, "see whether its file is still there"
        )
    _check_sides(width, height, image.name)
    return width, height


def _check_sides(width: int, height: int, name: str) -> None:
    if max(width, height) > LARGEST_SIDE:
        raise FramewrightError(
            f"the picture has {width} × {height} pixels, and {LARGEST_SIDE} on a side are possible",
            name,
            "use a smaller copy of it",
        )


def _checked_mask(mask: Picture, name: str) -> Picture:
    """The mask, if anything is selected in it."""
    data = mask.data
    if mask.format == "rgba8" and not any(
        bytes(data[channel::4]).strip(b"\0") for channel in range(3)
    ):
        raise FramewrightError(
            "nothing is painted on the mask",
            name,
            "paint white what should be drawn anew, in the Image Editor's Paint mode",
        )
    return mask


def _capture_size(width: float, height: float) -> tuple[int, int]:
    scale = min(_CAPTURE_SIDE / max(width, height, 1), 1.0)
    return max(math.floor(width * scale), 1), max(math.floor(height * scale), 1)


def _window_region(area: Any) -> Any:
    return next(region for region in area.regions if region.type == "WINDOW")


def _upside_down(data: Union[bytes, bytearray], row: int) -> bytearray:
    return bytearray().join(data[at : at + row] for at in range(len(data) - row, -1, -row))


@contextlib.contextmanager
def _temporary(name: str) -> Generator[Path, None, None]:
    with tempfile.TemporaryDirectory(prefix="framewright-") as folder:
        yield Path(folder, name)


@contextlib.contextmanager
def _result_kept() -> Generator[None, None, None]:
    """Leaves what was rendered last where it is seen: Blender renders into another slot."""
    image = render_result()
    slots = image.render_slots if image is not None else None
    if slots is None:
        yield
        return
    kept = slots.active_index
    slots.new(name="Framewright mask")
    slots.active_index = len(slots) - 1
    try:
        yield
    finally:
        slot = slots[len(slots) - 1]
        slots.active_index = kept
        slots.remove(slot) if hasattr(slots, "remove") else None


def exists(path: str) -> bool:
    """Whether there is a file."""
    return bool(path) and os.path.isfile(path)
