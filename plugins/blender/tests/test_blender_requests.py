"""What an artist's wish becomes on the wire and in a .blend file, without Blender."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import patience  # noqa: F401
import pytest
from framewright import Picture
from framewright_blender.client import Settings
from framewright_blender.job import Job, Target, from_text, to_text
from framewright_blender.order import Order, Task
from framewright_blender.record import PROPERTY, Record
from framewright_blender.timing import Span, rate_parts, spans
from hypothesis import given
from hypothesis import strategies as st

REPOSITORY = Path(__file__).parents[3]
durations = st.lists(st.floats(0.01, 60), min_size=1, max_size=200)
rates = st.sampled_from([23.976, 24.0, 25.0, 29.97, 60.0])
texts = st.text(max_size=20)


@given(durations, rates, st.integers(0, 5000), st.integers(0, 48))
def test_shots_follow_each_other(lengths, rate, start, gap):
    placed = spans(lengths, rate, start, gap)
    assert placed[0].start == start
    for one, other in zip(placed, placed[1:]):
        assert other.start == one.end + gap
    assert all(span.length >= 1 for span in placed)
    if min(lengths) * rate >= 1:
        exact = start + sum(lengths) * rate + gap * (len(lengths) - 1)
        assert abs(placed[-1].end - exact) <= 1, "no rounding adds up"


def test_spans_end_where_they_should():
    assert spans([1.0, 1.5, 2.0], 24, 11) == [Span(11, 24), Span(35, 36), Span(71, 48)]


@pytest.mark.parametrize(
    ("rate", "parts"),
    [(24, (24, 1.0)), (24000 / 1001, (24, 1.001)), (29.97, (30, 1.001)), (12.5, (12, 12 / 12.5))],
)
def test_a_scene_holds_every_rate(rate, parts):
    whole, base = rate_parts(rate)
    assert (whole, base) == pytest.approx(parts)
    assert whole / base == pytest.approx(rate, abs=1e-3)


def test_a_frame_from_the_prompt():
    order = Order(Task.GENERATE, Settings("a fox", candidates=3), 7, 64, 32)
    assert Task.GENERATE.method == "frame.generate"
    assert order.params("k") == {
        "prompt": "a fox",
        "seed": 7,
        "candidates": 3,
        "format": "png",
        "priority": "interactive",
        "key": "k",
        "width": 64,
        "height": 32,
    }


def test_a_frame_from_a_picture_and_a_part_painted_anew():
    image = Picture.rgba8(1, 1, bytes(4))
    settings = Settings("a fox", "a dog", "tiny", 0.4, 2, fill="noise")
    started = Order(Task.START, settings, 1, 64, 64, image).params("k")
    assert started["image"] is image and started["strength"] == 0.4
    assert started["negative_prompt"] == "a dog" and started["model"] == "tiny"
    params = Order(Task.INPAINT, settings, 1, None, None, image, image).params("k")
    assert Task.INPAINT.method == "frame.inpaint"
    assert params["frame"]["key"] == "k" and params["fill"] == "noise"
    assert params["mask"] is image and "width" not in params["frame"]


def test_two_passes_are_for_a_frame_from_the_prompt_alone():
    image = Picture.rgba8(1, 1, bytes(4))
    for task, place in (
        (Task.GENERATE, (128, 64)),
        (Task.START, (64, 64, image)),
        (Task.INPAINT, (None, None, image, image)),
    ):
        without, ticked = (
            Order(task, Settings("a fox", hires=hires), 7, *place).params("k")
            for hires in (False, True)
        )
        more = {"hires": {"scale": 2.0}} if task is Task.GENERATE else {}
        assert ticked == without | more, task


def test_settings_stay_within_what_can_be_asked_for():
    checked = Settings("  a ", strength=0.0, candidates=500, fill="?").checked()
    assert checked == Settings("a", strength=0.01, candidates=64, fill="blur")


class Group(dict):
    """A custom property's group, as Blender gives it back."""

    def to_dict(self):
        return dict(self)


class Holder(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, Group(value))


