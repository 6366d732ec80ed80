"""The client that waits, against a fake daemon."""

import contextlib
import gc
import struct
import threading
import time

import framewright.connection
import msgpack
import pytest
from fake_daemon import HELLO, within
from framewright import (
    AnswerError,
    Busy,
    Cancelled,
    Client,
    ConnectionLost,
    NotRunning,
    PackError,
    Picture,
    ProtocolError,
    RequestError,
    SocketTransport,
    TimedOut,
    WrongLevel,
)
from framewright.client import BLOB_CHUNK
from framewright.errors import TooLong

FRAME = {
    "seed": 7,
    "picture": {"format": "rgba8", "width": 1, "height": 1, "data": b"\1\2\3\4"},
    "provenance": {"seed": 7},
}
GENERATED = {"job": "j1", "frames": [FRAME], "notices": ["rounded"], "seconds": 0.5}


def answer_generate(guest, id, params):
    guest.event("job.queued", job="j1", request=id, ahead=0)
    guest.event("job.started", job="j1", request=id, model="sketch")
    guest.event("job.progress", job="j1", request=id, step=1, steps=2, novelty=[1])
    guest.event("job.novelty", job="j1", request=id)
    guest.result(id, {**GENERATED, "novelty": {}})


def only_queue(guest, id, params):
    guest.event("job.queued", job="j1", request=id, ahead=0)


def test_hello_names_the_client_and_the_level(fake, client):
    assert fake.asked == [("hello", {"client": "test 1", "protocol": 1})]
    assert client.hello.version == "0.0.0-fake"
    assert client.hello.limits.frame_bytes == 64 << 20


def test_a_frame_is_generated(fake, client):
    fake.answers["frame.generate"] = answer_generate
    picture = Picture.bgra8(1, 1, b"\1\2\3\4")
    made = client.generate("a fox", steps=2, image=picture, strength=0.5)
    assert fake.params("frame.generate") == [
        {
            "prompt": "a fox",
            "steps": 2,
            "strength": 0.5,
            "image": {"format": "bgra8", "width": 1, "height": 1, "data": b"\1\2\3\4"},
        }
    ]
    assert made.job == "j1" and made.notices == ["rounded"]
    assert made.frames[0].seed == 7
    assert made.frames[0].picture == Picture.rgba8(1, 1, b"\1\2\3\4")


def test_events_come_in_order_on_the_calling_thread(fake, client):
    fake.answers["frame.generate"] = answer_generate
    events, threads = [], set()

    def on_event(event):
        events.append(event)
        threads.add(threading.get_ident())

    client.generate("a fox", on_event=on_event)
    assert [event.name for event in events] == [
        "job.queued",
        "job.started",
        "job.progress",
        "job.novelty",
    ]
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert events[2].fields["step"] == 1 and events[2].job == "j1"
    assert threads == {threading.get_ident()}


def test_answers_find_their_callers_in_any_order(fake, client):
    held = []
    fake.answers["echo"] = lambda guest, id, params: held.append((guest, id, params["n"]))
    results = {}

    def ask(n):
        results[n] = client.call("echo", n=n)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    assert within(5, lambda: len(held) == 8)
    for guest, id, n in reversed(held):
        guest.result(id, {"n": n})
    for thread in threads:
        thread.join(5)
    assert results == {n: {"n": n} for n in range(8)}


def test_a_refusal_says_what_about_and_what_next(fake, client):
    fake.answers["status"] = lambda guest, id, params: guest.error(
        id, "invalid_params", "256 is no width", about="width", hint="give another"
    )
    with pytest.raises(RequestError) as caught:
        client.status()
    error = caught.value
    assert (error.code, error.message) == ("invalid_params", "256 is no width")
    assert (error.about, error.hint) == ("width", "give another")
    assert str(error) == "256 is no width (width)\nhint: give another"


