"""Pictures of Blender's as the protocol carries them: images, renders, the viewport, masks.

Blender's bytes come as numbers from 0 to 1, rows from the bottom. They are turned around here in
pieces, since a large picture takes longer than a window may wait.
"""

import contextlib
import math
import os
import struct
import sys
import tempfile
import zlib
from array import array
from collections.abc import Generator
from pathlib import Path
from typing import Any, Optional, Union

import bpy

from . import places
from .client import LARGEST_SIDE, FramewrightError, Picture
from .record import Record

Read = Generator[None, None, Picture]

# Values that are turned at once: some milliseconds at most.
_PIECE = 1 << 16
_CAPTURE_SIDE = 1024
_TARGA_HEAD = 18


def _bytes_by_halves() -> "list[tuple[bytes, bytes]]":
    """Tables that turn 0…1 into 0…255 without a look at each number.

    The upper half of a float is enough to tell the 256 values of a byte apart, which are 1 / 255
    from each other: up to 1 it steps by no more than 1 / 256. Each pair is for one value of its
    highest byte: where that stands, and the results by the byte below it.
    """
    tables: list[tuple[bytes, bytes]] = []
    for high in range(0x3B, 0x40):
        ends = [
            struct.unpack("<f", struct.pack("<I", ((high << 8) + low + 1) << 16))[0]
            for low in range(256)
        ]
        tables.append((_where(high, high + 1), bytes(min(int(255 * end), 255) for end in ends)))
    # From 2 on; what is below 1 / 255 or below 0 is in no table, and stays 0.
    return [*tables, (_where(0x40, 0x80), b"\xff" * 256)]


def _where(first: int, end: int) -> bytes:
    return bytes(255 if first <= byte < end else 0 for byte in range(256))


_BYTES_BY_HALVES = _bytes_by_halves()
# What a picture is darkened to under a mask that is painted over it.
_DARK = bytes(value // 2 for value in range(256))


def read(image: Any) -> Read:
    """What an image shows, as it is seen: a render, a picture with unsaved strokes, a file."""
    if image.type in ("RENDER_RESULT", "COMPOSITING") or image.is_float or image.source == "MOVIE":
        return (yield from _saved(image))
    width, height = _checked_size(image)
    data = yield from _pixels(image)
    return Picture.rgba8(width, height, data)


def read_mask(mask: Any, source: Any, picture: Picture) -> Read:
    """Which pixels of `picture`, read from `source`, may change: white in `mask`, or painted over
    its darkened copy."""
    width, height = picture.width, picture.height
    if tuple(mask.size) != (width, height):
        raise FramewrightError(
            f"the mask has {mask.size[0]} × {mask.size[1]} pixels, the picture {width} × {height}",
            mask.name,
            "press Paint a Mask for one of the right size",
        )
    record = Record.of(mask)
    painted = yield from _pixels(mask)
    if record is not None and record.mask_of == source.name:
        read = picture.data if picture.format == "rgba8" else (yield from _pixels(source))
        row = 4 * width
        untouched = b"\0\0\0\xff" * width
        selected = bytearray()
        for at in range(0, len(painted), row):
            now, then = painted[at : at + row], bytearray(read[at : at + row]).translate(_DARK)
            then[3::4] = b"\xff" * width
            selected += untouched if now == then else _strokes(now, then)
            yield
        painted = selected
    if not any(painted[channel::4].strip(b"\0") for channel in range(3)):
        raise FramewrightError(
            "nothing is painted on the mask",
            mask.name,
            "paint white what should be drawn anew, in the Image Editor's Paint mode",
        )
    yield
    return Picture.rgba8(width, height, painted)


def paint_mask(source: Any) -> "Generator[None, None, Any]":
    """A new image to paint a mask on: the picture, darkened, so that it is seen where the white
    goes."""
    width, height = _checked_size(source)
    data = yield from _pixels(source)
    file = yield from _png(width, height, data.translate(_DARK))
    mask = bpy.data.images.new(f"{source.name} mask", 1, 1)
    # Packed, it is saved with the .blend file. It is Blender that reads it, when it is shown.
    mask.pack(data=file, data_len=len(file))
    mask.source = "FILE"
    Record(mask_of=source.name).keep(mask)
    yield
    return mask


def from_mask_datablock(mask: Any, size: tuple[int, int]) -> Read:
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
        with _result_kept(), _temporary("mask.tga") as path:
            render.filepath = str(path)
            render.image_settings.file_format = "TARGA_RAW"
            render.image_settings.color_mode = "BW"
            bpy.ops.render.render(write_still=True, scene=scene.name)
            file = path.read_bytes()
        # Not left to the scene's end: some versions forget the mask's user there.
        strips.remove(strip)
    finally:
        bpy.data.scenes.remove(scene)
    yield
    return drawn_mask(file, size)


def drawn_mask(file: bytes, size: tuple[int, int]) -> Picture:
    """A grey picture of a Targa file that is not compressed, as Blender writes it.

    Its last pixel, at the top right, gets the value before it: Blender 4.2 and 5.0 leave there what
    was in memory, and one stray pixel would let the whole picture count as selected.
    """
    width, height = size
    # A byte a pixel after the head, rows from the bottom.
    grey = bytearray(file[_TARGA_HEAD : _TARGA_HEAD + width * height])
    grey[-1:] = grey[-2:-1]
    grey = _upside_down(grey, width)
    data = bytearray(b"\xff" * (4 * len(grey)))
    for channel in range(3):
        data[channel::4] = grey
    return Picture.rgba8(width, height, data)


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
        0 if new == old else max(map(_strength, new, old))
        for new, old in zip(
            zip(now[0::4], now[1::4], now[2::4]), zip(then[0::4], then[1::4], then[2::4])
        )
    )
    row = bytearray(b"\xff" * len(now))
    for channel in range(3):
        row[channel::4] = strengths
    return row


