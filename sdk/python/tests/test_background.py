"""The client for event loops, against a fake daemon."""

import threading
import time

import framewright.background
import pytest
from fake_daemon import FakeDaemon, within
from framewright import (
    AnswerError,
    Background,
    Cancelled,
    ConnectionLost,
    ConnectOptions,
    Home,
    NoProgram,
    NotRunning,
    PackError,
    RequestError,
    SocketTransport,
)
from test_client import GENERATED, answer_generate, only_queue


def test_callbacks_run_in_pump_and_nowhere_else(fake, background):
    fake.answers["frame.generate"] = answer_generate
    told, threads = [], set()

    def note(what):
        told.append(what)
        threads.add(threading.get_ident())

    ticket = background.generate("a fox", on_event=note, on_result=note, on_error=note)
    assert within(5, lambda: fake.count("frame.generate") == 1)
    time.sleep(0.1)
    assert told == [] and not ticket.done, "nothing happens without pump"
    assert background.wait(ticket, 5)
    assert [event.name for event in told[:-1]] == [
        "job.queued",
        "job.started",
        "job.progress",
        "job.novelty",
    ]
    assert told[-1] is ticket.result and ticket.result.frames[0].seed == 7
    assert ticket.error is None and ticket.job == "j1"
    assert threads == {threading.get_ident()}


def test_nothing_is_connected_before_the_first_request(fake, background):
    time.sleep(0.05)
    assert fake.asked == [] and background.state == "offline"
    assert background.wait(background.submit("ping"), 5)
    assert background.state == "connected"


def test_pump_keeps_its_budget(fake, background):
    done = []

    def slow(result):
        time.sleep(0.02)
        done.append(result)

    for _ in range(10):
        background.submit("ping", on_result=slow)
    assert within(5, lambda: fake.count("ping") == 10)
    time.sleep(0.1)
    assert background.pump(0.05) in (3, 4)
    assert background.pump(0) == 1, "it always gets on"
    deadline = time.monotonic() + 5
    while len(done) < 10 and time.monotonic() < deadline:
        background.pump(1)
    assert len(done) == 10
    assert background.pump() == 0


def test_of_progress_that_waits_only_the_newest_is_told(fake, background):
    def answer(guest, id, params):
        guest.event("job.queued", job="j1", request=id, ahead=0)
        for step in range(1, 1001):
            guest.event("job.progress", job="j1", request=id, step=step, steps=1000)
        guest.result(id, GENERATED)

    fake.answers["frame.generate"] = answer
    events = []
    ticket = background.generate("a fox", on_event=events.append)
    assert within(5, lambda: fake.count("frame.generate") == 1)
    assert within(5, lambda: len(background._inbox) >= 3)
    assert background.wait(ticket, 5)
    assert [event.name for event in events] == ["job.queued", "job.progress"]
    assert events[1].fields["step"] == 1000


def test_a_job_is_asked_for_again_by_its_key_when_the_daemon_went_away(fake, background):
    def answer(guest, id, params):
        only_queue(guest, id, params)
        if fake.count("frame.generate") == 1:
            guest.hang_up()
        else:
            guest.result(id, GENERATED)

    fake.answers["frame.generate"] = answer
    results, errors = [], []
    ticket = background.generate("a fox", on_result=results.append, on_error=errors.append)
    assert background.wait(ticket, 5)
    first, second = fake.params("frame.generate")
    assert first == second and len(first["key"]) == 32
    assert len(results) == 1 and not errors


def test_a_daemon_that_is_stopping_is_asked_again_when_another_is_there(fake, background):
    def answer(guest, id, params):
        if fake.count("frame.generate") == 1:
            guest.error(id, "stopping")
            guest.hang_up()
        else:
            guest.result(id, GENERATED)

    fake.answers["frame.generate"] = answer
    ticket = background.generate("a fox")
    assert background.wait(ticket, 5)
    assert ticket.error is None and fake.count("hello") == 2


def test_every_request_has_a_key_of_its_own_unless_one_is_given(fake, background):
    fake.answers["frame.generate"] = answer_generate
    tickets = [background.generate("a fox"), background.generate("a fox", key="mine")]
    tickets.append(background.generate("a fox"))
    assert all(background.wait(ticket, 5) for ticket in tickets)
    keys = [params["key"] for params in fake.params("frame.generate")]
    assert keys[1] == "mine" and len(set(keys)) == 3


def test_an_inpainting_has_its_key_where_its_frame_is_told(fake, background):
    fake.answers["frame.inpaint"] = answer_generate
    params = {"frame": {"prompt": "a fox"}, "region": {}}
    tickets = [
        background.submit("frame.inpaint", params),
        background.submit("frame.inpaint", {**params, "frame": {"prompt": "a fox", "key": "mine"}}),
    ]
    assert all(background.wait(ticket, 5) for ticket in tickets)
    first, second = (asked["frame"]["key"] for asked in fake.params("frame.inpaint"))
    assert len(first) == 32 and second == "mine"
    assert params == {"frame": {"prompt": "a fox"}, "region": {}}


