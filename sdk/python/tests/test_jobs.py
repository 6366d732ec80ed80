"""Jobs that outlive their client, and blobs, with the real daemon."""

import os
import signal
import threading
import time

import pytest
from fake_daemon import within
from framewright import Background, Client, ConnectOptions, Home, Picture, RequestError
from framewright.client import BLOB_CHUNK

# Guidance of 1 takes one pass a step instead of two.
SMALL = {
    "width": 64,
    "height": 64,
    "steps": 2,
    "seed": 7,
    "guidance_scale": 1,
    "format": "rgba8",
}
# Long enough that something can happen in the middle of it.
LONG = {**SMALL, "steps": 16}


@pytest.fixture
def client(daemon):
    with Client.connect("test 1", **daemon) as client:
        yield client


@pytest.fixture
def other(client, daemon):
    """After `client`, so that it does not start a daemon of its own."""
    with Client.connect("test 2", **daemon) as other:
        yield other


def pixels(generated):
    return [bytes(frame.picture.data) for frame in generated.frames]


def wait_for_progress(client, job):
    """Until the engine is at work on a job."""

    def working():
        return any(event["event"] == "job.progress" for event in client.job_events(job).events)

    assert within(60, working)


# Keys


def test_the_same_key_is_the_same_job(client, other):
    results = []
    ask = threading.Thread(target=lambda: results.append(other.generate("a fox", key="k", **LONG)))
    call = client.begin("frame.generate", {"prompt": "a fox", "key": "k", **LONG})
    for event in call.events(60):
        if event.name == "job.progress":
            break
    ask.start()
    first = call.answer(120)
    ask.join(120)
    (second,) = results
    assert first["job"] == second.job
    assert [bytes(frame["picture"]["data"]) for frame in first["frames"]] == pixels(second)
    third = client.generate("a fox", key="k", **LONG)
    assert third.job == second.job and pixels(third) == pixels(second)
    assert len(client.job_list().jobs) == 1


def test_a_key_that_was_used_for_something_else_is_refused(client):
    client.generate("a fox", key="k", **SMALL)
    with pytest.raises(RequestError) as caught:
        client.generate("a hen", key="k", **SMALL)
    assert caught.value.code == "conflict"


def test_a_keyed_job_outlives_its_connection_and_another_does_not(client, other):
    mine = client.begin("frame.generate", {"prompt": "a fox", **LONG})
    kept = client.begin("frame.generate", {"prompt": "a hen", "key": "k", **LONG})
    assert within(30, lambda: mine.job and kept.job)
    client.close()
    assert within(30, lambda: other.job_show(str(mine.job)).summary.state == "cancelled")
    outcome = other.job_wait(str(kept.job), timeout=120)
    assert outcome.state == "done"
    assert pixels(outcome.generated()) == pixels(other.generate("a hen", key="k", **LONG))


def test_a_killed_daemon_goes_on_with_the_same_job_to_the_same_pixels(daemon):
    with Client.connect("test 1", **daemon) as client:
        expected = pixels(client.generate("a fox", **LONG))
        pid = client.status().pid
    options = ConnectOptions("test 1", home=Home.under(daemon["home"]), program=daemon["program"])
    background = Background(options)
    events = []
    ticket = background.generate("a fox", on_event=events.append, **LONG)

    def working():
        background.pump()
        return any(event.name == "job.progress" for event in events)

    assert within(60, working)
    job = ticket.job
    os.kill(pid, signal.SIGKILL)
    assert background.wait(ticket, 120)
    assert ticket.error is None and ticket.result is not None
    assert ticket.job == job == ticket.result.job
    assert pixels(ticket.result) == expected
    background.close()


# The queue


def test_a_submitted_job_is_waited_for_by_whom_it_may_concern(client, other):
    ticket = client.job_submit("frame.generate", {"prompt": "a fox", **SMALL}, key="k")
    assert ticket.state in ("queued", "running") and not ticket.existing
    client.close()
    outcome = other.job_wait(ticket.job, format="bgra8", timeout=60)
    assert outcome.state == "done"
    frame = outcome.generated().frames[0].picture
    assert frame.format == "bgra8"
    assert frame.swapped().data == other.generate("a fox", **SMALL).frames[0].picture.data
    again = other.job_submit("frame.generate", {"prompt": "a fox", **SMALL}, key="k")
    assert (again.job, again.state, again.existing) == (ticket.job, "done", True)


def test_a_job_that_failed_raises_its_error(client):
    ticket = client.job_submit("frame.generate", {"prompt": "a fox", **LONG})
    client.cancel(ticket.job)
    outcome = client.job_wait(ticket.job, timeout=60)
    assert outcome.state == "cancelled"
    with pytest.raises(RequestError):
        outcome.generated()


def test_what_is_asked_for_is_checked_before_it_is_taken(client):
    with pytest.raises(RequestError) as caught:
        client.job_submit("frame.generate", {"prompt": ""})
    assert caught.value.code == "invalid_params"
    with pytest.raises(RequestError):
        client.job_submit("ping", {})
    with pytest.raises(RequestError) as caught:
        client.job_wait("987654", timeout=10)
    assert caught.value.code == "not_found"


