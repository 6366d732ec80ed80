"""What an artist does, in the window of the real Blender with the real daemon.

Each is a generator; see `framewright_driver`. What one returns is told to the test that asked.

Operators are called with the context that is there: with an overridden one, Blenders of Python 3.11
and older look into its dictionary without Python's lock, and crash where another thread runs.
"""

import os
import signal
import subprocess
import time
from array import array
from pathlib import Path

import bpy

OUT = Path(os.environ["FRAMEWRIGHT_OUT"])
WORK = Path(os.environ["FRAMEWRIGHT_WORK"])
MODEL = os.environ["FRAMEWRIGHT_MODEL"]
# From 4.2 on it is an extension.
ADD_ON = ("bl_ext.user_default." if bpy.app.version >= (4, 2) else "") + "framewright_blender"
SIZE = 64 if MODEL == "tiny" else 128
PROMPT = "close up of a man in a kitchen, soft daylight"
WOMAN = "a woman with long black hair in a red top"
SCENE = "A woman finds a letter in a dusty library and reads it. Soft daylight."
SHOTS = (
    f"long shot of a dusty library, {WOMAN} at a table, soft daylight",
    f"medium shot picture of {WOMAN}, hands in view, in a dusty library, soft daylight",
    f"close up of {WOMAN}, in a dusty library, soft daylight",
    f"full body picture of {WOMAN}, in a dusty library, soft daylight",
)


def part(name):
    import importlib

    return importlib.import_module(f"{ADD_ON}.{name}")


def studio():
    return part("workplace").studio()


def idle():
    return not studio().busy


def screenshot(name):
    command = ["import", "-window", "root", str(OUT / f"{name}.png")]
    subprocess.run(command, check=True, timeout=30)


def tidy(name, failed):
    """After each scenario: nothing is left under way."""
    if failed:
        screenshot(f"failed-{name}")
    for job in list(studio().jobs):
        studio().cancel(job)
    studio().dismiss()


def window():
    return bpy.context.window_manager.windows[0]


def area_of(kind):
    return next(area for area in window().screen.areas if area.type == kind)


def _point(area, kind, right, top):
    """A place in a region, counted from its upper right corner."""
    region = next(region for region in area.regions if region.type == kind)
    return region.x + region.width - right, region.y + region.height - top


def _simulate(kind, value, x, y, **more):
    window().event_simulate(type=kind, value=value, x=x, y=y, **more)


def _sidebar(area, width=0):
    """Opens an area's sidebar at the add-on's tab, the last one, as an artist does: with the
    wheel over the tabs; its edge is pulled until it is as wide as wanted."""
    area.spaces.active.show_region_ui = True
    yield 0.5
    x, y = _point(area, "UI", 8, 60)
    for _ in range(8):
        _simulate("MOUSEMOVE", "NOTHING", x, y)
        _simulate("WHEELDOWNMOUSE", "PRESS", x, y, ctrl=True)
        yield 0.05
    region = next(region for region in area.regions if region.type == "UI")
    if width > region.width:
        edge, middle = region.x - 1, region.y + region.height // 2
        yield from _pull(edge, middle, edge - (width - region.width), middle)
    yield 0.3
    _simulate("MOUSEMOVE", "NOTHING", area.x + 40, area.y + 60)
    yield 0.8


def _new_file(name):
    """A new file with a sequencer, saved."""
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_homefile(app_template="Video_Editing", use_factory_startup=True)
    yield 0.3
    scene = bpy.context.scene or window().scene
    render = scene.render
    render.resolution_x = render.resolution_y = SIZE
    render.fps, render.fps_base = 24, 1.0
    scene.view_settings.view_transform = "Standard"
    scene.framewright.prompt, scene.framewright.model = PROMPT, MODEL
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    # Where files are is nobody's business on a screenshot.
    for area in window().screen.areas:
        if area.type == "FILE_BROWSER":
            area.type = "OUTLINER"
    yield 0.2
    return scene


