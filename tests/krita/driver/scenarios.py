"""What a painter does, in the real Krita with the real daemon.

Each is a generator; see `stage`. What one returns is told to the test that asked for it.
"""

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

from framewright_krita.qt import QtCore, QtGui, QtWidgets
from krita import Krita, Selection

OUT = Path(os.environ["FRAMEWRIGHT_OUT"])
PICTURE = Path(os.environ["FRAMEWRIGHT_PICTURE"])
SCENE = Path(os.environ["FRAMEWRIGHT_SCENE"])
MODEL = os.environ["FRAMEWRIGHT_MODEL"]
PROMPT = "close up of a man in a kitchen, soft daylight"


def application():
    return Krita.instance()


def studio():
    from framewright_krita.workplace import workplace

    return workplace().studio


def panel():
    from framewright_krita.docker import FramewrightDocker

    dockers = application().dockers()
    return next(docker for docker in dockers if isinstance(docker, FramewrightDocker)).panel


def screenshot(name):
    command = ["import", "-window", "root", str(OUT / f"{name}.png")]
    subprocess.run(command, check=True, timeout=30)


def tidy(name, failed):
    """After each scenario: nothing is left open."""
    if failed:
        screenshot(f"failed-{name}")
    place = studio()
    place.cancel()
    place.hide_tried()
    for document in application().documents():
        document.setModified(False)
        document.close()
    place.dismiss_notice()


def place_window():
    """Gives the window a place, and the docker room in it: in one column with the layers."""
    window = application().activeWindow().qwindow()
    window.setGeometry(0, 0, 1280, 800)
    shown = ("framewright", "KisLayerBox", "ToolBox")
    for docker in application().dockers():
        docker.setVisible(docker.objectName() in shown)
    dockers = {docker.objectName(): docker for docker in application().dockers()}
    window.resizeDocks([dockers["framewright"]], [340], QtCore.Qt.Orientation.Horizontal)
    window.tabifyDockWidget(dockers["KisLayerBox"], dockers["framewright"])
    dockers["framewright"].raise_()


def show(document):
    """Opens a view of a document."""
    application().activeWindow().addView(document)
    application().setActiveDocument(document)


def show_again(document):
    """Makes the view of a document that is shown already the active one."""
    area = application().activeWindow().qwindow().findChild(QtWidgets.QMdiArea)
    name = Path(document.fileName()).name
    windows = [window for window in area.subWindowList() if name in window.windowTitle()]
    assert len(windows) == 1, [window.windowTitle() for window in area.subWindowList()]
    area.setActiveSubWindow(windows[0])


def opened():
    """The test's picture in a view."""
    document = application().openDocument(str(PICTURE))
    show(document)
    return document


def set_up(**settings):
    """Settings for a frame of the test's model, a quick one unless another is wanted."""
    from framewright.settings import Settings

    chosen = {"prompt": PROMPT, "model": MODEL, "candidates": 1, "seed": 7, **settings}
    studio().settings = Settings(**chosen)
    panel().show_settings()


def press(name):
    application().action(f"framewright_{name}").trigger()


def idle():
    sheet = studio().sheet
    return sheet is not None and sheet.job is None


def pixels(document):
    """All that can be seen."""
    document.waitForDone()
    return bytes(document.pixelData(0, 0, document.width(), document.height()).data())


def digest(data):
    return hashlib.sha256(data).hexdigest()


def names(document):
    return [node.name() for node in document.topLevelNodes() if node.type() != "selectionmask"]


# Scenarios


def ready():
    """The docker is there, and the daemon starts at the press of a button."""
    place_window()
    yield 0.5
    assert studio().link.state != "connected"
    studio().link.start()
    yield lambda: studio().library.view.models and studio().library.view.catalogue.characters
    yield lambda: studio().library.methods
    models = [model.name for model in studio().library.view.models]
    return {"models": models, "shots": len(studio().library.view.catalogue.shots)}


def no_document():
    press("generate")
    yield 0.2
    for name in ("inpaint", "replace", "outpaint", "select", "again", "apply", "cancel", "layers"):
        assert application().action(f"framewright_{name}") is not None, name
    assert application().action("framewright_layers").isCheckable()
    shortcut = application().action("framewright_generate").shortcut().toString()
    assert shortcut == "Alt+Shift+G", shortcut
    assert "No document is open" in studio().current_notice.message
    screenshot("no-document")