@given(
    st.builds(
        Record,
        board=texts,
        frame=texts,
        take=st.integers(0, 99),
        seed=st.integers(0, 2**64 - 1).map(str),
        strength=st.floats(0.01, 1.0),
        hires=st.booleans(),
        candidates=st.lists(texts, max_size=5).map(tuple),
        picked=st.integers(0, 5),
    )
)
def test_a_record_comes_back(record):
    holder = Holder()
    record.keep(holder)
    assert Record.of(holder) == record
    assert all(held != "" for held in holder[PROPERTY].values()), "what is empty is left out"


def test_a_record_that_was_edited_keeps_what_is_sound():
    held = {"prompt": "a fox", "take": "two", "candidates": ["a", 3], "strength": 1, "other": []}
    assert Record.read(held) == Record(prompt="a fox", candidates=("a",), strength=1.0)
    assert Record.of({PROPERTY: 3}) is None and Record.of({}) is None


@pytest.mark.parametrize(
    ("held", "hires"),
    [({}, False), ({"hires": True}, True), ({"hires": 1}, True), ({"hires": 0}, False)]
    + [({"hires": "yes"}, False)],
)
def test_a_record_tells_how_many_passes_there_were(held, hires):
    """Older Blenders keep a yes as a number, and older records know nothing of it."""
    record = Record.read({"prompt": "a fox", **held})
    assert record.hires is hires and record.settings.hires is hires


@pytest.mark.parametrize("task", Task)
def test_the_same_again_has_as_many_passes(task):
    record = Record.made(task, Settings("a fox", hires=True), "j1").with_more(("a",), ("1",))
    assert record.hires is (task is Task.GENERATE), "no other is drawn in two"
    assert record.settings.hires is record.hires
    assert not Record.made(task, Settings("a fox"), "j1").hires


def test_more_candidates_come_behind_those_that_are_there():
    record = Record(task="generate").with_more(("a", "b"), ("1", "2"))
    assert (record.shown, record.seed) == ("a", "1")
    record = record.picking(1)
    assert (record.shown, record.seed) == ("b", "2")
    more = record.with_more(("c",), ("3",))
    assert more.candidates == ("a", "b", "c") and more.shown == "c"


def test_jobs_come_back_from_a_file():
    chosen = Settings("a fox", seed=None, hires=True)
    job = Job("a fox", Task.INPAINT, chosen, Target("image", "Scene", "01"))
    drawing = Job("Rendering", board="/boards/letter")
    (held,) = from_text(to_text([job, drawing]))
    assert (held.key, held.task, held.settings, held.target) == (
        job.key,
        job.task,
        job.settings,
        job.target,
    )
    assert to_text([drawing]) == "", "a board is drawn by whoever has it open"
    (entry,) = json.loads(to_text([job]))
    del entry["settings"]["hires"]
    (older,) = from_text(json.dumps([entry]))
    assert older.settings == replace(chosen, hires=False)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '[{"key": "k"}]', '[null, 3, {"task": "none"}]', "[" * 5000],
)
def test_jobs_that_cannot_be_read_are_left_out(text):
    assert from_text(text) == []


def test_the_zip_holds_everything_and_is_the_same_each_time(tmp_path):
    package = REPOSITORY / "plugins" / "blender" / "package"
    archives = []
    for name in ("one.zip", "two.zip"):
        subprocess.run([str(package), str(tmp_path / name)], check=True, capture_output=True)
        archives.append((tmp_path / name).read_bytes())
    assert archives[0] == archives[1]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "addons")
    folder = "framewright_blender"
    for name in (
        "__init__.py",
        "blender_manifest.toml",
        "widgets/boards.py",
        "framewright/home.py",
    ):
        assert f"{folder}/{name}" in names, name
    assert not [name for name in names if "__pycache__" in name or not name.startswith(folder)]
    # It carries its client, and needs no other.
    script = "import framewright_blender.client as held; print(held.Client.__module__)"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, sys.argv[1]); {script}"]
        + [str(tmp_path / "addons")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip() == f"{folder}.framewright.client"


def test_the_manifest_says_what_the_add_on_says():
    plugin = REPOSITORY / "plugins" / "blender" / "framewright_blender"
    manifest = (plugin / "blender_manifest.toml").read_text()
    from framewright_blender import bl_info

    version = ".".join(map(str, bl_info["version"]))
    assert f'\nversion = "{version}"\n' in manifest
    assert f'VERSION = "{version}"' in (plugin / "workplace.py").read_text()
    assert 'id = "framewright_blender"' in manifest
