"""Orders, and the history that a document keeps."""

import json

import pytest
from framewright.settings import Settings
from framewright_krita.bounds import Bounds
from framewright_krita.history import Entry, History, Result
from framewright_krita.mask import Mask
from framewright_krita.order import Order, Task, unavailable
from framewright_krita.pixels import Pixels
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8"), max_size=30)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
settings = st.builds(
    lambda *given: Settings(*given).checked(),
    texts,
    texts,
    st.none() | st.text("abc", min_size=1),
    st.floats(0.01, 1),
    st.integers(1, 64),
    st.none() | st.integers(0, 1 << 40),
    st.sampled_from(["blur", "border", "neutral", "original", "noise"]),
    st.booleans(),
)


@st.composite
def entries(draw):
    bounds = Bounds(
        draw(st.integers(-99, 99)),
        draw(st.integers(-99, 99)),
        *draw(st.tuples(*[st.integers(1, 9)] * 2)),
    )
    mask = draw(st.none() | st.binary(min_size=bounds.area, max_size=bounds.area))
    return Entry(
        job=draw(st.text("j123", max_size=5)),
        task=draw(st.sampled_from(Task)),
        settings=draw(settings),
        seed=draw(st.integers(0, (1 << 64) - 1)),
        bounds=bounds,
        width=draw(st.integers(0, 4096)),
        height=draw(st.integers(0, 4096)),
        depth=draw(st.sampled_from(["U8", "U16"])),
        mask=None if mask is None else Mask(bounds, mask),
        results=tuple(draw(st.lists(st.builds(Result, st.integers(0, 9), hashes), max_size=3))),
        applied=tuple(draw(st.lists(st.integers(0, 2), max_size=2))),
    )


@given(st.lists(entries(), max_size=3))
def test_a_history_comes_back(held):
    assert History.from_bytes(History(list(held)).to_bytes()).entries == held


@given(st.binary(max_size=200))
def test_foreign_bytes_are_an_empty_history(data):
    assert isinstance(History.from_bytes(data).entries, list)


@given(entries(), st.data())
def test_a_broken_entry_is_left_out_and_the_others_stay(entry, data):
    held = json.loads(History([entry, entry]).to_bytes())
    key = data.draw(st.sampled_from(["job", "task", "settings", "seed", "bounds", "results"]))
    value = data.draw(st.sampled_from([None, [], {}, "x", -1, True, 1e99, [1]]))
    if data.draw(st.booleans()):
        del held["entries"][0][key]
    else:
        held["entries"][0][key] = value
    read = History.from_bytes(json.dumps(held).encode())
    assert entry in read.entries and len(read.entries) <= 2


@pytest.mark.parametrize("value", [None, 1, "True", []])
def test_an_entry_of_before_two_passes_was_drawn_in_one(value):
    place = Bounds(0, 0, 2, 2)
    entry = Entry("j", Task.GENERATE, Settings("x", hires=True), 1, place, 8, 8)
    held = json.loads(History([entry, entry]).to_bytes())
    del held["entries"][0]["settings"]["hires"]
    held["entries"][1]["settings"]["hires"] = value
    read = History.from_bytes(json.dumps(held).encode())
    assert [other.settings for other in read.entries] == [Settings("x", hires=False)] * 2


def test_a_mask_that_unpacks_to_more_is_not_unpacked():
    import base64
    import zlib

    place = Bounds(0, 0, 2, 2)
    entry = Entry("j", Task.GENERATE, Settings("x"), 1, place, 8, 8, mask=Mask(place, bytes(4)))
    held = json.loads(History([entry]).to_bytes())
    bomb = zlib.compress(bytes(100_000_000))
    held["entries"][0]["mask"] = base64.b64encode(bomb).decode()
    (read,) = History.from_bytes(json.dumps(held).encode()).entries
    assert read.mask is None


def test_old_entries_go():
    history = History()
    for at in range(300):
        history.add(Entry(str(at), Task.GENERATE, Settings("x"), 1, Bounds(0, 0, 1, 1), 8, 8))
    assert [history.entries[0].job, history.entries[-1].job] == ["100", "299"]
    assert next(history.newest_first()).job == "299"