def _strength(new: int, old: int) -> int:
    return ((new - old) * 255 + (255 - old) // 2) // (255 - old) if new > old else 0


def _pixels(image: Any) -> "Generator[None, None, bytearray]":
    """The bytes of an image, red, green, blue, alpha, rows from the top. Blender gives its numbers
    all at once, and no part of them any faster."""
    width, height = image.size
    row = 4 * width
    values = array("f", [0.0]) * (row * height)
    yield
    image.pixels.foreach_get(values)
    yield
    data = bytearray(len(values))
    rows = max(_PIECE // row, 1)
    for first in range(0, height, rows):
        end = min(first + rows, height)
        piece = _to_bytes(values[first * row : end * row])
        data[(height - end) * row : (height - first) * row] = _upside_down(piece, row)
        yield
    return data


def _to_bytes(values: "array[float]") -> bytes:
    """0…1 as 0…255; what is beyond as the nearest."""
    raw = values.tobytes()
    high, low = (raw[3::4], raw[2::4]) if sys.byteorder == "little" else (raw[0::4], raw[1::4])
    made = 0
    for where, results in _BYTES_BY_HALVES:
        # Whole pieces as one number each: Python has nothing faster for bits.
        held = int.from_bytes(high.translate(where), "little")
        made |= held & int.from_bytes(low.translate(results), "little")
    return made.to_bytes(len(values), "little")


def _png(width: int, height: int, data: bytearray) -> "Generator[None, None, bytes]":
    """A PNG file of pixels, without their alpha."""
    packer = zlib.compressobj(1)
    packed = bytearray()
    row = 4 * width
    for at in range(0, len(data), row):
        pixels = data[at : at + row]
        line = bytearray(1 + 3 * width)
        for channel in range(3):
            line[1 + channel :: 3] = pixels[channel::4]
        packed += packer.compress(line)
        yield
    packed += packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


@contextlib.contextmanager
def _written_as(settings: Any, file_format: str, **more: Any) -> Generator[None, None, None]:
    """Image settings of a scene for the time of one file, whatever the artist's output is."""
    wanted = {"file_format": file_format, **more}
    # From Blender 5.0 on a scene whose output is a video knows no format of pictures.
    if hasattr(settings, "media_type"):
        wanted = {"media_type": "IMAGE", **wanted}
    kept = {name: getattr(settings, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(settings, name, value)


def _saved(image: Any) -> Read:
    """What Blender writes of an image, with the scene's view transform."""
    yield
    scene = bpy.context.scene
    settings = scene.render.image_settings
    # Packing would take longer than everything else, and the file is read once.
    asked = {"color_mode": "RGBA", "color_depth": "8", "compression": 0}
    with _temporary("picture.png") as path, _written_as(settings, "PNG", **asked):
        try:
            image.save_render(str(path), scene=scene)
        except RuntimeError as error:
            raise FramewrightError(
                "this image holds no picture yet", image.name, "render it first"
            ) from error
        picture = Picture.png(path.read_bytes())
    _check_sides(picture.width, picture.height, image.name)
    return picture


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