def new_board(folder, candidates=2, render=True):
    """A board of the model beside the file, by another client."""
    path = str(folder / "letter")
    generate = {"model": MODEL, "width": SIZE, "height": SIZE, "steps": 4 if SIZE == 64 else 20}
    client = part("client").Client.connect("test 1")
    client.call(
        "board.new", path=path, scene=SCENE, candidates=candidates, seed=5, generate=generate
    )
    frames = [{"prompt": prompt, "duration": 1 + at % 2} for at, prompt in enumerate(SHOTS)]
    board = client.call("board.add", path=path, frames=frames)
    if render:
        board = client.call("board.render", path=path)["board"]
    client.close()
    return board


def _with_board(name, **more):
    """A new file with a board beside it, chosen and known."""
    scene = yield from _new_file(name)
    board = new_board(WORK / name, **more)
    bpy.ops.framewright.open_board(directory=board["path"])
    yield lambda: studio().board_of(scene)
    yield 0.2
    return scene, board


def strips(scene):
    editor = scene.sequence_editor
    if editor is None:
        return []
    # Called strips from 4.4 on; the old name went with 5.0.
    all_of_them = "strips_all" if hasattr(editor, "strips_all") else "sequences_all"
    held = list(getattr(editor, all_of_them))
    return sorted(held, key=lambda strip: strip.frame_final_start)


def sequencer():
    """The sequencer with the strips."""
    areas = [area for area in window().screen.areas if area.type == "SEQUENCE_EDITOR"]
    return max(areas, key=lambda area: area.width)


def _pull(x, y, to_x, to_y):
    """Pulls an edge with the mouse."""
    _simulate("MOUSEMOVE", "NOTHING", x, y)
    yield 0.2
    _simulate("LEFTMOUSE", "PRESS", x, y)
    yield 0.1
    for part_of in (1, 2, 3, 4):
        at = x + (to_x - x) * part_of // 4, y + (to_y - y) * part_of // 4
        _simulate("MOUSEMOVE", "NOTHING", *at)
        yield 0.1
    _simulate("LEFTMOUSE", "RELEASE", to_x, to_y)
    yield 0.3


# Scenarios


def ready():
    """The add-on is turned on, and the daemon starts when its panel is shown."""
    WORK.mkdir(parents=True, exist_ok=True)
    assert bpy.ops.preferences.addon_enable(module=ADD_ON) == {"FINISHED"}
    bpy.context.preferences.view.show_splash = False
    scene = yield from _new_file("ready")
    assert scene.framewright.prompt == PROMPT
    studio().retry()
    yield lambda: studio().library.models and studio().library.catalogue.characters
    models = [model.name for model in studio().library.models]
    return {"models": models, "shots": len(studio().library.catalogue.shots)}


def board():
    """A board becomes strips, in one step of undo; a pick is another."""
    scene, told = yield from _with_board("board")
    scene.frame_current = 1
    assert bpy.ops.framewright.insert_board("EXEC_DEFAULT", True, markers=True) == {"FINISHED"}
    yield 0.5
    names = [strip.name for strip in strips(scene)]
    assert len(names) == 4 and len(scene.timeline_markers) == 4
    first = told["frames"][0]
    shown = strips(scene)[0].elements[0].filename
    bpy.ops.framewright.pick_take(frame=first["id"], number=1)
    yield lambda: strips(scene)[0].elements[0].filename != shown
    picked = strips(scene)[0].elements[0].filename
    yield 0.3
    scene.frame_current = 30
    area = sequencer()
    edge = area.y + area.height + 1
    yield from _pull(area.x + 300, edge, area.x + 300, edge + 180)
    yield from _sidebar(area, 330)
    yield 1.5
    screenshot("sequencer")
    bpy.ops.ed.undo()
    yield 0.3
    scene = window().scene
    assert [strip.name for strip in strips(scene)] == names
    assert strips(scene)[0].elements[0].filename == shown, "undo takes the pick back, and no more"
    bpy.ops.ed.undo()
    yield 0.3
    scene = window().scene
    assert strips(scene) == [] and len(scene.timeline_markers) == 0, "undo takes all strips back"
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    yield 0.3
    scene = window().scene
    assert [strip.name for strip in strips(scene)] == names
    assert strips(scene)[0].elements[0].filename == picked
    return {"strips": names}


