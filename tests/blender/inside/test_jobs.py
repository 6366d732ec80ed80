"""What outlives a crash, a saved file and a cancel."""

import os
import time

import bpy
import pytest
from conftest import kill_daemon, pixels, strips


@pytest.fixture
def long_job(scene, studio, until):
    """A job that is in the middle."""

    def begin(candidates=12):
        scene.framewright.candidates = candidates
        bpy.ops.framewright.generate()
        job = studio().jobs[-1]
        until(lambda: job.progress.fraction > 0.02)
        return job

    return begin


def test_cancel_ends_one_job_and_no_other(scene, studio, idle, long_job, client):
    first = long_job()
    scene.framewright.prompt = "long shot of a library"
    scene.framewright.candidates = 1
    bpy.ops.framewright.generate()
    first_name = first.job
    bpy.ops.framewright.cancel(key=first.key)
    idle()
    assert studio().notice is None, "cancelling is no error"
    (strip,) = strips(scene)
    assert strip["framewright"]["prompt"] == "long shot of a library"
    assert client.call("job.show", job=first_name)["summary"]["state"] == "cancelled"
    assert scene.framewright.jobs == ""


def test_cancelling_a_board_keeps_what_is_drawn(scene, new_board, choose, until, idle, studio):
    board = new_board(prompts=3, candidates=8, render=False)
    choose(board)
    bpy.ops.framewright.insert_board(start=1)
    bpy.ops.framewright.render_board()
    job = studio().jobs[0]
    # Between two looks more than one take may be drawn.
    until(lambda: job.progress.fraction >= 2 / 24)
    bpy.ops.framewright.cancel(key=job.key)
    idle()
    known = studio().boards[board["path"]]
    assert 0 < known.missing < 24 and studio().notice is None
    # What was drawn is seen, and the rest is drawn when it is asked for again.
    assert strips(scene)[0].type == "IMAGE"
    bpy.ops.framewright.render_board()
    idle()
    assert studio().boards[board["path"]].missing == 0


def test_a_daemon_that_dies_goes_on_with_the_same_job(scene, studio, idle, until, long_job):
    job = long_job()
    name = job.job
    kill_daemon()
    words = []

    def gone():
        words.append(job.progress.words)
        return "daemon" in job.progress.words

    until(gone)
    idle()
    assert studio().notice is None, studio().notice
    (strip,) = strips(scene)
    assert strip["framewright"]["job"] == name and len(strip["framewright"]["seeds"]) == 12


def test_a_daemon_that_cannot_come_back_is_told_and_retry_works(
    scene, studio, idle, long_job, client, monkeypatch
):
    job = long_job()
    name = job.job
    with monkeypatch.context() as gone:
        gone.setenv("FRAMEWRIGHT_DAEMON", "/nonexistent/framewrightd")
        kill_daemon()
        idle()
    notice = studio().notice
    assert notice is not None and "framewrightd" in notice.message and notice.fix == "locate"
    assert strips(scene) == []
    bpy.ops.framewright.fix(what="retry")
    idle()
    assert studio().notice is None, studio().notice
    (strip,) = strips(scene)
    assert strip["framewright"]["job"] == name, "the daemon had the job still, and made it once"
    assert len(strip["framewright"]["seeds"]) == 12


def test_the_program_that_is_found_gets_the_request_that_failed(
    scene, studio, idle, part, module, monkeypatch, client
):
    program = os.environ["FRAMEWRIGHT_DAEMON"]
    preferences = bpy.context.preferences.addons[module].preferences
    client.call("daemon.stop")
    monkeypatch.setenv("FRAMEWRIGHT_DAEMON", "/nonexistent/framewrightd")
    bpy.ops.framewright.generate()
    idle()
    assert studio().notice.fix == "locate" and studio().can_retry and strips(scene) == []
    preferences.program = program
    idle()
    assert studio().notice is None, studio().notice
    assert len(strips(scene)) == 1
    monkeypatch.setenv("FRAMEWRIGHT_DAEMON", program)
    preferences.program = ""
    idle()


def test_a_board_goes_on_when_the_daemon_dies(scene, new_board, choose, until, idle, studio):
    board = new_board(prompts=2, candidates=6, render=False)
    choose(board)
    bpy.ops.framewright.insert_board(start=1)
    bpy.ops.framewright.render_board()
    job = studio().jobs[0]
    # Between two looks more than one take may be drawn.
    until(lambda: job.progress.fraction >= 2 / 24)
    kill_daemon()
    idle()
    assert studio().notice is None, studio().notice
    assert studio().boards[board["path"]].missing == 0
    assert [strip.type for strip in strips(scene)] == ["IMAGE"] * 2


def test_a_saved_file_finds_its_board_and_its_job(
    scene, new_board, choose, until, idle, studio, part, folder, long_job, rendered
):
    board = new_board()
    choose(board)
    bpy.ops.framewright.insert_board(start=1)
    scene.frame_current = 200
    job = long_job()
    name = job.job
    bpy.ops.wm.save_mainfile()
    assert scene.framewright.board == "//letter"
    # Blender is closed, and the daemon goes on.
    workplace = part("workplace")
    workplace.unregister()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    # The folder is moved: paths begin at the file.
    moved = folder.with_name(folder.name + "-moved")
    os.rename(folder, moved)
    workplace.register()
    bpy.ops.wm.open_mainfile(filepath=str(moved / "film.blend"))
    scene = bpy.context.scene
    assert [held.key for held in studio().jobs] == [job.key]
    known = until(lambda: studio().board_of(scene))
    assert known.path == str(moved / "letter") and len(known.frames) == 3
    idle()
    assert studio().notice is None, studio().notice
    made = strips(scene)
    assert len(made) == 4
    late = made[3]
    assert late["framewright"]["job"] == name and late.frame_final_start == 200
    assert len(late["framewright"]["candidates"]) == 12
    first = moved / "letter" / board["frames"][0]["takes"][0]["image"]
    scene.render.filepath = str(moved / "render.png")
    scene.frame_set(1)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    assert pixels(scene.render.filepath) == pixels(first)