PICTURE = Pixels(Bounds(0, 0, 2, 1), "U8", bytes(8)).picture()


def order(task=Task.GENERATE, hires=False, **more):
    chosen = Settings("a fox", "legs", "tiny", 0.5, 3, None, "border", hires)
    return Order(task, chosen, 9, Bounds(1, 2, 3, 4), 64, 128, **more)


def test_a_frame_from_nothing_has_a_size_and_no_strength():
    assert order().params("k") == {
        "prompt": "a fox",
        "negative_prompt": "legs",
        "model": "tiny",
        "seed": 9,
        "candidates": 3,
        "preview_every": 1,
        "format": "bgra8",
        "priority": "interactive",
        "key": "k",
        "width": 64,
        "height": 128,
    }


def test_a_frame_from_the_canvas_says_how_far_to_go():
    params = order(image=PICTURE).params("k")
    assert params["image"] is PICTURE and params["strength"] == 0.5
    assert order(depth="U16").params("k")["format"] == "rgba16"


def test_two_passes_are_for_a_frame_from_the_prompt_alone():
    params = order(hires=True).params("k")
    assert params == order().params("k") | {"hires": {"scale": 2.0}}
    for task, more in (
        (Task.GENERATE, {"image": PICTURE}),
        (Task.INPAINT, {"image": PICTURE, "mask": PICTURE, "canvas": CANVAS}),
        (Task.REPLACE, {"image": PICTURE, "mask": PICTURE, "canvas": CANVAS}),
        (Task.OUTPAINT, {"image": PICTURE, "canvas": CANVAS, "content": Bounds(1, 1, 2, 2)}),
        (Task.SELECT, {"image": PICTURE}),
    ):
        assert order(task, True, **more).params("k") == order(task, **more).params("k"), task


CANVAS = Bounds(0, 0, 100, 50)


@pytest.mark.parametrize("task", [Task.INPAINT, Task.REPLACE])
def test_repainting_names_picture_mask_fill_and_where_it_lies(task):
    params = order(task, image=PICTURE, mask=PICTURE, canvas=CANVAS).params("k")
    assert task.method == "frame.inpaint"
    assert params["image"] is params["mask"] is PICTURE
    assert params["fill"] == "border" and params["layer"] and "width" not in params
    assert params["part"] == {"width": 100, "height": 50, "x": 1, "y": 2}
    assert params["frame"]["key"] == "k" and "key" not in params
    assert not {"width", "height", "image", "strength"} & set(params["frame"])


def test_outpainting_says_how_far_the_canvas_reaches():
    content = Bounds(10, 0, 60, 45)
    params = order(Task.OUTPAINT, image=PICTURE, canvas=CANVAS, content=content).params("k")
    assert params["extend"] == {"left": 10, "top": 0, "right": 30, "bottom": 5}
    assert "part" not in params and "mask" not in params


def test_a_small_selection_is_a_click_and_a_large_one_a_box():
    small = order(Task.SELECT, image=PICTURE, content=Bounds(10, 20, 4, 4)).params("k")
    assert small == {"image": PICTURE, "points": [{"x": 12, "y": 22}]}
    large = order(Task.SELECT, image=PICTURE, content=Bounds(10, 20, 40, 4)).params("k")
    assert large["boxes"] == [{"left": 10, "top": 20, "right": 50, "bottom": 24}]


def test_what_a_daemon_cannot_do_is_told_in_a_sentence():
    methods = frozenset({"frame.generate"})
    assert unavailable(Task.GENERATE, methods) == ""
    assert unavailable(Task.INPAINT, methods).endswith(".")
    assert unavailable(Task.SELECT, methods) and unavailable(Task.OUTPAINT, methods)
    assert unavailable(Task.INPAINT, None) == ""
    assert unavailable(Task.INPAINT, methods | {"frame.inpaint"}) == ""


def test_settings_are_kept_within_what_can_be_asked():
    held = Settings("  x ", " y ", None, 7.0, 900, None, "?").checked()
    assert held == Settings("x", "y", None, 1.0, 64, None, "blur")
