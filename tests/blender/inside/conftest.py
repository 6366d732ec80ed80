"""Runs in Blender's own Python, without a window: the add-on, enabled as a user would, and the
real daemon. Timers never fire there, so tests call the add-on's tick themselves."""

import importlib
import os
import time
from pathlib import Path

import bpy
import pytest

NAME = "framewright_blender"
PROMPT = "close up of a man in a kitchen, soft daylight"
SIZE = 64


def enable():
    """Turns the add-on on: as an extension where Blender knows them."""
    extension = bpy.app.version >= (4, 2)
    module = f"bl_ext.user_default.{NAME}" if extension else NAME
    if module not in bpy.context.preferences.addons:
        assert bpy.ops.preferences.addon_enable(module=module) == {"FINISHED"}
    return module


@pytest.fixture(scope="session")
def module():
    return enable()


@pytest.fixture(scope="session")
def part(module):
    """A part of the add-on as it is loaded in Blender, by its name."""
    return lambda name: importlib.import_module(f"{module}.{name}")


@pytest.fixture(scope="session")
def client(part):
    """A second client, for what others do to boards."""
    client = part("client").Client.connect("test 1")
    yield client
    client.close()


@pytest.fixture
def studio(part):
    return part("workplace").studio


@pytest.fixture
def until(part):
    """Lets Blender's timer come round until something holds."""

    def wait(condition, seconds=120):
        deadline = time.monotonic() + seconds
        while True:
            part("workplace").tick()
            held = condition()
            if held:
                return held
            notice = part("workplace").studio().notice
            assert time.monotonic() < deadline, f"it did not come about in time; notice: {notice}"
            time.sleep(0.005)

    return wait


@pytest.fixture
def idle(studio, until):
    return lambda: until(lambda: not studio().busy)


@pytest.fixture
def folder(tmp_path):
    """Where the .blend file and its boards are."""
    return tmp_path


@pytest.fixture(autouse=True)
def forgiven(part):
    """A daemon that was killed on purpose is started again however often."""
    part("framewright.start")._breakers.clear()


@pytest.fixture(autouse=True)
def scene(module, folder, part):
    """A new file of 64 × 64 pixels and 24 frames a second, saved."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    render = scene.render
    render.resolution_x = render.resolution_y = SIZE
    render.resolution_percentage = 100
    render.fps, render.fps_base = 24, 1.0
    render.dither_intensity = 0.0
    render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"
    scene.framewright.prompt = PROMPT
    scene.framewright.model = "tiny"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    yield scene
    studio = part("workplace").studio()
    for job in list(studio.jobs):
        studio.cancel(job)
    deadline = time.monotonic() + 30
    while studio.jobs and time.monotonic() < deadline:
        part("workplace").tick()
        time.sleep(0.005)


@pytest.fixture
def new_board(client, folder):
    """Makes a board of the quick model beside the .blend file, by another client."""

    def make(name="letter", prompts=3, candidates=2, render=True, **more):
        path = str(folder / name)
        generate = {"model": "tiny", "width": SIZE, "height": SIZE, "steps": 4}
        client.call(
            "board.new",
            path=path,
            scene="a man finds a letter in a library",
            candidates=candidates,
            seed=5,
            generate=generate,
            **more,
        )
        shots = ("close up of a man", "long shot of a library", "full body picture of a woman")
        frames = [
            {"prompt": f"{shots[at % 3]}, soft daylight, {at}", "duration": 1.0 + at / 2}
            for at in range(prompts)
        ]
        told = client.call("board.add", path=path, frames=frames)
        if render:
            told = client.call("board.render", path=path)["board"]
        return told

    return make


@pytest.fixture
def choose(scene, studio, until):
    """Chooses a board as an artist does, and waits until it is known."""

    def chosen(board):
        bpy.ops.framewright.open_board(directory=board["path"])
        return until(lambda: studio().board_of(scene))

    return chosen


@pytest.fixture
def rendered(scene, tmp_path):
    """The pixels of a frame as the sequencer renders it, rows from the bottom, 0 to 255."""

    def render(frame):
        scene.frame_set(frame)
        scene.render.filepath = str(tmp_path / f"render-{time.monotonic_ns()}.png")
        bpy.ops.render.render(write_still=True, scene=scene.name)
        return pixels(scene.render.filepath)

    return render


def pixels(path):
    """The pixels of a picture file, three bytes each."""
    image = bpy.data.images.load(str(path))
    values = list(image.pixels)
    bpy.data.images.remove(image)
    return [round(255 * value) for at, value in enumerate(values) if at % 4 != 3]


def black():
    return [0] * (3 * SIZE * SIZE)


def strips(scene):
    """All strips by time, whatever Blender calls them."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    held = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
    return sorted(held, key=lambda strip: strip.frame_final_start)


def kill_daemon():
    """Ends the daemon as a crash does."""
    lock = Path(os.environ["FRAMEWRIGHT_HOME"]) / "run" / "daemon.lock"
    os.kill(int(lock.read_text().split()[0]), 9)