@pytest.mark.parametrize(
    "code, kind", [("busy", Busy), ("cancelled", Cancelled), ("from_the_future", RequestError)]
)
def test_codes_have_classes(fake, client, code, kind):
    fake.answers["ping"] = lambda guest, id, params: guest.error(id, code)
    with pytest.raises(kind) as caught:
        client.ping()
    assert caught.value.code == code


def test_an_error_to_no_request_ends_all_of_them(fake, client):
    waiting = client.begin("ping")
    fake.answers["daemon.stop"] = lambda guest, id, params: guest.error(None, "malformed")
    with pytest.raises(RequestError) as caught:
        client.call("daemon.stop", timeout=5)
    assert caught.value.code == "malformed"
    waiting.answer(5)
    held = client.begin("daemon.stop")
    with pytest.raises(RequestError):
        held.answer(5)
    assert fake.count("hello") == 1, "the connection goes on"


def test_ctrl_c_in_the_middle_of_sending_leaves_no_half_request_behind(fake, root):
    class Interrupted(SocketTransport):
        armed = False

        def send(self, parts):
            if Interrupted.armed:
                Interrupted.armed = False
                super().send([b"".join(parts)[:-1]])
                raise KeyboardInterrupt
            super().send(parts)

    with Client.connect(home=root, start=False, transport=Interrupted) as client:
        Interrupted.armed = True
        with pytest.raises(KeyboardInterrupt):
            client.ping()
        client.ping(timeout=5)
    assert fake.count("hello") == 2 and fake.count("ping") == 1


def test_an_answer_of_another_form_is_told_by_its_key(fake, client):
    fake.answers["model.list"] = lambda guest, id, params: guest.result(
        id,
        {"models": [{"name": "a", "default": 1, "source": "file"}], "problems": [], "folder": ""},
    )
    with pytest.raises(AnswerError) as caught:
        client.models()
    assert caught.value.about == "Models.models[0].default"
    fake.answers["model.list"] = lambda guest, id, params: guest.result(id, {"models": []})
    with pytest.raises(AnswerError, match="`problems`"):
        client.models()
    fake.answers["job.prune"] = lambda guest, id, params: guest.result(
        id, {"jobs": 1, "blobs": True, "bytes": 2}
    )
    with pytest.raises(AnswerError, match="bool") as caught:
        client.job_prune()
    assert caught.value.about == "Pruned.blobs"


def test_what_cannot_be_sent_leaves_the_connection_alone(fake, client):
    with pytest.raises(PackError):
        client.call("ping", value=object())
    with pytest.raises(TooLong):
        client.call("ping", value=bytes(64 << 20))
    client.ping()
    assert fake.count("hello") == 1


def test_nobody_listens(root):
    with pytest.raises(NotRunning) as caught:
        Client.connect(home=root, start=False)
    assert "framewright daemon start" in str(caught.value)


@pytest.mark.parametrize("levels", [{"protocol": 0}, {"oldest": 2, "protocol": 2}])
def test_another_level_is_told(fake, root, levels):
    fake.answers["hello"] = lambda guest, id, params: guest.result(id, {**HELLO, **levels})
    with pytest.raises(WrongLevel, match="0.0.0-fake"):
        Client.connect(home=root, start=False)


def test_a_newer_level_that_serves_ours_is_fine(fake, root):
    fake.answers["hello"] = lambda guest, id, params: guest.result(id, {**HELLO, "protocol": 2})
    Client.connect(home=root, start=False).close()


def test_garbage_ends_the_connection_with_its_reason(fake, client):
    fake.answers["daemon.stop"] = lambda guest, id, params: guest.send_raw(b"\4\0\0\0\xc1\0\0\0")
    with pytest.raises(ProtocolError) as caught:
        client.stop()
    assert caught.value.kind == "not_a_map"
    client.ping()
    assert fake.count("hello") == 2, "the next call connects again"


def test_a_map_that_is_no_message_is_passed_over(fake, client):
    def answer(guest, id, params):
        guest.send({"novelty": 1})
        guest.result(id, {})

    fake.answers["ping"] = answer
    client.ping(timeout=5)


