"""Images painted anew through masks, and frames that start from pictures, byte for byte."""

from array import array

import bpy
import pytest
from conftest import SIZE, pixels, strips

INSIDE = [(x, y) for x in range(20, 44) for y in range(24, 40)]


@pytest.fixture
def shot(scene, new_board, choose):
    """A board's first frame in the sequencer, under the current frame."""
    board = new_board(prompts=1)
    choose(board)
    bpy.ops.framewright.insert_board(start=1)
    scene.frame_current = 3
    scene.framewright.candidates = 1
    scene.framewright.strength = 1.0
    scene.framewright.seed = 3
    return board


def sent(board):
    """The image that a strip's frame becomes in the Image Editor."""
    assert bpy.ops.framewright.inpaint_strip() == {"FINISHED"}
    name = board["frames"][0]["shown"].rpartition("/")[2]
    return bpy.data.images[name]


def paint(image, places, value):
    """What a brush does: the pixels at these places, from the lower left, become this."""
    values = list(image.pixels)
    for x, y in places:
        at = 4 * (y * image.size[0] + x)
        values[at : at + 3] = [value] * 3
    image.pixels.foreach_set(values)
    image.update()


def changed(before, after, width=SIZE):
    """The places of the pixels that are not the same."""
    return {
        (at % width, at // width)
        for at in range(len(before) // 3)
        if before[3 * at : 3 * at + 3] != after[3 * at : 3 * at + 3]
    }


def made(source):
    """The newest image that was made from another."""
    found = [
        image
        for image in bpy.data.images
        if (image.get("framewright") or {}).get("source") == source.name
    ]
    return found[-1]


def near(places, by):
    return {(x + dx, y + dy) for x, y in places for dx in range(-by, by + 1) for dy in (-by, 0, by)}


def painted_mask(scene, source, idle):
    bpy.ops.framewright.paint_mask(image=source.name)
    idle()
    mask = scene.framewright.mask_image
    assert mask is not None and tuple(mask.size) == (SIZE, SIZE)
    return mask


def test_a_mask_shows_the_picture_darkened(scene, shot, idle):
    source = sent(shot)
    mask = painted_mask(scene, source, idle)
    dark = [round(255 * value) for at, value in enumerate(mask.pixels) if at % 4 != 3]
    assert dark == [value // 2 for value in pixels(shot["frames"][0]["shown"])]
    assert mask.packed_file is not None, "it is saved with the file"


def test_a_painted_mask_changes_its_inside_and_nothing_else(
    scene, shot, idle, studio, until, rendered, folder
):
    source = sent(shot)
    assert scene.framewright.prompt == shot["frames"][0]["prompt"]
    mask = painted_mask(scene, source, idle)
    paint(mask, INSIDE, 1.0)
    before = rendered(3)
    # Pressed while the mask is shown, the picture under it is meant.
    assert bpy.ops.framewright.inpaint(image=mask.name) == {"FINISHED"}
    idle()
    assert studio().notice is None or "small" in studio().notice.message, studio().notice
    result = made(source)
    after = pixels(bpy.path.abspath(result.filepath))
    differing = changed(before, after)
    inside = set(INSIDE)
    assert len(differing & inside) > len(inside) * 0.9, "the inside is drawn anew"
    # The daemon grows and feathers a mask by some pixels.
    far = {(x, y) for x in range(SIZE) for y in range(SIZE) if x < 4 or y < 4 or x >= 60 or y >= 60}
    assert not differing & far, "what is far away is the same to the bit"
    # The frame belongs to a board: it is picked there, and the strip shows it.
    assert bpy.ops.framewright.use_image(image=result.name) == {"FINISHED"}
    until(lambda: studio().boards[shot["path"]].frames[0].pick)
    assert studio().boards[shot["path"]].frames[0].pick.startswith("inpainted/")
    assert rendered(3) == after
    assert strips(scene)[0].directory.startswith("//letter/inpainted")


def test_black_takes_white_back(scene, shot, idle, studio):
    source = sent(shot)
    mask = painted_mask(scene, source, idle)
    paint(mask, INSIDE, 1.0)
    paint(mask, INSIDE, 0.0)
    bpy.ops.framewright.inpaint(image=source.name)
    idle()
    assert "Nothing is painted on the mask" in studio().notice.message
    assert not [image for image in bpy.data.images if "inpainted" in image.filepath]


def test_a_mask_is_painted_with_white(scene, shot, idle):
    tools = scene.tool_settings
    own = tools.image_paint
    shared = getattr(own, "unified_paint_settings", None) or tools.unified_paint_settings
    shared.use_unified_color = True
    shared.color, shared.secondary_color = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    painted_mask(scene, sent(shot), idle)
    assert (tuple(shared.color), tuple(shared.secondary_color)) == ((1.0,) * 3, (0.0,) * 3)


def drawn_mask():
    """A Mask datablock with a rectangle in the middle."""
    mask = bpy.data.masks.new("around the face")
    spline = mask.layers.new(name="one").splines.new()
    spline.points.add(4 - len(spline.points))
    corners = [(0.3, 0.35), (0.7, 0.35), (0.7, 0.65), (0.3, 0.65)]
    for point, corner in zip(spline.points, corners):
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.co = point.handle_left = point.handle_right = corner
    spline.use_cyclic = True
    return mask


def read(steps):
    """What a reading in pieces gives in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("size", [(16, 16), (3, 70), (256, 1), (1, 1)])
def test_every_byte_is_read_as_it_is(part, size):
    """Whatever its value, and in its place: the first row of a picture is Blender's last."""
    width, height = size
    held = [(at * 37 + 11 * channel) % 256 for at in range(width * height) for channel in range(4)]
    image = bpy.data.images.new("bytes", width, height, alpha=True)
    image.pixels = [byte / 255 for byte in held]
    picture = read(part("pictures").read(image))
    assert (picture.format, picture.width, picture.height) == ("rgba8", width, height)
    rows = [held[at : at + 4 * width] for at in range(0, len(held), 4 * width)]
    assert list(picture.data) == [byte for row in reversed(rows) for byte in row]


def test_what_is_darker_or_lighter_than_a_byte_is_its_nearest(part):
    values = [-1e9, -1.0, -0.001, 0.0, 1e-9, 0.5, 1.0, 1.001, 2.0, 1e9, float("inf")]
    made = part("pictures")._to_bytes(array("f", values))
    assert list(made) == [0, 0, 0, 0, 0, 128, 255, 255, 255, 255, 255]


def test_an_output_that_is_a_video_is_no_hindrance_and_stays(scene, part):
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format, settings.color_mode = "FFMPEG", "RGB"
    image = bpy.data.images.new("render", 6, 4, alpha=True, float_buffer=True)
    image.pixels = [1.0, 0.0, 0.0, 1.0] * 24
    picture = read(part("pictures").read(image))
    assert (picture.width, picture.height) == (6, 4)
    assert (settings.file_format, settings.color_mode) == ("FFMPEG", "RGB")
    assert getattr(settings, "media_type", "VIDEO") == "VIDEO"


def test_the_stray_pixel_that_blender_leaves_in_a_mask_is_mended(part, folder):
    image = bpy.data.images.new("mask", 6, 4)
    values = [at // 4 % 5 / 4 if at % 4 != 3 else 1.0 for at in range(4 * 6 * 4)]
    values[-8:] = [0.0, 0.0, 0.0, 1.0, 0.6, 0.6, 0.6, 1.0]
    image.pixels = values
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_mode = "TARGA_RAW", "BW"
    image.save_render(str(folder / "mask.tga"))
    picture = part("pictures").drawn_mask((folder / "mask.tga").read_bytes(), (6, 4))
    wanted = [round(255 * value) for value in values]
    wanted[-4:] = [0, 0, 0, 255]
    rows = [wanted[at : at + 24] for at in range(0, len(wanted), 24)]
    assert list(picture.data) == [byte for row in reversed(rows) for byte in row]


def test_a_mask_datablock_is_drawn_by_blender(scene, shot, idle, studio, part):
    source = sent(shot)
    mask = drawn_mask()
    scenes = [held.name for held in bpy.data.scenes]
    picture = read(part("pictures").from_mask_datablock(mask, (SIZE, SIZE)))
    assert [held.name for held in bpy.data.scenes] == scenes, "the scene for it is gone"
    assert (picture.format, picture.width, picture.height) == ("rgba8", SIZE, SIZE)
    white = {at for at, value in enumerate(picture.data[::4]) if value == 255}
    inside = {(SIZE - 1 - y) * SIZE + x for x, y in INSIDE}
    assert inside <= white, "white inside of the spline"
    assert len(white) < 0.15 * SIZE * SIZE, "and nowhere else"
    scene.framewright.mask_from, scene.framewright.mask = "MASK", mask
    before = pixels(shot["frames"][0]["shown"])
    bpy.ops.framewright.inpaint(image=source.name)
    idle()
    assert studio().notice is None or "small" in studio().notice.message, studio().notice
    differing = changed(before, pixels(bpy.path.abspath(made(source).filepath)))
    inside = {(x, y) for x in range(21, 43) for y in range(25, 39)}
    assert len(differing & inside) > len(inside) * 0.9
    assert not differing & {(x, y) for x in range(SIZE) for y in (0, 1, 2, SIZE - 1)}
    empty = bpy.data.masks.new("empty")
    scene.framewright.mask = empty
    bpy.ops.framewright.inpaint(image=source.name)
    idle()
    assert "no splines" in studio().notice.message


def test_masks_that_do_not_fit_are_told(scene, shot, idle, studio):
    source = sent(shot)
    with pytest.raises(RuntimeError, match="press Paint a Mask|Press Paint a Mask"):
        bpy.ops.framewright.inpaint(image=source.name)
    scene.framewright.mask_image = bpy.data.images.new("other", 32, 32)
    bpy.ops.framewright.inpaint(image=source.name)
    idle()
    assert "32 × 32" in studio().notice.message and "64 × 64" in studio().notice.message


def test_an_image_of_ones_own_starts_a_frame(scene, idle, studio, client, folder):
    """The same seed from another picture gives another frame; the record says what it was."""
    scene.framewright.candidates, scene.framewright.seed = 2, 4
    frames = []
    for name, grey in (("dark", 0.1), ("light", 0.9)):
        image = bpy.data.images.new(name, 96, 64)
        image.pixels.foreach_set([grey, grey, grey, 1.0] * (96 * 64))
        image.update()
        scene.framewright.strength = 0.3
        bpy.ops.framewright.start_from_image(image=image.name)
        idle()
        assert studio().notice is None, studio().notice
        result = made(image)
        held = result["framewright"].to_dict()
        assert held["task"] == "start" and len(held["candidates"]) == 2
        width, height = result.size
        assert width > height, "of the picture's shape"
        frames.append(pixels(bpy.path.abspath(result.filepath)))
        asked = client.call("job.show", job=held["job"])["request"]
        assert asked["strength"] == pytest.approx(0.3) and asked["image"]["width"] == 96
    assert frames[0] != frames[1]
    # Its other candidate, and then into the sequencer.
    bpy.ops.framewright.pick_image(image=result.name, number=1)
    other = bpy.data.images[bpy.path.basename(held["candidates"][1])]
    scene.frame_current = 40
    bpy.ops.framewright.use_image(image=other.name)
    (strip,) = strips(scene)
    assert strip.frame_final_start == 40 and strip["framewright"]["picked"] == 1


def test_a_render_starts_a_frame(scene, idle, studio, client):
    """A blocked-out scene becomes a frame: what was rendered is what the daemon gets."""
    with pytest.raises(RuntimeError, match="[Rr]ender"):
        bpy.ops.framewright.start_from_render()
    colour = strips_of(scene).new_effect("red", "COLOR", 1, frame_start=1, **length(10))
    colour.color = (1.0, 0.0, 0.0)
    bpy.ops.render.render(scene=scene.name)
    bpy.ops.framewright.start_from_render()
    idle()
    assert studio().notice is None, studio().notice
    result = [image for image in bpy.data.images if image.get("framewright")][-1]
    asked = client.call("job.show", job=result["framewright"]["job"])["request"]
    blob = client.call("blob.get", hash=asked["image"]["blob"])["data"]
    path = bpy.path.abspath("//sent.png")
    with open(path, "wb") as file:
        file.write(blob)
    assert pixels(path) == [255, 0, 0] * (SIZE * SIZE)


def strips_of(scene):
    editor = scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def length(frames):
    return {"length": frames} if bpy.app.version >= (5, 0) else {"frame_end": 1 + frames}