def gaps():
    """How long the window stands still at most while a frame is made from a picture of 1024² and
    the add-on's panel tells how far it is: read, sent, made, written and shown."""
    scene = yield from _new_file("gaps")
    scene.render.resolution_x = scene.render.resolution_y = 1024
    scene.framewright.candidates = 1
    yield from _sidebar(sequencer(), 330)
    image = bpy.data.images.new("large", 1024, 1024)
    image.generated_type = "COLOR_GRID"
    # Drawn by Blender when it is first looked at, which is not what is measured.
    assert image.pixels[0] >= 0.0
    measured = Gaps()
    yield 2.0
    told = {"nothing": measured.restart()}
    for area in window().screen.areas:
        area.tag_redraw()
    yield 1.0
    told["Blender draws its window"] = measured.restart()
    operators = bpy.ops.framewright
    bpy.ops.render.render()
    told["start from the render"] = yield from measured.during(operators.start_from_render)
    named = {"image": image.name}
    told["start from an image"] = yield from measured.during(operators.start_from_image, **named)
    told["make a mask"] = yield from measured.during(operators.paint_mask, **named)
    mask = scene.framewright.mask_image
    assert tuple(mask.size) == (1024, 1024)
    values = array("f", [0.0]) * (4 << 20)
    mask.pixels.foreach_get(values)
    row = 4 * 1024
    for y in range(400, 600):
        values[y * row + 4 * 400 : y * row + 4 * 600] = array("f", [1.0]) * (4 * 200)
    mask.pixels.foreach_set(values)
    told["inpaint"] = yield from measured.during(operators.inpaint, **named)
    scene.framewright.mask, scene.framewright.mask_from = _drawn_mask(), "MASK"
    told["inpaint in a Mask"] = yield from measured.during(operators.inpaint, **named)
    measured.stop()
    # The processor's time, beside that of the one thing that cannot be cut: Blender's handing over
    # of an image's numbers. What comes from a render or a Mask is drawn by Blender itself.
    told["handed over"] = round(min(_handing_over(image) for _ in range(3)), 4)
    for name in ("start from an image", "make a mask", "inpaint"):
        assert told[name]["of which computing"] < 12 * told["handed over"], told
    return told


def _handing_over(image):
    """Seconds of the processor until Blender has given all numbers of an image."""
    values = array("f", [0.0]) * len(image.pixels)
    began = time.thread_time()
    image.pixels.foreach_get(values)
    return time.thread_time() - began


def _drawn_mask():
    """A Mask datablock with a rectangle in the middle."""
    mask = bpy.data.masks.new("middle")
    spline = mask.layers.new(name="one").splines.new()
    spline.points.add(4 - len(spline.points))
    for point, corner in zip(spline.points, [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)]):
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.co = point.handle_left = point.handle_right = corner
    spline.use_cyclic = True
    return mask