def test_a_daemon_on_its_way_out_is_asked_again(fake, root):
    def hang_up_twice(guest, id, params):
        if fake.count("hello") <= 2:
            guest.hang_up()
        else:
            guest.result(id, HELLO)

    fake.answers["hello"] = hang_up_twice
    Client.connect(home=root, start=False).close()
    assert fake.count("hello") == 3


def test_a_daemon_that_says_nothing_is_not_waited_for_for_ever(fake, root, monkeypatch):
    monkeypatch.setattr(framewright.connection, "_HELLO_SECONDS", 0.1)
    fake.answers["hello"] = lambda guest, id, params: None
    with pytest.raises(TimedOut):
        Client.connect(home=root, start=False)


# Losing the connection


def hang_up_first(fake, method, then):
    """The first request of a method finds the daemon gone."""

    def answer(guest, id, params):
        if fake.count(method) == 1:
            guest.event("job.queued", job="j1", request=id, ahead=0)
            guest.hang_up()
        else:
            then(guest, id, params)

    fake.answers[method] = answer


def test_a_keyed_job_is_asked_for_again_with_its_key(fake, client):
    hang_up_first(fake, "frame.generate", answer_generate)
    made = client.generate("a fox", key="k1")
    assert made.job == "j1"
    first, second = fake.params("frame.generate")
    assert first == second and first["key"] == "k1"
    assert fake.count("hello") == 2


def test_a_daemon_that_is_stopping_is_asked_again_when_another_is_there(fake, client):
    def answer(guest, id, params):
        if fake.count("frame.generate") == 1:
            guest.error(id, "stopping")
            guest.hang_up()
        else:
            answer_generate(guest, id, params)

    fake.answers["frame.generate"] = answer
    assert client.generate("a fox", key="k").job == "j1"
    assert fake.count("hello") == 2


def test_what_would_be_done_twice_is_not_asked_again(fake, client):
    hang_up_first(fake, "job.again", answer_generate)
    with pytest.raises(ConnectionLost):
        client.job_again("j1")
    assert fake.count("job.again") == 1


def test_a_request_that_the_daemon_dies_of_is_not_sent_for_ever(fake, client):
    fake.answers["status"] = lambda guest, id, params: guest.hang_up()
    with pytest.raises(ConnectionLost):
        client.status()
    assert fake.count("status") == 5


def test_a_connection_that_broke_in_sending_is_not_tried_again(fake, root):
    """Even before its reading side has noticed."""

    class Breaking(SocketTransport):
        greeted = broken = False

        def send(self, parts):
            if self.greeted and fake.count("hello") == 1:
                self.broken = True
                raise BrokenPipeError
            self.greeted = True
            super().send(parts)

        def receive(self, timeout=None):
            data = super().receive(timeout)
            if self.broken:
                time.sleep(0.3)
            return data

    with Client.connect(home=root, start=False, transport=Breaking) as client:
        client.call("status")
    assert fake.count("hello") == 2 and fake.count("status") == 1


def test_a_closed_client_stays_closed(fake, client):
    client.close()
    with pytest.raises(ConnectionLost, match="closed"):
        client.ping()
    assert fake.count("hello") == 1


def test_closing_wakes_who_waits(fake, client):
    fake.answers["ping"] = lambda guest, id, params: None
    caught = []

    def wait():
        try:
            client.ping()
        except ConnectionLost as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert within(5, lambda: fake.count("ping") == 1)
    client.close()
    thread.join(5)
    assert len(caught) == 1


def test_a_client_that_is_forgotten_lets_go(fake, root):
    Client.connect(home=root, start=False)
    gc.collect()
    assert within(5, lambda: fake.count("(gone)") == 1)


# Time and cancelling


def test_time_that_is_over_cancels_the_job_that_nobody_else_can_ask_for(fake, client):
    fake.answers["frame.generate"] = only_queue
    began = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        client.generate("a fox", timeout=0.2)
    assert 0.15 < time.monotonic() - began < 5
    assert caught.value.job == "j1" and isinstance(caught.value, TimeoutError)
    assert within(5, lambda: fake.params("job.cancel") == [{"job": "j1"}])