def test_a_more_urgent_job_goes_first_and_changes_nothing(client):
    expected = pixels(client.generate("a fox", **LONG))
    batch = client.job_submit("frame.generate", {"prompt": "a fox", **LONG}, priority="batch")
    wait_for_progress(client, batch.job)
    urgent = client.generate("a hen", **SMALL)
    assert client.job_show(batch.job).summary.state == "running"
    assert pixels(client.job_wait(batch.job, timeout=120).generated()) == expected
    names = [event["event"] for event in client.job_events(batch.job).events]
    assert names.count("job.suspended") == names.count("job.resumed") == 1
    assert client.job_show(urgent.job).summary.priority == "interactive"


def test_jobs_are_listed_shown_made_again_and_forgotten(client):
    made = client.generate("a fox in the snow", **SMALL)
    (summary,) = client.job_list().jobs
    assert summary.job == made.job and summary.method == "frame.generate"
    assert summary.client == "test 1" and "a fox" in str(summary.title)
    assert summary.state == "done" and summary.priority == "interactive"
    assert summary.created <= summary.started <= summary.ended <= time.time() + 1
    details = client.job_show(made.job)
    assert details.request["prompt"] == "a fox in the snow" and details.request["seed"] == 7
    again = client.job_again(made.job)
    assert again.job != made.job and not again.existing
    outcome = client.job_wait(again.job, timeout=60)
    assert pixels(outcome.generated()) == pixels(made)
    page = client.job_list(limit=1)
    assert [job.job for job in page.jobs] == [again.job] and page.more
    rest = client.job_list(before=again.job)
    assert [job.job for job in rest.jobs] == [made.job] and not rest.more
    assert client.job_list(states=["queued"]).jobs == []
    assert client.job_prune(keep=0).jobs == 2
    assert client.job_list().jobs == []


# Events


def test_the_events_of_a_job_are_stored_and_replayed(client, other):
    made = client.generate("a fox", **SMALL)
    events = other.job_events(made.job).events
    assert [event["job_seq"] for event in events] == list(range(1, len(events) + 1))
    assert [events[0]["event"], events[1]["event"]] == ["job.queued", "job.started"]
    assert events[-1]["event"] == "job.ended" and events[-1]["state"] == "done"
    assert other.job_events(made.job, after=2).events == events[2:]
    other.job_watch(made.job, after=1)
    replayed = [other.next_event(10) for _ in events[1:]]
    assert [event.fields["job_seq"] for event in replayed if event] == [
        event["job_seq"] for event in events[1:]
    ]


def test_a_job_is_watched_from_its_beginning_to_its_end(client, other):
    ticket = client.job_submit("frame.generate", {"prompt": "a fox", **SMALL})
    other.job_watch(ticket.job)
    seen = []
    while not seen or seen[-1].name != "job.ended":
        event = other.next_event(60)
        assert event is not None
        seen.append(event)
    assert all(event.job == ticket.job for event in seen)
    numbers = [event.fields["job_seq"] for event in seen]
    assert numbers == sorted(set(numbers)) and numbers[0] == 1
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))


def test_who_subscribes_hears_of_everybody_s_jobs(client, other):
    other.subscribe("jobs")
    made = client.generate("a fox", **SMALL)
    names = []
    while not names or names[-1] != "job.ended":
        event = other.next_event(60)
        assert event is not None and event.job == made.job and event.request is None
        names.append(event.name)
    assert names[:2] == ["job.queued", "job.started"]


# Blobs


@pytest.mark.parametrize("size", [1, 1000, BLOB_CHUNK, BLOB_CHUNK + 1, 2 * BLOB_CHUNK + 7])
def test_bytes_are_kept_under_their_hash(client, other, size):
    data = os.urandom(size)
    hash = client.blob_put(data)
    assert len(hash) == 64 and int(hash, 16)
    assert other.blob_get(hash) == data
    assert other.blob_put(data) == hash


def test_a_hash_that_is_not_there_is_told(client):
    with pytest.raises(RequestError) as caught:
        client.blob_get("0" * 64)
    assert caught.value.code == "not_found"


def test_a_picture_may_be_named_by_its_hash(client):
    data = bytes(range(256)) * 64
    options = {**SMALL, "strength": 0.6}
    inline = client.generate("a fox", image=Picture.rgba8(64, 64, data), **options)
    stored = Picture("rgba8", 64, 64, blob=client.blob_put(data))
    assert pixels(client.generate("a fox", image=stored, **options)) == pixels(inline)


def test_a_frame_s_png_is_kept_under_the_hash_that_it_carries(client):
    png = client.generate("a fox", **{**SMALL, "format": "png"}).frames[0].picture
    raw = client.generate("a fox", **SMALL).frames[0].picture
    assert png.blob is not None and client.blob_get(png.blob) == png.data
    assert raw.blob is not None and Picture.png(client.blob_get(raw.blob)).width == 64
