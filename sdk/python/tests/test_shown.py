"""What applications show alike: sizes that models work at, words for progress, boards."""

import pytest
from framewright import Board, Event, Progress, WorkingSize
from framewright.methods import may_be_asked_again
from framewright.results import ModelReport, decode
from hypothesis import given
from hypothesis import strategies as st

sizes = st.sampled_from([WorkingSize(), WorkingSize(128, 128, 32), WorkingSize(768, 512, 64)])
sides = st.integers(1, 8192)


@given(sides, sides, sizes)
def test_frames_are_made_at_a_size_that_the_model_makes_well(wide, high, size):
    width, height = size.fitting(wide, high)
    assert width % size.multiple == height % size.multiple == 0
    assert 0 < width <= 2048 and 0 < height <= 2048
    if 0.5 <= wide / high <= 2:
        assert 0.5 <= width * height / (size.width * size.height) <= 2.25 * 1.6


@given(sides, sides, sizes)
def test_a_frame_in_two_passes_is_twice_as_large_within_what_the_daemon_makes(wide, high, size):
    width, height = size.fitting(wide, high, hires=True)
    single = size.fitting(wide, high)
    # The first pass, too, has a size that the model takes.
    assert width % (2 * size.multiple) == height % (2 * size.multiple) == 0
    assert 0 < width <= 2048 and 0 < height <= 2048
    if max(single) <= 1024:
        assert (width, height) == (2 * single[0], 2 * single[1])
    else:
        assert max(width, height) > 2048 - 2 * size.multiple, "as large as can be"


@pytest.mark.parametrize(
    ("canvas", "size", "made"),
    [
        ((512, 512), WorkingSize(), (1024, 1024)),
        ((1024, 1024), WorkingSize(multiple=8), (1536, 1536)),
        # CinemaScope of full HD: one pass would be 1184 wide, and twice that is too much.
        ((1920, 804), WorkingSize(multiple=8), (2048, 864)),
        ((4000, 100), WorkingSize(multiple=8), (2048, 48)),
    ],
)
def test_a_wide_frame_in_two_passes_keeps_its_shape(canvas, size, made):
    assert size.fitting(*canvas, hires=True) == made


def test_a_models_size_is_what_its_report_says():
    model = {"name": "m", "default": True, "source": "file"}
    told = {"size": {"width": 128, "height": 96, "multiple": 32}}
    report = decode(ModelReport, {"model": model, "report": told})
    assert WorkingSize.of(report) == WorkingSize(128, 96, 32)


@pytest.mark.parametrize(
    ("event", "fraction", "words"),
    [
        (Event("job.queued", 1, {"ahead": 2}), 0, "Waiting for 2 jobs"),
        (Event("job.started", 1, {"model": "sketch"}), 0, "Loading sketch"),
        (
            Event("job.progress", 1, {"candidate": 1, "candidates": 2, "step": 5, "steps": 10}),
            0.75,
            "Step 5 of 10 · candidate 2 of 2",
        ),
        (
            Event("board.progress", 1, {"done": 3, "total": 12, "frame": 0, "seconds_left": 200.0}),
            0.25,
            "Take 4 of 12 · frame 1 · 3 min left",
        ),
        (Event("board.progress", 1, {"done": 12, "total": 12}), 1, "Take 12 of 12"),
    ],
)
def test_progress_is_told_in_words(event, fraction, words):
    progress = Progress()
    progress.take(event)
    assert (progress.fraction, progress.words) == (fraction, words)


def board(**frame):
    takes = [
        {"take": at, "seed": at, "image": f"takes/{at}.png", "hash": "0", "present": at < 3}
        | {"picked": at == frame.get("picked")}
        for at in (1, 2, 3)
    ]
    held = {"id": "f0", "prompt": "p", "seed": 1, "duration": 2, "takes": takes, **frame}
    told = {"path": "/boards/letter", "scene": "s", "candidates": 4, "fps": 24, "frames": [held]}
    return decode(Board, {**told, "missing": 2, "drawing": False, "revision": "r", "notices": []})


def test_a_board_tells_what_stands_for_a_frame():
    first = board().frames[0]
    assert first.shown_take.take == 1, "the first that is there"
    assert board(picked=2, pick="takes/2.png").frames[0].shown_take.take == 2
    assert board(pick="mine.png").frames[0].shown_take is None, "a picture of one's own"
    assert board().missing_of(first) == 2
    assert board().frame("f1") is None and board().name == "letter"


def test_boards_can_be_asked_for_again_where_that_does_nothing_twice():
    for method in ("board.open", "board.pick", "board.render", "board.stop"):
        assert may_be_asked_again(method, {})
    for method in ("board.new", "board.add", "board.redo", "board.edit", "board.plan"):
        assert not may_be_asked_again(method, {})
