"""The package against the real daemon and its embedded model."""

import os
import signal
import socket
import struct
import threading
import time
import zlib
from pathlib import Path

import pytest
from fake_daemon import within
from framewright import (
    Background,
    Cancelled,
    Client,
    ConnectOptions,
    Home,
    Picture,
    RequestError,
)

# Guidance of 1 takes one pass a step instead of two.
SMALL = {"width": 64, "height": 64, "steps": 2, "seed": 7, "guidance_scale": 1}


@pytest.fixture
def client(daemon):
    with Client.connect("test 1", **daemon) as client:
        yield client


def options(daemon):
    return ConnectOptions("test 1", home=Home.under(daemon["home"]), program=daemon["program"])


def pixels(png):
    """The RGBA pixels of a PNG file of 8-bit RGB or RGBA."""
    at, data, colour, width, height = 8, b"", 2, 0, 0
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
            assert depth == 8 and colour in (2, 6)
        elif kind == b"IDAT":
            data += body
        at += 12 + length
    channels = 4 if colour == 6 else 3
    lines, raw, before = [], zlib.decompress(data), bytearray(width * channels)
    for row in range(height):
        start = row * (width * channels + 1)
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + width * channels])
        for i in range(len(line)):
            left = line[i - channels] if i >= channels else 0
            up = before[i]
            corner = before[i - channels] if i >= channels else 0
            nearest = min((left, up, corner), key=lambda by, sum=left + up - corner: abs(sum - by))
            line[i] = (line[i] + [0, left, up, (left + up) // 2, nearest][kind]) & 0xFF
        lines.append(line)
        before = line
    flat = b"".join(lines)
    if channels == 4:
        return flat
    rgba = bytearray(b"\xff") * (width * height * 4)
    for channel in range(3):
        rgba[channel::4] = flat[channel::3]
    return bytes(rgba)


def test_a_frame_has_the_same_pixels_in_every_format(client):
    events = []
    png = client.generate("a fox in the snow", on_event=events.append, **SMALL)
    assert [event.name for event in events][:2] == ["job.queued", "job.started"]
    progress = [event.fields["step"] for event in events if event.name == "job.progress"]
    assert progress == [1, 2]
    assert {event.job for event in events} == {png.job}
    picture = png.frames[0].picture
    assert (picture.format, picture.width, picture.height) == ("png", 64, 64)
    assert Picture.png(picture.data).width == 64
    rgba = client.generate("a fox in the snow", format="rgba8", **SMALL).frames[0].picture
    bgra = client.generate("a fox in the snow", format="bgra8", **SMALL).frames[0].picture
    assert rgba.data == pixels(bytes(picture.data))
    assert bgra.swapped().data == rgba.data
    assert len(set(bytes(rgba.data))) > 16, "it is a picture"
    assert png.frames[0].provenance["seed"] == 7


def test_a_frame_is_made_again(client):
    png = bytes(client.generate("a fox", **SMALL).frames[0].picture.data)
    again = client.again(png)
    assert again.identical and again.differing_pixels == 0


def test_a_picture_goes_there_and_comes_back(client):
    picture = Picture.rgba8(64, 64, bytes(range(256)) * 64)
    made = client.generate("a fox", image=picture, strength=0.6, format="bgra8", **SMALL)
    assert len(made.frames[0].picture.data) == 64 * 64 * 4
    with pytest.raises(RequestError) as caught:
        client.generate("a fox", image=Picture("rgba8", 65, 64, picture.data), strength=0.6)
    assert caught.value.code == "invalid_params"


def test_candidates_and_previews(client):
    previews = []

    def look(event):
        if event.fields.get("preview"):
            previews.append(event.fields["preview"])

    made = client.generate("a fox", candidates=2, preview_every=1, on_event=look, **SMALL)
    assert [frame.seed for frame in made.frames] == [7, 8]
    assert made.frames[0].picture.data != made.frames[1].picture.data
    assert previews and len(previews[0]["data"]) == (
        previews[0]["width"] * previews[0]["height"] * 4
    )


def test_what_the_daemon_tells(client, root):
    status = client.status()
    assert status.data == str(root / "data") and status.log == str(Home.under(root).log)
    assert status.connections == 1 and status.running is None
    assert client.ping() < 5
    sketch, inpainting = client.models().models
    assert sketch.default and sketch.source == "embedded"
    assert not inpainting.default and inpainting.name == "sketch-inpaint"
    assert client.inspect("sketch").model.name == "sketch"
    tokens = client.tokens("a (fox:1.5)")
    weights = {token.text: token.weight for token in tokens.chunks[0].tokens}
    assert max(weights.values()) == 1.5
    described = {method["method"] for method in client.describe()["methods"]}
    assert {"frame.generate", "job.cancel"} <= described


@pytest.mark.parametrize(
    "prompt, more, words",
    [
        ("", {}, ["(prompt)", "hint: "]),
        ("a", {"model": "none"}, ["none", "hint: "]),
        ("a", {"sampler": "none"}, ["none", "ddim"]),
    ],
)
def test_refusals_say_what_to_do(client, prompt, more, words):
    with pytest.raises(RequestError) as caught:
        client.generate(prompt, **more)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_parameter_of_the_wrong_type_is_named(client):
    with pytest.raises(RequestError, match="`steps`") as caught:
        client.call("frame.generate", prompt="a fox", steps="many")
    assert caught.value.code == "invalid_params"
    with pytest.raises(RequestError) as caught:
        client.call("no.such")
    assert caught.value.code == "unknown_method"


def test_exactly_one_job_is_cancelled(client):
    long = {**SMALL, "steps": 500}
    running = client.begin("frame.generate", {"prompt": "a fox", **long})
    waiting = client.begin("frame.generate", {"prompt": "a hen", **SMALL})
    for event in running.events(60):
        if event.name == "job.progress":
            break
    threading.Thread(target=running.cancel).start()
    with pytest.raises(Cancelled):
        running.answer(60)
    assert len(waiting.answer(60)["frames"]) == 1


def test_two_clients_do_not_disturb_each_other(client, daemon):
    with Client.connect("test 2", **daemon) as other:
        call = client.begin("frame.generate", {"prompt": "a fox", **SMALL, "steps": 300})
        for event in call.events(60):
            if event.name == "job.progress":
                break
        # Both are answered while it runs.
        assert other.status().running == call.job and other.status().connections == 2
        mine = other.begin("frame.generate", {"prompt": "a hen", **SMALL})
        with pytest.raises(RequestError) as caught:
            other.cancel("no such job")
        assert caught.value.code == "not_found"
        assert other.cancel(str(call.job)) is True
        with pytest.raises(Cancelled):
            call.answer(60)
        assert len(mine.answer(60)["frames"]) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\4\0\0\0\xc1\xc1\xc1\xc1", b"\x05\0\0\0\x80"],
    ids=["http", "overlong", "no map", "half"],
)
def test_garbage_hurts_nobody_else(client, root, garbage):
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(Home.under(root).socket))
        stranger.sendall(garbage)
        stranger.shutdown(socket.SHUT_WR)
        stranger.settimeout(10)
        while stranger.recv(4096):
            pass
    client.ping()


