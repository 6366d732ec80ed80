"""What a painter's wish becomes on the wire, and what the answer becomes on the canvas."""

import threading

import pytest
from framewright.settings import Settings
from framewright_krita.bounds import Bounds
from framewright_krita.link import Link
from framewright_krita.mask import Mask
from framewright_krita.order import Task
from framewright_krita.sheet import Choice
from framewright_krita.studio import Studio
from paper import Desk, Paper

METHODS = (
    "frame.generate",
    "frame.inpaint",
    "inpaint.context",
    "mask.segment",
    "prompt.lint",
    "blob.get",
)
MODEL = {"name": "tiny", "default": True, "source": "folder", "width": 64, "height": 64}
REPORT = {"size": {"width": 64, "height": 64, "multiple": 8}}


class Daemon:
    """What the fake daemon answers; `frames` makes a frame's pixels from the request."""

    def __init__(self, fake, methods=METHODS):
        self.fake = fake
        self.hold = threading.Event()
        self.hold.set()
        self.colour = 0x20
        self.refusal = None
        self.requests = []
        self.more = {}
        fake.answers |= {
            "describe": self.told({"methods": [{"method": name} for name in methods]}),
            "status": self.told({"log": "/log"}),
            "model.list": self.told({"models": [MODEL], "problems": [], "folder": "/models"}),
            "model.inspect": self.told({"model": MODEL, "report": REPORT}),
            "document.list": self.told({"documents": [], "folder": "/f"}),
            "frame.generate": self.frame,
            "frame.inpaint": self.inpaint,
            "inpaint.context": self.context,
            "mask.segment": self.segment,
            "job.cancel": self.cancel,
        }

    @staticmethod
    def told(result):
        return lambda guest, id, params: guest.result(id, result)

    def frame(self, guest, id, params):
        self.requests.append(id)
        guest.event("job.queued", job="j1", job_seq=1, request=id, ahead=0)
        if self.refusal is not None:
            guest.error(id, **self.refusal)
            return
        threading.Thread(target=self.make, args=(guest, id, params), daemon=True).start()

    def make(self, guest, id, params):
        guest.event(
            "job.progress",
            job="j1",
            job_seq=2,
            request=id,
            candidate=0,
            candidates=params["candidates"],
            step=1,
            steps=4,
            preview={"format": "rgba8", "width": 1, "height": 1, "data": b"\1\2\3\xff"},
        )
        if not self.hold.wait(10):
            return
        frames = [
            {"seed": params["seed"] + at, "picture": self.picture(params, at), "provenance": {}}
            for at in range(params["candidates"])
        ]
        guest.result(id, {"job": "j1", "frames": frames, "notices": [], "seconds": 0.1})

    def context(self, guest, id, params):
        """A square of 32 pixels around the selection, moved onto the canvas."""
        given = params["selection"]
        box = {"width": 32, "height": 32}
        for at, side in (("x", "width"), ("y", "height")):
            middle = given[at] + given[side] // 2
            box[at] = min(max(middle - 16, 0), params[side] - 32)
        guest.result(id, {"context": box, "working_width": 64, "working_height": 64})

    def inpaint(self, guest, id, params):
        """The drawing alone, in the selection's or the extension's place."""
        image, part = params["image"], params.get("part")
        extend = params.get("extend", {})
        width = image["width"] + extend.get("left", 0) + extend.get("right", 0)
        height = image["height"] + extend.get("top", 0) + extend.get("bottom", 0)
        drawn = bytearray(4 * width * height)
        for y in range(height):
            for x in range(width):
                if "mask" in params:
                    new = params["mask"]["data"][4 * (y * width + x)]
                else:
                    left, top = extend["left"], extend["top"]
                    kept = left <= x < left + image["width"] and top <= y < top + image["height"]
                    new = 0 if kept else 255
                if new:
                    drawn[4 * (y * width + x) : 4 * (y * width + x) + 4] = bytes([9, 8, 7, new])
        place = {"x": 0, "y": 0, "width": width, "height": height}
        if part is not None:
            place |= {"x": part["x"], "y": part["y"]}
        picture = {"format": "bgra8", "width": width, "height": height, "data": bytes(drawn)}
        frame = {"seed": 5, "picture": picture | {"blob": "0" * 64}, "provenance": {}}
        told = {"job": "j1", "frames": [frame], "place": place, "context": place}
        guest.result(id, told | {"notices": [], "seconds": 0.1, **self.more})

    def segment(self, guest, id, params):
        from framewright_krita.qt import QtCore, QtGui

        candidates = []
        # The same thing twice is one guess.
        for right in (40, 50, 40):
            image = QtGui.QImage(96, 64, QtGui.QImage.Format.Format_Grayscale8)
            image.fill(0)
            for x in range(30, right):
                image.setPixel(x, 20, 0xFFFFFFFF)
            buffer = QtCore.QBuffer()
            buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
            image.save(buffer, "PNG")
            data = bytes(buffer.data().data())
            mask = {"format": "png", "width": 96, "height": 64, "data": data}
            candidates.append({"mask": mask, "score": 0.9})
        guest.result(id, {"candidates": candidates, "model": "sketch"})

    def picture(self, params, at):
        width, height = params["width"], params["height"]
        pixels = bytes([self.colour, 1, 2, 0xFF]) * (width * height)
        return {
            "format": params["format"],
            "width": width,
            "height": height,
            "data": pixels,
            "blob": f"{at:064x}",
        }

    def cancel(self, guest, id, params):
        guest.result(id, {"was_running": True})
        guest.error(self.requests[-1], "cancelled", "the job was cancelled")