def whole_canvas():
    """A frame on the whole canvas: tried, applied, undone, redone."""
    document = opened()
    yield lambda: studio().sheet
    before = pixels(document)
    layers = names(document)
    set_up(candidates=2)
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    assert studio().current_notice is None, studio().current_notice
    yield 0.5
    assert studio().sheet.canvas.previewing
    screenshot("candidates")
    press("apply")
    yield lambda: len(names(document)) > len(layers) and not studio().sheet.canvas.previewing
    yield 0.5
    after = pixels(document)
    assert after != before
    added = [name for name in names(document) if name not in layers]
    assert len(added) == 1 and PROMPT[:20] in added[0], added
    application().action("edit_undo").trigger()
    yield lambda: names(document) == layers
    yield 0.3
    assert pixels(document) == before, "undo gives the picture back"
    application().action("edit_redo").trigger()
    yield lambda: len(names(document)) > len(layers)
    yield 0.3
    assert pixels(document) == after, "redo gives the frame back"
    return {"layers": names(document)}


def two_passes():
    """The box is ticked: the frame is laid out small and drawn over, and lies in the selection to
    the pixel. Again draws in two passes, too."""
    document = opened()
    yield 0.3
    before, layers = pixels(document), names(document)
    width, height = document.width(), document.height()
    selected, side = QtCore.QRect(40, 0, 192, 192), 192
    selection = Selection()
    selection.select(40, 0, side, side, 255)
    document.setSelection(selection)
    yield 0.2
    set_up()
    box = panel().form._hires
    assert not box.isChecked() and not studio().settings.hires and not _kept().hires
    box.click()
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    yield 0.4
    screenshot("two-passes")
    assert studio().current_notice is None, studio().current_notice
    assert _kept().hires, "the next Krita has it ticked"
    (choice,) = studio().sheet.choices
    made = yield from _made(choice)
    first = made["provenance"]["hires"]
    assert first["scale"] == 2.0, first
    frame = QtGui.QImage.fromData(made["png"])
    assert (frame.width(), frame.height()) == (2 * first["width"], 2 * first["height"])
    press("apply")
    yield lambda: len(names(document)) > len(layers)
    yield 0.5
    node = next(node for node in document.topLevelNodes() if node.name() not in layers)
    assert node.bounds() == selected, node.bounds()
    shown = bytes(node.pixelData(selected.x(), selected.y(), side, side).data())
    # As large as the selection with the quick model; other models' frames are made to fit.
    stretch, smooth = QtCore.Qt.AspectRatioMode, QtCore.Qt.TransformationMode
    frame = frame.convertToFormat(QtGui.QImage.Format.Format_ARGB32)
    frame = frame.scaled(side, side, stretch.IgnoreAspectRatio, smooth.SmoothTransformation)
    frame = frame.convertToFormat(QtGui.QImage.Format.Format_ARGB32)
    assert shown == bytes(frame.constBits().asstring(frame.sizeInBytes()))
    after = pixels(document)
    changed = {
        (at % width, at // width)
        for at in range(width * height)
        if after[4 * at : 4 * at + 4] != before[4 * at : 4 * at + 4]
    }
    assert len(changed) > side * side // 2, f"only {len(changed)} pixels changed"
    assert all(selected.contains(x, y) for x, y in changed), "what is around stays"
    # The settings of what was made, not those of the docker.
    set_up()
    assert not box.isChecked()
    press("again")
    yield lambda: studio().sheet.job
    yield lambda: idle() and len(studio().sheet.choices) == 2
    another = yield from _made(studio().sheet.choices[0])
    assert another["provenance"]["hires"] == first
    assert another["provenance"]["seed"] != made["provenance"]["seed"]
    # Below full strength a frame starts from the canvas, and is drawn in one pass.
    set_up(strength=0.5, hires=True)
    assert box.isChecked()
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and len(studio().sheet.choices) == 3
    assert studio().current_notice is None, studio().current_notice
    started = yield from _made(studio().sheet.choices[0])
    assert "hires" not in started["provenance"]
    return {"first": [first["width"], first["height"]]}


def _kept():
    """The settings that Krita would begin with now."""
    from framewright_krita.workplace import _read_settings

    return _read_settings()


def _made(choice):
    """What the daemon keeps of a candidate: its provenance and its PNG file."""
    job, blob = {}, {}
    studio().link.ask("job.show", {"job": choice.entry.job}, job.update)
    wanted = {"hash": choice.blob, "offset": 0, "length": 1 << 22}
    studio().link.ask("blob.get", wanted, blob.update)
    yield lambda: job and blob
    frame = job["result"]["frames"][choice.index]
    assert frame["picture"]["blob"] == choice.blob and len(blob["data"]) == blob["total"]
    return {"provenance": frame["provenance"], "png": bytes(blob["data"])}


def repainted():
    """A frame becomes a layer, and a part of it is painted anew: what the README shows."""
    document = application().createDocument(128, 128, "Letter", "RGBA", "U8", "", 72.0)
    show(document)
    yield lambda: studio().sheet
    layers = names(document)
    application().activeWindow().activeView().canvas().setZoomLevel(5.0)
    man = "medium shot picture of a man with short brown hair in a red top"
    set_up(prompt=f"{man}, on the beach, golden sunset light", candidates=3, seed=21)
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    yield 0.4
    screenshot("frames")
    press("apply")
    yield lambda: len(names(document)) > len(layers) and not studio().sheet.canvas.previewing
    yield 0.3
    application().action("KisToolSelectRectangular").trigger()
    selection = Selection()
    selection.select(34, 4, 58, 60, 255)
    selection.feather(5)
    document.setSelection(selection)
    prompt = "close up of a man with short black hair, on the beach, golden sunset light"
    set_up(prompt=prompt, candidates=3, seed=21, strength=0.85)
    press("inpaint")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    yield 0.4
    assert len(studio().sheet.choices) == 6
    screenshot("repainted")


def lasso():
    """A selection drawn with the mouse: the frame is seen inside of it, and nowhere else."""
    document = opened()
    yield 0.5
    before = pixels(document)
    layers = names(document)
    application().action("KisToolSelectOutline").trigger()
    yield 0.5
    middle = (496, 420)
    corners = [(-120, -90), (10, -150), (130, -60), (100, 80), (-20, 120), (-130, 50)]
    places = [(middle[0] + x, middle[1] + y) for x, y in corners]
    mouse("mousemove", *places[0])
    yield 0.2
    mouse("mousedown", 1)
    for x, y in [*places[1:], places[0]]:
        mouse("mousemove", x, y)
        yield 0.1
    mouse("mouseup", 1)
    yield document.selection
    yield 0.3
    selection = document.selection()
    width, height = document.width(), document.height()
    mask = bytes(selection.pixelData(0, 0, width, height).data())
    assert 0 < mask.count(0) < len(mask), "the lasso has an inside and an outside"
    soft = len(mask) - mask.count(0) - mask.count(255)
    set_up()
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    yield 0.4
    screenshot("lasso")
    press("apply")
    yield lambda: len(names(document)) > len(layers)
    yield 0.5
    node = next(node for node in document.topLevelNodes() if node.name() not in layers)
    made = bytes(node.pixelData(0, 0, width, height).data())
    assert made[3::4] == mask, "the layer is as opaque as the selection is strong"
    after = pixels(document)
    inside = outside = 0
    for at, strength in enumerate(mask):
        same = after[4 * at : 4 * at + 4] == before[4 * at : 4 * at + 4]
        if strength == 0:
            outside += not same
        elif strength == 255:
            assert after[4 * at : 4 * at + 3] == made[4 * at : 4 * at + 3]
            inside += not same
    assert outside == 0, f"{outside} pixels outside of the selection changed"
    assert inside > mask.count(255) // 2, f"only {inside} pixels inside changed"
    application().action("edit_undo").trigger()
    yield lambda: names(document) == layers
    yield 0.3
    assert pixels(document) == before
    assert document.selection() is not None, "undo takes back the layer alone"
    return {"inside": inside, "soft": soft, "selected": mask.count(255)}


def inpainted():
    """A soft selection painted anew by the real daemon: beyond its rim nothing changes."""
    document = opened()
    yield 0.3
    before, layers = pixels(document), names(document)
    selection = Selection()
    selection.select(70, 70, 60, 40, 255)
    selection.feather(3)
    document.setSelection(selection)
    yield 0.2
    set_up(strength=0.8)
    press("inpaint")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.choices
    yield lambda: studio().sheet.tried
    yield 0.4
    screenshot("inpainted")
    notice = studio().current_notice
    press("apply")
    yield lambda: len(names(document)) > len(layers)
    yield 0.5
    after = pixels(document)
    width, height = document.width(), document.height()
    changed = [
        (at % width, at // width)
        for at in range(width * height)
        if after[4 * at : 4 * at + 4] != before[4 * at : 4 * at + 4]
    ]
    xs, ys = zip(*changed)
    around = (min(xs), min(ys), max(xs), max(ys))
    inside = sum(75 <= x < 125 and 75 <= y < 105 for x, y in changed)
    assert inside > 50 * 30 * 0.9, f"only {inside} pixels inside changed"
    # The daemon grows and feathers a selection by some pixels, and says how it does.
    assert around[0] >= 30 and around[1] >= 30 and around[2] < 170 and around[3] < 150, around
    application().action("edit_undo").trigger()
    yield lambda: names(document) == layers
    yield 0.3
    assert pixels(document) == before
    return {"around": around, "notice": notice.message if notice else None}


def outpainted():
    """A canvas that was enlarged: what is new is drawn, and what was there stays."""
    document = opened()
    yield 0.3
    before, layers = pixels(document), names(document)
    document.resizeImage(0, 0, 320, 192)
    document.waitForDone()
    set_up()
    press("outpaint")
    yield lambda: studio().sheet.job
    yield lambda: idle()
    yield lambda: studio().sheet.tried
    yield 0.4
    screenshot("outpainted")
    press("apply")
    yield lambda: len(names(document)) > len(layers)
    yield 0.5
    after = pixels(document)
    line = 4 * 320
    new = [after[row * line + 4 * 300 : row * line + line] for row in range(192)]
    assert all(piece[3::4].count(255) == 20 for piece in new), "what is new is opaque"
    kept = sum(
        after[row * line : row * line + 4 * 200] == before[row * 1024 : row * 1024 + 4 * 200]
        for row in range(192)
    )
    assert kept == 192, f"{192 - kept} rows of what was there changed"


def mouse(*words):
    subprocess.run(["xdotool", *map(str, words)], check=True, timeout=10)


def cancelled():
    """Cancel in the middle: nothing of it stays, and the next frame works."""
    document = opened()
    yield 0.3
    before, layers = pixels(document), names(document)
    set_up(candidates=6)
    press("generate")
    yield lambda: studio().sheet.job and studio().sheet.job.progress.fraction > 0
    yield lambda: studio().sheet.canvas.previewing
    screenshot("progress")
    job = studio().sheet.job.call.job
    press("cancel")
    yield idle
    assert studio().current_notice is None, studio().current_notice
    told = {}
    studio().link.ask("job.show", {"job": job}, told.update)
    yield lambda: told
    assert told["summary"]["state"] == "cancelled", told
    yield 0.3
    assert names(document) == layers
    assert pixels(document) == before
    assert not studio().sheet.choices
    set_up()
    press("generate")
    yield lambda: studio().sheet.job
    yield idle
    assert len(studio().sheet.choices) == 1


def daemon_killed():
    """The daemon dies in the middle: it starts again, and the same job goes on."""
    document = opened()
    yield 0.3
    layers = names(document)
    told = {}
    studio().link.ask("status", {}, told.update)
    yield lambda: told
    set_up(candidates=4)
    press("generate")
    yield lambda: studio().sheet.job and studio().sheet.job.progress.fraction > 0.05
    job = studio().sheet.job.call.job
    os.kill(told["pid"], signal.SIGKILL)
    yield lambda: studio().link.state != "connected"
    words = [studio().sheet.job.progress.words]
    screenshot("daemon-killed")
    yield lambda: studio().link.state == "connected"
    words.append(studio().sheet.job.progress.words)
    yield idle
    sheet = studio().sheet
    assert sheet.notice is None, sheet.notice
    assert len(sheet.choices) == 4
    assert sheet.choices[0].entry.job == job, "the same job, not another"
    assert "daemon" in words[0].lower(), words
    again = {}
    studio().link.ask("status", {}, again.update)
    yield lambda: again
    assert again["pid"] != told["pid"]
    press("apply")
    yield lambda: len(names(document)) > len(layers)
    return {"words": words}


def daemon_gone():
    """The daemon dies and cannot start: a sentence with a button; the button works."""
    opened()
    yield 0.3
    told = {}
    studio().link.ask("status", {}, told.update)
    yield lambda: told
    set_up(candidates=4)
    program = os.environ["FRAMEWRIGHT_DAEMON"]
    os.environ["FRAMEWRIGHT_DAEMON"] = "/nonexistent/framewrightd"
    press("generate")
    yield lambda: studio().sheet.job and studio().sheet.job.progress.fraction > 0.05
    job = studio().sheet.job.call.job
    os.kill(told["pid"], signal.SIGKILL)
    yield idle
    yield 0.3
    shown = panel().notice.remedy
    screenshot("daemon-gone")
    os.environ["FRAMEWRIGHT_DAEMON"] = program
    assert shown is not None and "framewrightd" in shown.message, shown
    assert shown.fix == "locate", shown
    # The other button: the request once more.
    studio().retry()
    yield lambda: studio().sheet.job
    yield idle
    assert len(studio().sheet.choices) == 4, studio().sheet.notice
    jobs = {}
    studio().link.ask("job.list", {}, jobs.update)
    yield lambda: jobs
    assert jobs["jobs"][0]["job"] == job, "the daemon had the job still, and made it once"
    return {"message": shown.message, "hint": shown.hint}


def two_documents():
    """Two documents with a job each: each gets its own, and cancelling one leaves the other."""
    first = opened()
    yield 0.2
    second = application().createDocument(128, 128, "second", "RGBA", "U8", "", 72.0)
    set_up(candidates=16)
    press("generate")
    yield lambda: studio().sheet.job and studio().sheet.job.call
    one = studio().sheet
    show(second)
    yield lambda: studio().sheet is not one
    two = studio().sheet
    assert not studio().busy
    set_up(candidates=2, seed=11)
    press("generate")
    yield lambda: two.job and two.job.call
    assert one.job is not None and two.job is not None
    screenshot("two-documents")
    show_again(first)
    yield lambda: studio().sheet is one
    press("cancel")
    yield lambda: one.job is None
    assert not one.choices
    yield lambda: two.job is None and (two.tried or two.notice)
    assert two.tried, two.notice
    yield 0.3
    assert [choice.seed for choice in two.choices] == [11, 12], two.notice
    assert "Framewright preview" not in names(first)
    assert "Framewright preview" in names(second)


def kept_history():
    """What was made is there again when the document is opened again, with its pictures."""
    path = str(OUT / "history.kra")
    document = opened()
    yield 0.3
    set_up(candidates=2)
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    press("apply")
    yield lambda: studio().sheet.choices[0].applied
    yield 0.3
    made = pixels(document)
    blobs = [choice.blob for choice in studio().sheet.choices]
    document.setBatchmode(True)
    assert document.saveAs(path)
    document.waitForDone()
    document.setModified(False)
    document.close()
    yield 0.3
    gallery = studio().gallery
    gallery.__init__(studio().link)
    again = application().openDocument(path)
    show(again)
    yield lambda: studio().sheet and studio().sheet.choices
    choices = studio().sheet.choices
    assert [choice.blob for choice in choices] == blobs
    assert choices[0].applied and not choices[1].applied
    assert choices[0].entry.settings.prompt == PROMPT
    yield lambda: all(gallery.thumbnail(blob) for blob in blobs)
    yield 0.3
    assert pixels(again) == made
    screenshot("history")
    studio().try_on(studio().sheet, choices[1])
    yield lambda: studio().sheet.tried
    press("apply")
    yield lambda: studio().sheet.choices[1].applied
    return {"layers": names(again)}


def character_replaced_by_click():
    """A click selects the person, another press a part; a character is painted in their place."""
    document = application().openDocument(str(SCENE / "0000.png"))
    show(document)
    person = opaque(QtGui.QImage(str(SCENE / "masks" / "0000-person-0.png")))
    yield 0.3

    def selection():
        told = document.selection()
        data = bytes(told.pixelData(0, 0, document.width(), document.height()).data())
        return {at for at, value in enumerate(data) if value > 127}

    def alike(one, other):
        return len(one & other) / len(one | other)

    click = Selection()
    x, y = next((at % 256, at // 256) for at in sorted(person) if at // 256 == 150)
    click.select(x + 20, y, 2, 2, 255)
    document.setSelection(click)
    set_up(model="sketch")
    press("select")
    yield lambda: studio().sheet.meant.masks and idle()
    first = selection()
    yield 0.5
    screenshot("selected-by-click")
    guesses = [first]
    for _ in studio().sheet.meant.masks[1:]:
        press("select")
        yield 0.2
        guesses.append(selection())
    assert len({len(guess) for guess in guesses}) == len(guesses) > 1, "each is another thing"
    best = max(alike(guess, person) for guess in guesses)
    assert best > 0.7, best
    # Once around: the likeliest again.
    press("select")
    yield 0.2
    assert selection() == first
    before, layers = pixels(document), names(document)
    set_up(model="sketch", prompt="medium shot of a woman in an abandoned house")
    studio().replace_character("jiyeonmun")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    assert "jiyeonmun" in studio().sheet.choices[0].entry.settings.prompt
    press("apply")
    yield lambda: len(names(document)) > len(layers)
    yield 0.3
    after = pixels(document)
    bytes_of = [slice(4 * at, 4 * at + 4) for at in range(256 * 256)]
    changed = {at for at, place in enumerate(bytes_of) if after[place] != before[place]}
    assert len(changed & first) > 0.5 * len(first), (len(changed & first), len(first))
    # The selection is grown before it is drawn, and its edge is soft.
    far = {at for at in changed if not around(at, first, 24)}
    assert not far, len(far)
    screenshot("character-replaced")
    return {"overlap": best, "guesses": [len(guess) for guess in guesses]}


def opaque(image):
    """The pixels of a mask that are inside, by their number."""
    grey = image.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    size = range(grey.width() * grey.height())
    return {at for at in size if grey.pixel(at % grey.width(), at // grey.width()) & 255 > 127}


def around(at, places, reach):
    """Whether a pixel of a picture 256 wide lies within `reach` of others."""
    x, y = at % 256, at // 256
    steps = range(-reach, reach + 1, 4)
    return any((y + dy) * 256 + x + dx in places for dy in steps for dx in steps)


def refused_colours():
    """Grayscale, CMYK and floating point are told what to do."""
    said = {}
    for model, depth in (("GRAYA", "U8"), ("CMYKA", "U8"), ("RGBA", "F16")):
        document = application().createDocument(64, 64, "x", model, depth, "", 72.0)
        show(document)
        yield 0.2
        set_up()
        press("generate")
        yield 0.2
        said[model + depth] = panel().notice.remedy.message
        assert "Convert Image Color Space" in said[model + depth]
        assert not studio().busy
        document.setModified(False)
        document.close()
        yield 0.2
    return said


class Gaps:
    """The longest time that the event loop did not come round."""

    def __init__(self):
        self.longest = 0.0
        self.last = time.monotonic()
        self.timer = QtCore.QTimer()
        self.timer.timeout.connect(self.tick)
        self.timer.start(5)

    def tick(self):
        now = time.monotonic()
        self.longest = max(self.longest, now - self.last)
        self.last = now

    def restart(self):
        self.longest, self.last = 0.0, time.monotonic()


def latency():
    """How long the window hangs at most while a frame of 1024² is read, made, tried, applied."""
    document = application().createDocument(1024, 1024, "large", "RGBA", "U8", "", 72.0)
    show(document)
    yield 2.0
    gaps = Gaps()
    yield 2.0
    idle_gap = gaps.longest
    gaps.restart()
    set_up(strength=0.7, candidates=2)
    press("generate")
    yield lambda: studio().sheet.job
    yield lambda: idle() and studio().sheet.tried
    yield 0.5
    working = gaps.longest
    gaps.restart()
    press("apply")
    yield lambda: studio().sheet.choices[0].applied
    yield 0.5
    return {"idle": idle_gap, "working": working, "applying": gaps.longest}
