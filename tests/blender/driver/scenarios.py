"""What an artist does, in the window of the real Blender with the real daemon.

Each is a generator; see `framewright_driver`. What one returns is told to the test that asked.
"""

import contextlib
import os
import subprocess
from pathlib import Path

import bpy

OUT = Path(os.environ["FRAMEWRIGHT_OUT"])
WORK = Path(os.environ["FRAMEWRIGHT_WORK"])
MODEL = os.environ["FRAMEWRIGHT_MODEL"]
SIZE = 64 if MODEL == "tiny" else 128
PROMPT = "close up of a man in a kitchen, soft daylight"
SHOTS = (
    "long shot of a dusty library, kaitoyosuke man reads at a table, soft daylight",
    "medium shot picture of kaitoyosuke man in a dusty library, soft daylight",
    "close up of kaitoyosuke man in a dusty library, soft daylight",
    "full body picture of jiyeonmun woman in a dusty library, soft daylight",
)


def part(name):
    import importlib

    return importlib.import_module(f"framewright_blender.{name}")


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


@contextlib.contextmanager
def inside(area):
    """As if the mouse were over an area."""
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window(), area=area, region=region):
        yield


def sidebar(area):
    """Opens an area's sidebar at the add-on's tab."""
    area.spaces.active.show_region_ui = True


def show_tab(area):
    """Turns the sidebar to the add-on's tab, as far as this version can."""
    region = next(region for region in area.regions if region.type == "UI")
    with contextlib.suppress(AttributeError):
        region.active_panel_category = "Framewright"


def workspace(name):
    """Blender's own layout for a kind of work."""
    if name not in bpy.data.workspaces:
        path = Path(bpy.utils.resource_path("LOCAL"), "scripts", "startup")
        template = path / "bl_app_templates_system" / "Video_Editing" / "startup.blend"
        bpy.ops.workspace.append_activate(idname=name, filepath=str(template))
    window().workspace = bpy.data.workspaces[name]


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
    yield 0.2
    return scene


def new_board(folder, candidates=2, render=True):
    """A board of the model beside the file, by another client."""
    path = str(folder / "letter")
    generate = {"model": MODEL, "width": SIZE, "height": SIZE, "steps": 4 if SIZE == 64 else 20}
    client = part("client").Client.connect("test 1")
    scene = "kaitoyosuke finds a letter in a dusty library. jiyeonmun comes in. Soft daylight."
    client.call(
        "board.new", path=path, scene=scene, candidates=candidates, seed=5, generate=generate
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
    held = list(editor.sequences_all) if editor is not None else []
    return sorted(held, key=lambda strip: strip.frame_final_start)


def sequencer():
    areas = [area for area in window().screen.areas if area.type == "SEQUENCE_EDITOR"]
    return max(areas, key=lambda area: area.width)


# Scenarios


def ready():
    """The add-on is turned on, and the daemon starts when its panel is shown."""
    WORK.mkdir(parents=True, exist_ok=True)
    assert bpy.ops.preferences.addon_enable(module="framewright_blender") == {"FINISHED"}
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
    with inside(sequencer()):
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
    sidebar(sequencer())
    yield 0.3
    scene.frame_current = 30
    show_tab(sequencer())
    yield 1.5
    screenshot("sequencer")
    with inside(sequencer()):
        bpy.ops.ed.undo()
    yield 0.3
    scene = window().scene
    assert [strip.name for strip in strips(scene)] == names
    assert strips(scene)[0].elements[0].filename == shown, "undo takes the pick back, and no more"
    with inside(sequencer()):
        bpy.ops.ed.undo()
    yield 0.3
    scene = window().scene
    assert strips(scene) == [] and len(scene.timeline_markers) == 0, "undo takes all strips back"
    with inside(sequencer()):
        bpy.ops.ed.redo()
        bpy.ops.ed.redo()
    yield 0.3
    scene = window().scene
    assert [strip.name for strip in strips(scene)] == names
    assert strips(scene)[0].elements[0].filename == picked
    return {"strips": names}