@pytest.fixture
def daemon(fake):
    return Daemon(fake)


@pytest.fixture
def paper():
    return Paper()


@pytest.fixture
def desk(paper):
    return Desk(paper)


@pytest.fixture
def studio(daemon, link, desk, until):
    studio = Studio(link, desk)
    studio.settings = Settings("close up of a man", candidates=2, seed=5)
    link.watch()
    until(lambda: studio.library.methods and studio.library.view.models)
    return studio


def finish(studio, until):
    until(lambda: not studio.busy)
    assert studio.current_notice is None, studio.current_notice


def test_a_frame_from_nothing_reads_nothing(studio, paper, fake, until):
    studio.run(Task.GENERATE)
    finish(studio, until)
    (params,) = fake.params("frame.generate")
    assert params["prompt"] == "close up of a man" and params["seed"] == 5
    assert params["width"] % 8 == params["height"] % 8 == 0
    assert paper.reads == 0 and "image" not in params
    until(lambda: studio.sheet.tried)
    assert paper.preview.bounds == paper.bounds
    studio.apply()
    (layer,) = paper.layers
    assert layer[0] == "close up of a man (5)"
    assert layer[1].bounds == paper.bounds
    assert layer[1].data[:4] == bytes([0x20, 1, 2, 0xFF])
    assert paper.preview is None
    assert studio.sheet.choices[0].applied and not studio.sheet.choices[1].applied


def test_two_passes_make_a_frame_of_twice_the_size_in_the_same_place(studio, paper, fake, until):
    paper.selection = Mask(Bounds(10, 20, 30, 16), bytes([255]) * 480)
    for hires in (False, True):
        studio.settings = Settings("x", candidates=1, seed=1, hires=hires)
        studio.run(Task.GENERATE)
        finish(studio, until)
    studio.again()
    finish(studio, until)
    single, double, again = fake.params("frame.generate")
    assert "hires" not in single and double["hires"] == {"scale": 2.0}
    assert (double["width"], double["height"]) == (2 * single["width"], 2 * single["height"])
    assert again["hires"] == double["hires"] and again["width"] == double["width"]
    entry = next(studio.sheet.history.newest_first())
    assert (entry.width, entry.height) == (double["width"], double["height"])
    studio.apply(studio.sheet.choices[0])
    until(lambda: paper.layers)
    ((_, pixels, _),) = paper.layers
    assert pixels.bounds == Bounds(10, 20, 30, 16) and set(pixels.alpha) == {255}


def test_two_passes_are_not_for_what_starts_from_the_canvas(studio, paper, fake, until):
    paper.selection = Mask(Bounds(40, 24, 12, 10), bytes([255]) * 120)
    for hires in (False, True):
        studio.settings = Settings("x", strength=0.4, candidates=1, seed=1, hires=hires)
        for task in (Task.GENERATE, Task.INPAINT):
            studio.run(task)
            finish(studio, until)
    for method in ("frame.generate", "frame.inpaint"):
        without, ticked = map(dict, fake.params(method))
        for params in (without, ticked):
            params.get("frame", params).pop("key")
        assert without == ticked