def test_a_job_that_the_daemon_does_not_know_is_told(scene, studio, idle, folder, part, long_job):
    job = long_job(4)
    held = scene.framewright.jobs.replace(job.key, "another key")
    idle()
    scene.framewright.jobs = held
    bpy.ops.wm.save_mainfile()
    part("workplace").unregister()
    part("workplace").register()
    scene.framewright.jobs = held
    part("workplace").studio().adopt()
    idle()
    assert "does not know" in studio().notice.message and job.title in studio().notice.message
    assert scene.framewright.jobs == ""


def test_nothing_changes_while_blender_renders(
    scene, new_board, choose, idle, studio, part, tmp_path
):
    """The answer of a pick comes during a render: it waits."""
    board = new_board()
    choose(board)
    bpy.ops.framewright.insert_board(start=1)
    seen = []
    workplace = part("workplace")

    def during(*_):
        for _ in range(200):
            workplace.tick()
        seen.append(strips(scene)[0]["framewright"]["take"])
        seen.append(bpy.ops.framewright.render_board.poll())

    bpy.app.handlers.render_pre.append(during)
    try:
        bpy.ops.framewright.pick_take(frame=board["frames"][0]["id"], number=1)
        # The answer is here, and nobody has asked for it yet.
        deadline = time.monotonic() + 30
        while not studio()._background._inbox and time.monotonic() < deadline:
            time.sleep(0.01)
        assert studio()._background._inbox
        scene.render.filepath = str(tmp_path / "one.png")
        bpy.ops.render.render(write_still=True, scene=scene.name)
    finally:
        bpy.app.handlers.render_pre.remove(during)
    assert seen == [1, False]
    idle()
    assert strips(scene)[0]["framewright"]["take"] == 2


def test_nothing_changes_while_blender_saves(
    scene, new_board, choose, until, idle, studio, part, folder, long_job, client
):
    """The answer of a job comes while the file is written: it waits."""
    choose(new_board())
    bpy.ops.framewright.insert_board(start=1)
    scene.frame_current = 200
    shots = [strip.name for strip in strips(scene)]
    job = long_job(2)
    client.call("job.wait", job=job.job)
    # The answer is here, and nobody has asked for it yet.
    deadline = time.monotonic() + 30
    while studio()._background._waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    assert studio()._background._inbox and studio().jobs == [job]
    seen = []

    def during(*_):
        for _ in range(200):
            part("workplace").tick()
        seen.append([strip.name for strip in strips(scene)] == shots)
        seen.append(bpy.ops.framewright.render_board.poll())

    bpy.app.handlers.save_pre.append(during)
    try:
        bpy.ops.wm.save_mainfile()
    finally:
        bpy.app.handlers.save_pre.remove(during)
    assert seen == [True, False]
    assert studio().jobs == [job] and not part("workplace").quiet()
    idle()
    assert studio().notice is None, studio().notice
    assert len(strips(scene)) == len(shots) + 1
    # What was saved knows of the job, and not of its frame.
    bpy.ops.wm.open_mainfile(filepath=str(folder / "film.blend"))
    assert [strip.name for strip in strips(bpy.context.scene)] == shots
    assert [held.key for held in studio().jobs] == [job.key]
    idle()
    assert len(strips(bpy.context.scene)) == len(shots) + 1


def test_a_file_that_cannot_be_saved_stops_nothing(part, folder):
    workplace = part("workplace")
    with pytest.raises(RuntimeError):
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "no folder" / "film.blend"))
    if not hasattr(bpy.app.handlers, "save_post_fail"):
        # Blender does not tell it. A timer does, and those do not fire here.
        assert bpy.app.timers.is_registered(workplace._save_ended)
        workplace._save_ended()
    assert not workplace.quiet()


def test_an_undo_gives_up_what_is_being_read(scene, studio, idle, part):
    """After an undo pictures are other objects: reading on would read what is gone."""
    image = bpy.data.images.new("large", 512, 512)
    bpy.ops.framewright.start_from_image(image=image.name)
    part("workplace").tick()
    assert studio().jobs and studio().jobs[0].give_up is not None
    for handler in list(bpy.app.handlers.undo_post):
        handler(scene)
    assert studio().jobs == [] and "undo came" in studio().notice.message.lower()


def test_a_frame_that_cannot_be_written_is_told_and_comes_with_a_retry(scene, studio, idle, folder):
    (folder / "framewright").write_text("a file where the folder should be")
    bpy.ops.framewright.generate()
    idle()
    assert "cannot be written" in studio().notice.message
    assert strips(scene) == []
    (folder / "framewright").unlink()
    bpy.ops.framewright.fix(what="retry")
    idle()
    assert studio().notice is None, studio().notice
    (strip,) = strips(scene)
    assert len(strip["framewright"]["candidates"]) == 2, "the daemon had it still"


def test_what_a_person_should_know_is_told(scene, studio, idle):
    scene.framewright.model = "no such model"
    bpy.ops.framewright.generate()
    idle()
    assert "no such model" in studio().notice.message + studio().notice.hint
    assert studio().notice.fix == "models"