def test_clients_that_start_at_once_share_one_daemon(daemon):
    pids, failures = set(), []

    def connect():
        try:
            with Client.connect("test", **daemon) as client:
                pids.add(client.status().pid)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=connect) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and len(pids) == 1


def test_the_client_finds_the_daemon_where_the_system_keeps_it(program, root, monkeypatch):
    """The two agree on the paths when nothing was moved."""
    monkeypatch.delenv("FRAMEWRIGHT_HOME")
    for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(root / name))
    (root / "XDG_RUNTIME_DIR").mkdir()
    with Client.connect("test 1", program=program) as client:
        status = client.status()
        home = Home.from_environment()
        assert status.data == str(home.data) and status.log == str(home.log)
        assert home.socket.is_socket()
        client.stop()
    assert within(10, lambda: not Path(f"/proc/{status.pid}").exists())


def test_a_blocking_client_goes_on_after_a_kill(client):
    before = client.status().pid
    os.kill(before, signal.SIGKILL)
    assert client.status().pid != before
    assert len(client.generate("a fox", **SMALL).frames) == 1


def test_a_stopped_daemon_ends_the_connection(client):
    pid = client.status().pid
    client.stop()
    assert within(10, lambda: not Path(f"/proc/{pid}").exists())
    assert client.status().pid != pid


def test_an_event_loop_is_never_held_up(daemon):
    """While a frame is drawn, `pump` returns within its budget and a delivery."""
    background = Background(options(daemon))
    ticket = background.generate("a fox", on_event=lambda event: None, **{**SMALL, "steps": 16})
    longest, deadline = 0.0, time.monotonic() + 60
    while not ticket.done and time.monotonic() < deadline:
        began = time.thread_time()
        background.pump(0.005)
        longest = max(longest, time.thread_time() - began)
        time.sleep(0.002)
    assert ticket.done and ticket.error is None
    assert longest < 0.05
    background.close()


def test_what_changes_in_the_library_is_told_to_who_subscribes(client, root):
    client.subscribe("library")
    models = Path(client.models().folder)
    models.mkdir(parents=True, exist_ok=True)
    (models / "half.safetensors").write_bytes(b"this is no checkpoint")
    event = client.next_event(30)
    assert event is not None and event.name == "library.changed"
    assert (event.fields["kind"], event.fields["change"]) == ("model", "broken")
    problems = client.models().problems
    assert any("half" in problem.path and problem.reason for problem in problems)