def test_many_requests_survive_one_loss(fake, background):
    held = []

    def answer(guest, id, params):
        held.append(id)
        if len(held) == 5:
            guest.hang_up()
        elif len(held) > 5:
            guest.result(id, {"n": params["n"]})

    fake.answers["job.show"] = answer
    tickets = [background.submit("job.show", {"n": n}) for n in range(5)]
    assert all(background.wait(ticket, 5) for ticket in tickets)
    assert [ticket.result for ticket in tickets] == [{"n": n} for n in range(5)]
    assert fake.count("hello") == 2


def test_what_would_be_done_twice_is_not_asked_again(fake, background):
    fake.answers["job.again"] = lambda guest, id, params: guest.hang_up()
    ticket = background.submit("job.again", {"job": "j1"})
    assert background.wait(ticket, 5)
    assert isinstance(ticket.error, ConnectionLost) and fake.count("job.again") == 1


def test_a_request_that_the_daemon_dies_of_is_not_sent_for_ever(fake, background):
    fake.answers["frame.generate"] = lambda guest, id, params: guest.hang_up()
    ticket = background.generate("a fox")
    assert background.wait(ticket, 5)
    assert isinstance(ticket.error, ConnectionLost) and fake.count("frame.generate") == 5
    other = background.submit("ping")
    assert background.wait(other, 5) and other.error is None


def test_a_daemon_that_never_gets_to_hello_is_not_asked_for_ever(fake, background):
    fake.answers["hello"] = lambda guest, id, params: guest.hang_up()
    ticket = background.submit("ping")
    assert background.wait(ticket, 10)
    assert isinstance(ticket.error, ConnectionLost)


# Errors


def test_a_refusal_is_the_ticket_s_error(fake, background):
    fake.answers["frame.generate"] = lambda guest, id, params: guest.error(id, "busy", "full")
    errors = []
    ticket = background.generate("a fox", on_error=errors.append)
    assert background.wait(ticket, 5)
    assert isinstance(ticket.error, RequestError) and ticket.error.code == "busy"
    assert errors == [ticket.error] and ticket.result is None


def test_what_cannot_be_sent_or_understood_is_the_ticket_s_error(fake, background):
    ticket = background.submit("ping", {"value": object()})
    assert background.wait(ticket, 5) and isinstance(ticket.error, PackError)
    fake.answers["frame.generate"] = lambda guest, id, params: guest.result(id, {"job": 1})
    ticket = background.generate("a fox")
    assert background.wait(ticket, 5) and isinstance(ticket.error, AnswerError)
    ticket = background.submit("ping")
    assert background.wait(ticket, 5) and ticket.error is None


def test_no_daemon_and_no_program_is_the_ticket_s_error_and_later_none(root, tmp_path):
    options = ConnectOptions(home=Home.under(root), program=tmp_path / "none")
    background = Background(options)
    ticket = background.submit("ping")
    assert background.wait(ticket, 5)
    assert isinstance(ticket.error, NoProgram) and background.state == "offline"
    fake = FakeDaemon(root)
    ticket = background.submit("ping")
    assert background.wait(ticket, 5) and ticket.error is None
    background.close()
    fake.close()


def test_an_exception_of_a_callback_comes_out_of_pump_and_the_next_goes_on(fake, background):
    def fail(result):
        raise ZeroDivisionError

    first, second = background.submit("ping", on_result=fail), background.submit("ping")
    assert within(5, lambda: fake.count("ping") == 2)
    with pytest.raises(ZeroDivisionError):
        background.wait(first, 5)
    assert first.done
    assert background.wait(second, 5)


def test_a_transport_that_breaks_in_its_own_way_ends_in_an_error(fake, root):
    class Broken(SocketTransport):
        def send(self, parts):
            if any(b"ping" in part for part in parts if len(part) < 1000):
                raise RuntimeError("out of order")
            super().send(parts)

    options = ConnectOptions(home=Home.under(root), transport=Broken)
    background = Background(options)
    ticket = background.submit("ping")
    assert background.wait(ticket, 5)
    assert "out of order" in str(ticket.error)
    ticket = background.submit("status")
    assert background.wait(ticket, 5) and ticket.error is None
    background.close()


# Cancelling


def test_a_job_is_cancelled_and_only_that_one(fake, background):
    held = {}

    def queue(guest, id, params):
        job = f"j{len(held)}"
        held[job] = (guest, id)
        guest.event("job.queued", job=job, request=id, ahead=0)

    def cancel(guest, id, params):
        guest.result(id, {"was_running": False})
        held[params["job"]][0].error(held[params["job"]][1], "cancelled")

    fake.answers.update({"frame.generate": queue, "job.cancel": cancel})
    tickets = [background.generate("a fox") for _ in range(3)]
    assert within(5, lambda: all(ticket.job for ticket in tickets))
    tickets[1].cancel()
    assert background.wait(tickets[1], 5)
    assert isinstance(tickets[1].error, Cancelled)
    assert fake.params("job.cancel") == [{"job": tickets[1].job}]
    assert not tickets[0].done and not tickets[2].done