def test_below_full_strength_the_canvas_is_sent(studio, paper, fake, until):
    studio.settings = Settings("x", strength=0.4, candidates=1, seed=1)
    studio.run(Task.GENERATE)
    finish(studio, until)
    (params,) = fake.params("frame.generate")
    image = params["image"]
    assert (image["width"], image["height"]) == (params["width"], params["height"])
    assert image["format"] == "bgra8" and set(image["data"]) == {0x80, 0xFF}
    assert params["strength"] == pytest.approx(0.4)


def test_a_frame_in_a_soft_selection_is_seen_through_it(studio, paper, until):
    place = Bounds(10, 20, 30, 16)
    soft = bytes(at % 256 or 1 for at in range(place.area))
    paper.selection = Mask(place, soft)
    studio.run(Task.GENERATE)
    finish(studio, until)
    studio.apply()
    ((_, pixels, _),) = paper.layers
    assert pixels.bounds == place and pixels.alpha == soft


def test_a_selection_outside_is_told(studio, paper):
    paper.selection = Mask(Bounds(0, 0, 0, 0), b"")
    studio.run(Task.GENERATE)
    assert "outside" in studio.current_notice.message
    assert not studio.busy


def seen(pixels):
    """Where a layer can be seen, as a set of places on the canvas, and how much."""
    bounds = pixels.bounds
    return {
        (bounds.x + at % bounds.width, bounds.y + at // bounds.width): alpha
        for at, alpha in enumerate(pixels.alpha)
        if alpha
    }


@pytest.mark.parametrize("place", [Bounds(40, 24, 12, 10), Bounds(90, 60, 6, 4)])
def test_inpainting_sends_what_the_model_must_see_and_puts_the_drawing_in_place(
    studio, paper, fake, until, place
):
    soft = bytes(100 + at for at in range(place.area))
    paper.selection = Mask(place, soft)
    studio.run(Task.INPAINT)
    finish(studio, until)
    (asked,) = fake.params("inpaint.context")
    assert asked["selection"] == {"x": place.x, "y": place.y} | {
        "width": place.width,
        "height": place.height,
    }
    (params,) = fake.params("frame.inpaint")
    image, mask, part = params["image"], params["mask"], params["part"]
    assert (image["width"], image["height"]) == (32, 32) == (mask["width"], mask["height"])
    assert (part["width"], part["height"]) == (96, 64)
    assert params["fill"] == "blur" and params["strength"] == 1.0 and params["layer"]
    assert params["frame"]["prompt"] == "close up of a man"
    studio.apply()
    ((_, pixels, _),) = paper.layers
    expected = {
        (place.x + at % place.width, place.y + at // place.width): value
        for at, value in enumerate(soft)
    }
    assert seen(pixels) == expected
    assert pixels.data[3::4].count(0) == 32 * 32 - place.area


def test_advice_about_a_small_selection_is_shown(studio, daemon, paper, until):
    daemon.more = {"region_small": {"message": "the selection is small; grow it", "grow": 9}}
    paper.selection = Mask(Bounds(40, 24, 2, 2), bytes([255]) * 4)
    studio.run(Task.INPAINT)
    until(lambda: not studio.busy)
    assert studio.current_notice.message == "The selection is small; grow it."


def test_another_character_takes_the_place_in_the_selection(studio, paper, fake, until):
    paper.selection = Mask(Bounds(42, 24, 12, 10), bytes([255]) * 120)
    fake.answers["prompt.recast"] = lambda guest, id, params: guest.result(
        id, {"prompt": "close up of jiyeonmun woman", "replaced": "a man"}
    )
    studio.replace_character("jiyeonmun")
    until(lambda: fake.params("frame.inpaint"))
    finish(studio, until)
    (asked,) = fake.params("prompt.recast")
    assert asked == {"prompt": "close up of a man", "character": "jiyeonmun", "at": 0.5}
    (params,) = fake.params("frame.inpaint")
    assert params["frame"]["prompt"] == "close up of jiyeonmun woman"
    assert studio.settings.prompt == "close up of a man"


def test_a_character_who_is_not_there_takes_no_place(studio, paper, fake, until):
    studio.replace_character("jiyeonmun")
    assert "Nothing is selected" in studio.current_notice.message
    paper.selection = Mask(Bounds(42, 24, 12, 10), bytes([255]) * 120)
    fake.answers["prompt.recast"] = lambda guest, id, params: guest.error(
        id, "not_found", "no such character", hint="look at the list"
    )
    studio.dismiss_notice()
    studio.replace_character("nobody")
    until(lambda: studio.current_notice is not None)
    assert "No such character" in studio.current_notice.message
    assert not fake.params("frame.inpaint")


def test_what_a_click_means_becomes_the_selection(studio, paper, fake, until):
    paper.selection = Mask(Bounds(34, 20, 2, 2), bytes([255]) * 4)
    studio.run(Task.SELECT)
    until(lambda: not studio.busy)
    (params,) = fake.params("mask.segment")
    assert params["points"] == [{"x": 35, "y": 21}]
    assert (params["image"]["width"], params["image"]["height"]) == (96, 64)
    assert paper.selection.covered() == Bounds(30, 20, 10, 1)
    assert not studio.sheet.choices
    assert "guess 1 of 2" in studio.current_notice.message


def test_selecting_once_more_steps_through_the_guesses(studio, paper, fake, until):
    paper.selection = Mask(Bounds(34, 20, 2, 2), bytes([255]) * 4)
    studio.run(Task.SELECT)
    until(lambda: not studio.busy)
    for at, width in ((2, 20), (1, 10), (2, 20)):
        # A document tells its selection over the whole canvas.
        paper.selection = paper.selection.on(paper.bounds)
        studio.run(Task.SELECT)
        assert paper.selection.covered() == Bounds(30, 20, width, 1)
        assert f"guess {at} of 2" in studio.current_notice.message
    assert len(fake.params("mask.segment")) == 1, "nothing new was asked"
    # Another selection is another click.
    paper.selection = Mask(Bounds(10, 10, 2, 2), bytes([255]) * 4)
    studio.run(Task.SELECT)
    until(lambda: not studio.busy)
    assert len(fake.params("mask.segment")) == 2
    assert "guess 1 of 2" in studio.current_notice.message


def test_nothing_selected_and_nothing_empty_are_told(studio, until):
    studio.run(Task.INPAINT)
    assert "Nothing is selected" in studio.current_notice.message
    studio.run(Task.OUTPAINT)
    until(lambda: not studio.busy)
    assert "Nothing at the borders of this canvas is empty" in studio.current_notice.message
    assert "Resize Canvas" in studio.current_notice.hint


def test_outpainting_extends_what_is_there_to_the_canvas(studio, paper, fake, until):
    data = bytearray(paper.picture.data)
    data[3::4] = bytes([255 if 8 <= at % 96 < 48 else 0 for at in range(96 * 64)])
    paper.picture = type(paper.picture)(paper.bounds, "U8", bytes(data))
    studio.run(Task.OUTPAINT)
    finish(studio, until)
    (params,) = fake.params("frame.inpaint")
    assert (params["image"]["width"], params["image"]["height"]) == (40, 64)
    assert params["extend"] == {"left": 8, "top": 0, "right": 48, "bottom": 0}
    studio.apply()
    ((_, pixels, _),) = paper.layers
    assert pixels.bounds == paper.bounds and len(seen(pixels)) == 56 * 64


def test_every_candidate_of_a_request_goes_into_a_group(studio, paper, until):
    studio.run(Task.GENERATE)
    finish(studio, until)
    studio.apply(studio.sheet.choices[1], "group")
    ((name, layers, _),) = paper.layers
    assert [title for title, _ in layers] == ["close up of a man (6)", "close up of a man (5)"]
    assert name == layers[0][0]


def test_a_transparency_mask_holds_the_selection(studio, paper, until):
    place = Bounds(10, 20, 30, 16)
    paper.selection = Mask(place, bytes([200]) * place.area)
    studio.run(Task.GENERATE)
    finish(studio, until)
    studio.apply(how="mask")
    ((_, pixels, mask),) = paper.layers
    assert set(pixels.alpha) == {255} and mask == paper.selection


def test_documents_of_16_bits_get_16_bits(link, daemon, until, fake):
    paper = Paper(depth="U16")
    studio = Studio(link, Desk(paper))
    studio.settings = Settings("x", candidates=1, seed=1, strength=0.5)
    wide = b"\x01\x02\x03\x04\x05\x06\xff\xff"
    daemon.picture = lambda params, at: {
        "format": "rgba16",
        "width": params["width"],
        "height": params["height"],
        "data": wide * (params["width"] * params["height"]),
        "blob": "0" * 64,
    }
    studio.run(Task.GENERATE)
    until(lambda: paper.preview is not None and not studio.busy)
    (params,) = fake.params("frame.generate")
    assert params["format"] == params["image"]["format"] == "rgba16"
    assert paper.preview.depth == "U16"
    assert paper.preview.data[:8] == b"\x05\x06\x03\x04\x01\x02\xff\xff"


def test_what_the_daemon_cannot_do_is_told_and_not_asked(fake, link, desk, until):
    Daemon(fake, methods=("frame.generate",))
    studio = Studio(link, desk)
    studio.settings = Settings("x")
    link.watch()
    until(lambda: studio.library.methods)
    for task in (Task.INPAINT, Task.OUTPAINT, Task.REPLACE, Task.SELECT):
        assert studio.unavailable(task)
        studio.run(task)
        assert "update Framewright" in studio.current_notice.message
    assert studio.unavailable(Task.GENERATE) == ""
    assert not fake.params("frame.inpaint")


def test_an_empty_prompt_and_no_document_are_told(studio, desk):
    studio.settings = Settings("  ")
    studio.run(Task.GENERATE)
    assert "prompt is empty" in studio.current_notice.message
    desk.papers.clear()
    studio.run(Task.GENERATE)
    assert "No document is open" in studio.current_notice.message


def test_colours_that_cannot_be_painted_in_are_told(studio, paper):
    paper.trouble = "This document is in CMYK."
    studio.run(Task.GENERATE)
    assert studio.current_notice.message == paper.trouble and not studio.busy


def test_a_refusal_is_shown_with_its_hint_and_can_be_tried_again(studio, daemon, until):
    daemon.refusal = {"code": "storage", "message": "the disk is full", "hint": "make room"}
    studio.run(Task.GENERATE)
    until(lambda: not studio.busy)
    notice = studio.current_notice
    assert (notice.message, notice.hint, notice.fix) == (
        "The disk is full.",
        "Make room.",
        "retry",
    )
    daemon.refusal = None
    studio.retry()
    finish(studio, until)
    assert len(studio.sheet.choices) == 2


def test_a_daemon_that_goes_away_is_asked_again_for_the_same_job(studio, daemon, fake, until):
    daemon.hold.clear()
    studio.run(Task.GENERATE)
    until(lambda: studio.sheet.job.progress.fraction > 0)
    fake.close()
    until(lambda: studio.link.state != "connected")
    assert "daemon" in studio.sheet.job.progress.words
    daemon.hold.set()
    fake.listen()
    finish(studio, until)
    first, second = fake.params("frame.generate")
    assert first["key"] == second["key"]
    assert len(studio.sheet.choices) == 2


def test_a_daemon_that_stays_away_costs_nothing_and_retry_asks_for_the_same(
    studio, daemon, fake, until
):
    daemon.hold.clear()
    studio.run(Task.GENERATE)
    until(lambda: studio.sheet.job.progress.fraction > 0)
    fake.close()
    until(lambda: not studio.busy)
    assert studio.current_notice.fix == "start"
    daemon.hold.set()
    fake.listen()
    studio.retry()
    finish(studio, until)
    keys = {params["key"] for params in fake.params("frame.generate")}
    assert len(keys) == 1 and len(studio.sheet.choices) == 2


def test_previews_and_progress_are_shown_while_a_job_runs(studio, daemon, paper, until):
    daemon.hold.clear()
    studio.run(Task.GENERATE)
    until(lambda: paper.preview is not None)
    assert studio.sheet.job.progress.fraction == pytest.approx(0.125)
    assert studio.sheet.job.progress.words == "Step 1 of 4 · candidate 1 of 2"
    assert paper.preview.bounds == paper.bounds
    assert paper.preview.data[:4] == b"\3\2\1\xff"
    studio.run(Task.GENERATE)
    assert "being made already" in studio.current_notice.message
    daemon.hold.set()
    until(lambda: not studio.busy)


def test_cancelling_names_the_job_and_leaves_no_message(studio, daemon, fake, paper, until):
    daemon.hold.clear()
    studio.run(Task.GENERATE)
    until(lambda: paper.preview is not None)
    studio.cancel()
    finish(studio, until)
    assert fake.params("job.cancel") == [{"job": "j1"}]
    assert paper.preview is None and not studio.sheet.choices and not paper.layers


def test_two_documents_have_a_job_each(studio, daemon, desk, paper, until):
    other = Paper(id="other")
    daemon.hold.clear()
    studio.run(Task.GENERATE)
    until(lambda: studio.sheet.job.call)
    desk.papers.insert(0, other)
    assert not studio.busy
    studio.run(Task.GENERATE)
    until(lambda: studio.sheet.job.call)
    daemon.hold.set()
    finish(studio, until)
    assert studio.sheet.canvas is other and len(studio.sheet.choices) == 2
    desk.papers.reverse()
    finish(studio, until)
    assert studio.sheet.canvas is paper and len(studio.sheet.choices) == 2


def test_a_document_that_is_closed_takes_its_job_with_it(studio, daemon, fake, desk, until):
    daemon.hold.clear()
    studio.run(Task.GENERATE)
    until(lambda: studio.sheet.job.call and studio.sheet.job.call.job)
    desk.papers[:] = [Paper(id="new")]
    assert studio.sheet.history.entries == []
    until(lambda: fake.params("job.cancel"))


def test_the_history_is_kept_and_its_pictures_fetched_when_it_is_opened_again(
    studio, link, paper, fake, until
):
    from framewright_krita.history import History
    from framewright_krita.scaling import _image

    studio.run(Task.GENERATE)
    finish(studio, until)
    until(lambda: paper.preview is not None)
    from framewright_krita.qt import QtCore

    buffer = QtCore.QBuffer()
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    _image(paper.preview).save(buffer, "PNG")
    png = bytes(buffer.data().data())
    half = len(png) // 2

    def blob(guest, id, params):
        at = params["offset"]
        guest.result(id, {"total": len(png), "data": png[at : at + half + 1]})

    fake.answers["blob.get"] = blob
    again = Paper(id="opened again")
    again.history = History.from_bytes(paper.kept[-1])
    later = Studio(link, Desk(again))
    later.library.methods = studio.library.methods
    (first, second) = later.sheet.choices
    assert first.entry.settings.prompt == "close up of a man"
    later.fetch_thumbnail(first)
    until(lambda: later.gallery.thumbnail(first.blob))
    later.apply(second)
    until(lambda: again.layers)
    assert again.layers[0][1].bounds == again.bounds
    assert again.layers[0][1].data == paper.preview.data


def test_a_picture_that_the_daemon_removed_is_told(studio, fake, until, paper):
    studio.run(Task.GENERATE)
    finish(studio, until)
    studio.gallery._kept.clear()
    fake.answers["blob.get"] = lambda guest, id, params: guest.error(
        id, "not_found", "there is no such blob"
    )
    studio.apply(Choice(studio.sheet.choices[1].entry, 1))
    until(lambda: studio.current_notice)
    assert "removed this picture" in studio.current_notice.message
    assert not paper.layers


def test_lint_marks_are_characters(studio, fake, until):
    finding = {"code": "S1", "severity": "hint", "start": 2, "end": 4, "reason": "why"}
    fake.answers["prompt.lint"] = lambda guest, id, params: guest.result(
        id, {"findings": [finding], "rewritten": params["prompt"]}
    )
    told = []
    studio.lint("éé x", lambda prompt, marks: told.append((prompt, marks)))
    until(lambda: told)
    ((prompt, (mark,)),) = told
    assert prompt == "éé x" and (mark.start, mark.end) == (1, 2)


def test_a_second_batch_has_another_seed(studio, fake, until):
    studio.run(Task.GENERATE)
    finish(studio, until)
    studio.again()
    finish(studio, until)
    first, second = fake.params("frame.generate")
    assert first["seed"] != second["seed"] and first["prompt"] == second["prompt"]
    assert len(studio.sheet.choices) == 4


def test_the_link_is_made_when_a_daemon_comes(link, fake, until):
    assert isinstance(link, Link)
    fake.close()
    link.watch()
    until(lambda: link.state == "offline")
    fake.listen()
    until(lambda: link.state == "connected")
    assert link.version == "0.0.0-fake"


def test_what_comes_while_a_message_is_taken_is_read_after_it(link, fake, until, application):
    count, told, results = 200, [], []

    def burst(guest, id, params):
        for at in range(count):
            filler = bytes(3000)
            guest.event("job.progress", job="j1", job_seq=at, request=id, at=at, filler=filler)
        guest.result(id, {"done": True})

    def taken(event):
        told.append(event.fields["at"])
        # As Krita does when a layer is put in or taken away.
        application.processEvents()

    fake.answers["status"] = burst
    link.watch()
    until(lambda: link.state == "connected")
    link.ask("status", {}, results.append, None, taken)
    until(lambda: results)
    assert told == list(range(count))
    assert link.state == "connected"