@pytest.mark.parametrize("method, params", [("frame.generate", {"key": "k"}), ("job.wait", {})])
def test_time_that_is_over_leaves_a_job_alone_that_can_be_asked_for(fake, client, method, params):
    fake.answers[method] = only_queue
    with pytest.raises(TimedOut):
        client.call(method, timeout=0.1, **params)
    client.ping()
    assert fake.count("job.cancel") == 0


def test_a_callback_that_fails_cancels_the_job(fake, client):
    fake.answers["frame.generate"] = only_queue

    def fail(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.generate("a fox", on_event=fail)
    assert within(5, lambda: fake.params("job.cancel") == [{"job": "j1"}])


def test_a_call_is_cancelled_from_another_thread_before_its_job_has_a_name(fake, client):
    held = []
    fake.answers["frame.generate"] = lambda guest, id, params: held.append((guest, id))

    def cancel(guest, id, params):
        assert params == {"job": "j1"}
        guest.result(id, {"was_running": True})
        guest.error(held[0][1], "cancelled")

    fake.answers["job.cancel"] = cancel
    call = client.begin("frame.generate", {"prompt": "a fox"})
    assert within(5, lambda: bool(held))
    threading.Thread(target=call.cancel).start()
    time.sleep(0.05)
    assert fake.count("job.cancel") == 0, "which job is not known yet"
    only_queue(*held[0], {})
    with pytest.raises(Cancelled):
        call.answer(timeout=5)


def test_a_job_is_cancelled_by_its_name(fake, client):
    fake.answers["job.cancel"] = lambda guest, id, params: guest.result(id, {"was_running": True})
    assert client.cancel("j1") is True


# Jobs and blobs


def test_jobs(fake, client):
    summary = {
        "job": "3",
        "method": "frame.generate",
        "client": "krita",
        "title": "a fox",
        "priority": "batch",
        "state": "failed",
        "created": 1.5,
    }
    error = {"code": "internal", "message": "no"}
    replies = {
        "job.submit": {"job": "3", "state": "queued", "existing": True},
        "job.wait": {"job": "3", "state": "failed", "error": error},
        "job.list": {"jobs": [summary], "more": True},
        "job.show": {"summary": summary, "request": {"prompt": "a fox"}, "error": error},
        "job.events": {"events": [{"event": "job.ended", "job_seq": 4}]},
        "job.watch": {},
        "job.again": {"job": "4", "state": "queued", "existing": False},
        "job.prune": {"jobs": 1, "blobs": 2, "bytes": 3},
    }
    for method, reply in replies.items():
        fake.answers[method] = lambda guest, id, params, reply=reply: guest.result(id, reply)
    ticket = client.job_submit("frame.generate", {"prompt": "a fox"}, key="k", priority="batch")
    assert (ticket.job, ticket.state, ticket.existing) == ("3", "queued", True)
    outcome = client.job_wait("3", format="png")
    assert outcome.state == "failed" and outcome.error and outcome.error.code == "internal"
    listed = client.job_list(states=["failed"], limit=1, before="9")
    assert listed.more and listed.jobs[0].title == "a fox" and listed.jobs[0].ended is None
    assert client.job_show("3").request == {"prompt": "a fox"}
    assert client.job_events("3", after=3).events[0]["job_seq"] == 4
    client.job_watch("3", after=3)
    assert client.job_again("3").job == "4"
    assert client.job_prune(keep=10).bytes == 3
    assert fake.asked[1:] == [
        (
            "job.submit",
            {
                "method": "frame.generate",
                "params": {"prompt": "a fox"},
                "key": "k",
                "priority": "batch",
            },
        ),
        ("job.wait", {"job": "3", "format": "png"}),
        ("job.list", {"states": ["failed"], "limit": 1, "before": "9"}),
        ("job.show", {"job": "3"}),
        ("job.events", {"job": "3", "after": 3}),
        ("job.watch", {"job": "3", "after": 3}),
        ("job.again", {"job": "3"}),
        ("job.prune", {"keep": 10}),
    ]


def test_blobs_go_in_chunks(fake, client):
    stored = {}

    def put(guest, id, params):
        data = stored.setdefault(params.get("upload"), bytearray())
        assert params["offset"] == len(data)
        data += params["data"]
        complete = len(data) == params["total"]
        reply = {"received": len(data), "complete": complete}
        guest.result(id, {**reply, "hash": "ab"} if complete else reply)

    def get(guest, id, params):
        (data,) = stored.values()
        part = bytes(data[params["offset"] :][: params["length"]])
        guest.result(id, {"total": len(data), "data": part})

    fake.answers.update({"blob.put": put, "blob.get": get})
    for size, chunks in [(0, 1), (1, 1), (BLOB_CHUNK, 1), (BLOB_CHUNK + 1, 2), (3 * BLOB_CHUNK, 3)]:
        stored.clear()
        fake.asked.clear()
        blob = bytes(range(251)) * (size // 251 + 1)
        assert client.blob_put(blob[:size]) == "ab"
        assert fake.count("blob.put") == chunks
        assert (None in stored) == (chunks == 1), "only a larger one needs a name"
        assert client.blob_get("ab") == blob[:size]


def test_a_blob_that_never_ends_is_told(fake, client):
    fake.answers["blob.get"] = lambda guest, id, params: guest.result(id, {"total": 9, "data": b""})
    with pytest.raises(AnswerError, match="less"):
        client.blob_get("ab")


def test_an_upload_that_was_cut_begins_anew_under_another_name(fake, client):
    def put(guest, id, params):
        if fake.count("blob.put") == 2:
            guest.hang_up()
        complete = params["offset"] + len(params["data"]) == params["total"]
        guest.result(id, {"received": 1, "complete": complete, "hash": complete and "ab" or None})

    fake.answers["blob.put"] = put
    assert client.blob_put(bytes(BLOB_CHUNK + 1)) == "ab"
    parts = [(params["upload"], params["offset"]) for params in fake.params("blob.put")]
    assert [offset for _, offset in parts] == [0, BLOB_CHUNK, 0, BLOB_CHUNK]
    assert parts[0][0] == parts[1][0] != parts[2][0] == parts[3][0]


# Events of no call


def test_events_of_topics_are_kept_for_who_asks(fake, client):
    client.subscribe("library")
    fake.guests[0].event("library.changed", kind="model", name="a", change="added")
    event = client.next_event(timeout=5)
    assert event is not None and event.fields["name"] == "a"
    assert client.next_event(timeout=0.01) is None


def test_topics_are_asked_for_again_after_a_loss(fake, client):
    client.subscribe("jobs", "library")
    fake.guests[0].hang_up()
    with pytest.raises(ConnectionLost):
        client.next_event(timeout=5)
    client.ping()
    assert within(5, lambda: fake.count("events.subscribe") == 2)
    assert fake.params("events.subscribe") == [{"topics": ["jobs", "library"]}] * 2


def test_a_large_answer_comes_in_small_pieces(fake, client):
    pixels = bytes(range(256)) * 4096

    def dribble(guest, id, params):
        payload = msgpack.packb({"id": id, "result": {"data": pixels}}, use_bin_type=True)
        stream = struct.pack("<I", len(payload)) + payload
        for at in range(0, len(stream), 100_003):
            guest.send_raw(stream[at : at + 100_003])

    fake.answers["pixels"] = dribble
    assert client.call("pixels")["data"] == pixels


def test_a_large_request_goes_through_a_slow_reader(fake, client):
    fake.answers["pixels"] = lambda guest, id, params: guest.result(id, {"n": len(params["data"])})
    with contextlib.closing(client):
        assert client.call("pixels", data=bytes(20 << 20)) == {"n": 20 << 20}