class Gaps:
    """The longest time that the event loop did not come round, and the longest turn of the
    add-on's own in it."""

    def __init__(self):
        self.longest, self.last = 0.0, time.monotonic()
        self.turn, self.cpu, self.pump = 0.0, 0.0, studio().pump
        studio().pump = self.timed
        # One object: a method is another each time it is named.
        self.timer = self.tick
        bpy.app.timers.register(self.timer)

    def tick(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
        return 0.005

    def timed(self, *budget):
        began, worked = time.monotonic(), time.thread_time()
        self.pump(*budget)
        self.turn = max(self.turn, time.monotonic() - began)
        self.cpu = max(self.cpu, time.thread_time() - worked)

    def during(self, press, **named):
        """What it was from the press of a button until nothing is under way."""
        yield 1.0
        self.restart()
        began = time.monotonic()
        assert press(**named) == {"FINISHED"}
        self.turn = max(self.turn, time.monotonic() - began)
        yield idle
        yield 0.5
        told = self.restart()
        assert studio().notice is None, studio().notice
        return told

    def restart(self):
        told = {"gap": self.longest, "own": self.turn, "of which computing": self.cpu}
        self.longest, self.turn, self.cpu, self.last = 0.0, 0.0, 0.0, time.monotonic()
        return {name: round(seconds, 3) for name, seconds in told.items()}

    def stop(self):
        studio().pump = self.pump
        bpy.app.timers.unregister(self.timer)


def inpainted():
    """A strip's frame goes to the Image Editor, is painted on with the brush, and comes back as
    the board's pick; one undo takes the strip's new picture away."""
    scene, told = yield from _with_board("inpainted")
    bpy.ops.framewright.insert_board("EXEC_DEFAULT", True)
    # The preview makes room for an Image Editor.
    editor = max(
        (area for area in window().screen.areas if area != sequencer()),
        key=lambda area: area.width * area.height,
    )
    editor.type = "IMAGE_EDITOR"
    yield 0.5
    scene.frame_current = 30
    bpy.ops.framewright.inpaint_strip("EXEC_DEFAULT", True)
    yield lambda: editor.spaces.active.image
    source = editor.spaces.active.image
    assert source.filepath.startswith("//letter/takes/"), source.filepath
    bpy.ops.framewright.paint_mask(image=source.name)
    yield lambda: scene.framewright.mask_image
    yield 0.5
    mask = scene.framewright.mask_image
    assert editor.spaces.active.image == mask and editor.spaces.active.ui_mode == "PAINT"
    yield from _fit(editor)
    yield 0.3
    before = bytes(round(255 * value) for value in mask.pixels)
    # The settings that all brushes share belong to each mode's own since 5.0.
    painting = scene.tool_settings
    if not hasattr(painting, "unified_paint_settings"):
        painting = painting.image_paint
    painting.unified_paint_settings.size = 16
    yield from _stroke(editor)
    yield 0.5
    after = bytes(round(255 * value) for value in mask.pixels)
    assert before != after, "the brush has painted"
    yield from _sidebar(editor, 300)
    screenshot("mask")
    scene.framewright.candidates, scene.framewright.strength = 3, 1.0
    shown = strips(scene)[1].elements[0].filename
    assert bpy.ops.framewright.inpaint(image=mask.name) == {"FINISHED"}
    yield lambda: studio().jobs
    yield idle
    yield from _pull(editor.x + 200, editor.y - 1, editor.x + 200, editor.y - 200)
    yield 1.0
    result = editor.spaces.active.image
    assert result["framewright"]["task"] == "inpaint", studio().notice
    assert len(result["framewright"]["candidates"]) == 3
    screenshot("inpainted")
    bpy.ops.framewright.use_image("EXEC_DEFAULT", True, image=result.name)
    count = len(result["framewright"]["candidates"])
    yield lambda: strips(scene)[1].elements[0].filename != shown
    assert "inpainted" in strips(scene)[1].directory
    yield 0.5
    screenshot("picked")
    bpy.ops.ed.undo()
    yield 0.3
    assert strips(window().scene)[1].elements[0].filename == shown
    return {"candidates": count}


def _fit(area):
    """Shows the whole picture as large as the editor is, by the shortcut."""
    x, y = area.x + area.width // 2, area.y + area.height // 2
    _simulate("MOUSEMOVE", "NOTHING", x, y)
    yield 0.1
    _simulate("HOME", "PRESS", x, y, shift=True)
    _simulate("HOME", "RELEASE", x, y)


def _stroke(area):
    """A stroke of the brush with the mouse, through the middle."""
    region = next(region for region in area.regions if region.type == "WINDOW")
    x, y = region.x + region.width // 2, region.y + region.height // 2
    _simulate("MOUSEMOVE", "NOTHING", x - 40, y)
    yield 0.2
    _simulate("LEFTMOUSE", "PRESS", x - 40, y)
    yield 0.1
    for step in range(9):
        _simulate("MOUSEMOVE", "NOTHING", x - 40 + step * 10, y + (step % 3) * 8)
        yield 0.05
    _simulate("LEFTMOUSE", "RELEASE", x + 40, y)
    yield 0.3


def viewport():
    """A blocked-out scene becomes a frame: what the camera sees goes to the daemon, to the pixel
    of its shape, and without the overlays."""
    scene = yield from _new_file("viewport")
    bpy.ops.mesh.primitive_cube_add(size=2)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    camera.location, scene.camera = (0, 0, 7), camera
    editor = max(
        (area for area in window().screen.areas if area != sequencer()),
        key=lambda area: area.width * area.height,
    )
    editor.type = "VIEW_3D"
    yield 0.5
    space = editor.spaces.active
    space.region_3d.view_perspective = "CAMERA"
    space.shading.type = "SOLID"
    yield 0.5
    scene.framewright.strength, scene.framewright.candidates = 0.6, 1
    assert bpy.ops.framewright.start_from_viewport() == {"FINISHED"}
    overlays = space.overlay.show_overlays
    yield lambda: studio().jobs
    yield idle
    assert studio().notice is None, studio().notice
    assert overlays, "the overlays are shown again"
    (result,) = [image for image in bpy.data.images if image.get("framewright")]
    client = part("client").Client.connect("test 1")
    asked = client.call("job.show", job=result["framewright"]["job"])["request"]
    sent = asked["image"]
    assert (sent["width"], sent["height"]) == (SIZE, SIZE), "the camera's frame"
    data = bytes(client.call("blob.get", hash=sent["blob"])["data"])
    client.close()
    middle = 4 * (SIZE // 2 * SIZE + SIZE // 2)
    difference = sum(abs(a - b) for a, b in zip(data[middle : middle + 3], data[:3]))
    assert difference > 60, "the cube in the middle is not as the background"
    # A soft gradient at most: no line of a grid, and no border of the camera.
    rim = [sum(data[4 * at : 4 * at + 3]) for at in range(SIZE)]
    steps = [abs(one - other) for one, other in zip(rim, rim[1:])]
    assert max(steps) <= 6, steps
    yield from _sidebar(editor, 260)
    screenshot("viewport")
    return {"sent": [sent["width"], sent["height"]], "made": list(result.size)}


def daemon_gone():
    """The daemon dies and cannot start: a sentence with a button; the button works."""
    scene = yield from _new_file("gone")
    scene.framewright.candidates = 6
    program = os.environ["FRAMEWRIGHT_DAEMON"]
    bpy.ops.framewright.generate()
    yield lambda: studio().jobs and studio().jobs[0].progress.fraction > 0.05
    job = studio().jobs[0].job
    os.environ["FRAMEWRIGHT_DAEMON"] = "/nonexistent/framewrightd"
    lock = Path(os.environ["FRAMEWRIGHT_HOME"]) / "run" / "daemon.lock"
    os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)
    yield idle
    notice = studio().notice
    assert notice is not None and "framewrightd" in notice.message, notice
    assert strips(scene) == []
    yield from _sidebar(sequencer(), 330)
    screenshot("daemon-gone")
    os.environ["FRAMEWRIGHT_DAEMON"] = program
    bpy.ops.framewright.fix(what="retry")
    yield lambda: studio().jobs
    yield idle
    assert studio().notice is None, studio().notice
    (strip,) = strips(scene)
    assert strip["framewright"]["job"] == job, "the daemon had the job still, and made it once"
    return {"message": notice.message, "hint": notice.hint, "button": notice.label}


def two_passes():
    """A frame in two passes: of twice the size on the disk, and as large as the film in its strip.
    Again draws in two passes, too."""
    scene = yield from _new_file("two-passes")
    scene.frame_current = 12
    scene.framewright.candidates, scene.framewright.hires = 1, True
    bpy.ops.framewright.generate()
    yield lambda: studio().jobs
    yield idle
    assert studio().notice is None, studio().notice
    (strip,) = strips(scene)
    assert (strip.frame_final_start, strip.frame_final_duration) == (12, 48)
    first = _first_pass(strip)
    assert (first["scale"], first["width"], first["height"]) == (2.0, SIZE, SIZE), first
    assert list(_picture(strip).size) == [2 * SIZE, 2 * SIZE]
    assert (strip.transform.scale_x, strip.transform.scale_y) == (0.5, 0.5), "it fills the film"
    assert (strip.transform.offset_x, strip.transform.offset_y) == (0, 0)
    yield from _sidebar(sequencer(), 330)
    screenshot("two-passes")
    # The settings of what was made, not those of the panel.
    scene.framewright.hires = False
    bpy.ops.framewright.again()
    yield lambda: studio().jobs
    yield idle
    assert studio().notice is None, studio().notice
    (strip,) = strips(scene)
    assert len(strip["framewright"]["candidates"]) == 2
    assert _first_pass(strip) == first and list(_picture(strip).size) == [2 * SIZE, 2 * SIZE]
    return {"first": [first["width"], first["height"]], "frame": list(_picture(strip).size)}


def _first_pass(strip):
    """What the daemon recorded of the first pass of a strip's newest frame."""
    client = part("client").Client.connect("test 1")
    told = client.call("job.show", job=strip["framewright"]["job"])
    client.close()
    (frame,) = told["result"]["frames"]
    assert str(frame["seed"]) == strip["framewright"]["seed"], "the strip shows this one"
    return frame["provenance"]["hires"]


def _picture(strip):
    """The file that a strip shows."""
    path = bpy.path.abspath(os.path.join(strip.directory, strip.elements[0].filename))
    return bpy.data.images.load(path, check_existing=True)


def cancelled():
    """A click on the cross ends the job, and nothing comes of it."""
    scene = yield from _new_file("cancelled")
    scene.framewright.candidates = 12
    bpy.ops.framewright.generate()
    yield lambda: studio().jobs and studio().jobs[0].progress.fraction > 0.02
    bpy.ops.framewright.cancel(key=studio().jobs[0].key)
    yield idle
    yield 0.5
    assert strips(scene) == [] and studio().notice is None


def rendering():
    """While an animation is rendered in the window, nothing changes; then it does."""
    scene, told = yield from _with_board("rendering")
    bpy.ops.framewright.insert_board("EXEC_DEFAULT", True)
    shown = strips(scene)[0].elements[0].filename
    scene.frame_start, scene.frame_end = 1, 24
    scene.render.filepath = str(WORK / "rendering" / "frame-")
    seen = []

    def each(*_):
        seen.append(strips(scene)[0].elements[0].filename)

    bpy.app.handlers.render_post.append(each)
    bpy.ops.framewright.pick_take(frame=told["frames"][0]["id"], number=1)
    bpy.ops.render.render("INVOKE_DEFAULT", animation=True)
    yield lambda: len(seen) >= 24 and not part("workplace").quiet()
    bpy.app.handlers.render_post.remove(each)
    during = set(seen)
    yield lambda: strips(scene)[0].elements[0].filename != shown
    yield idle
    assert during == {shown}, "all frames show the same take"
    return {"frames": len(seen)}


def saving():
    """A file that cannot be saved is no end: work goes on after it, as after one that can."""
    yield from _new_file("saving")
    for path in (WORK / "no folder" / "film.blend", WORK / "saving" / "copy.blend"):
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(path))
        except RuntimeError as error:
            assert "no folder" in str(error), error
        yield lambda: not part("workplace").quiet()
    bpy.ops.framewright.generate()
    yield lambda: studio().jobs
    yield idle
    assert studio().notice is None, studio().notice
    assert len(strips(window().scene)) == 1


def new_board_dialog():
    """A board from a scene in plain words, typed into the dialog."""
    scene = yield from _new_file("dialog")
    yield from _sidebar(sequencer(), 330)
    _simulate("MOUSEMOVE", "NOTHING", 500, 500)
    yield 0.2
    bpy.ops.framewright.new_board("INVOKE_DEFAULT", name="letter", scene_text=SCENE, frames=4)
    yield 1.0
    screenshot("new-board")
    x, y = 500, 500
    _simulate("RET", "PRESS", x, y)
    _simulate("RET", "RELEASE", x, y)
    yield lambda: scene.framewright.board
    yield idle
    yield 1.0
    screenshot("new-board-made")
    assert len(studio().board_of(scene).frames) == 4, studio().notice