def test_a_request_that_was_not_sent_is_cancelled_on_the_spot(fake, background):
    gate = threading.Event()
    background._commands.put(gate.wait)  # the worker is at something else
    ticket = background.generate("a fox")
    ticket.cancel()
    gate.set()
    assert background.wait(ticket, 5)
    assert isinstance(ticket.error, Cancelled) and fake.count("frame.generate") == 0


def test_a_job_is_cancelled_once_its_name_is_known(fake, background):
    held = []
    fake.answers["frame.generate"] = lambda guest, id, params: held.append((guest, id))
    fake.answers["job.cancel"] = lambda guest, id, params: held[0][0].error(held[0][1], "cancelled")
    ticket = background.generate("a fox")
    assert within(5, lambda: bool(held))
    ticket.cancel()
    time.sleep(0.05)
    assert fake.count("job.cancel") == 0
    only_queue(*held[0], {})
    assert background.wait(ticket, 5) and isinstance(ticket.error, Cancelled)


def test_a_job_that_was_cancelled_while_the_daemon_was_away_is_cancelled_when_it_is_back(
    fake, background
):
    held = []

    def answer(guest, id, params):
        held.append((guest, id))
        only_queue(guest, id, params)

    fake.answers["frame.generate"] = answer
    fake.answers["job.cancel"] = lambda guest, id, params: held[-1][0].error(
        held[-1][1], "cancelled"
    )
    ticket = background.generate("a fox")
    assert within(5, lambda: ticket.job is not None)
    gate = threading.Event()
    background._commands.put(gate.wait)
    held[0][0].hang_up()
    ticket.cancel()
    gate.set()
    assert background.wait(ticket, 5) and isinstance(ticket.error, Cancelled)


# States, topics, the end


def test_states_are_told_in_pump(fake, root):
    states = []
    background = Background(
        ConnectOptions(home=Home.under(root), start=False), on_state=states.append
    )
    assert background.wait(background.submit("ping"), 5)
    assert states == ["connecting", "connected"]
    fake.guests[0].hang_up()
    assert within(5, lambda: background.pump() and states[-1] == "offline")
    background.close()


def test_topics_are_followed_over_a_loss_without_starting_a_daemon(
    fake, root, tmp_path, monkeypatch
):
    monkeypatch.setattr(framewright.background, "_LOOK_SECONDS", 0.05)
    events = []
    started = tmp_path / "started"
    program = tmp_path / "framewrightd"
    program.write_text(f"#!/bin/sh\ntouch {started}; exit 1\n")
    program.chmod(0o755)
    options = ConnectOptions(home=Home.under(root), program=program)
    background = Background(options, topics=["library"], on_event=events.append)
    assert within(5, lambda: fake.count("events.subscribe") == 1)
    fake.guests[0].event("library.changed", name="a")
    assert within(5, lambda: background.pump() and len(events) == 1)
    fake.close()
    assert within(5, lambda: background.state == "offline")
    time.sleep(0.2)
    assert not started.exists(), "it may have been stopped on purpose"
    fake.listen()
    assert within(5, lambda: fake.count("events.subscribe") == 2)
    fake.guests[-1].event("library.changed", name="b")
    assert within(5, lambda: background.pump() and len(events) == 2)
    background.close()


def test_the_end_cancels_what_is_not_done(fake, background):
    fake.answers["frame.generate"] = only_queue
    ticket = background.generate("a fox")
    assert within(5, lambda: ticket.job is not None)
    background.close()
    assert within(5, lambda: fake.params("job.cancel") == [{"job": "j1"}])
    assert within(5, lambda: fake.count("(gone)") == 1)
    background.pump()
    assert isinstance(ticket.error, ConnectionLost)
    late = background.submit("ping")
    background.pump()
    assert isinstance(late.error, ConnectionLost)
    background.close()


def test_the_end_can_leave_jobs_to_the_daemon(fake, background):
    fake.answers["frame.generate"] = only_queue
    ticket = background.generate("a fox")
    assert within(5, lambda: ticket.job is not None)
    background.close(cancel=False)
    assert within(5, lambda: fake.count("(gone)") == 1)
    assert fake.count("job.cancel") == 0


def test_the_end_does_not_wait_for_a_daemon_that_does_not_come(root, tmp_path):
    slow = tmp_path / "framewrightd"
    slow.write_text("#!/bin/sh\nexec sleep 2\n")
    slow.chmod(0o755)
    background = Background(ConnectOptions(home=Home.under(root), program=slow, patience=60))
    ticket = background.submit("ping")
    assert within(5, lambda: background.state == "connecting")
    began = time.monotonic()
    background.close()
    assert time.monotonic() - began < 1
    background.pump()
    assert ticket.done


def test_a_daemon_that_must_not_be_started_is_not(root):
    background = Background(ConnectOptions(home=Home.under(root), start=False))
    ticket = background.submit("ping")
    assert background.wait(ticket, 5) and isinstance(ticket.error, NotRunning)
    background.close()


def test_waiting_ends_when_its_time_is_over(fake, background):
    fake.answers["ping"] = lambda guest, id, params: None
    assert not background.wait(background.submit("ping"), 0.05)
