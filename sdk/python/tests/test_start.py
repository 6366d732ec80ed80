"""Starting the daemon, with little programs in its place."""

import os
import stat
import threading
import time

import framewright.start
import pytest
from fake_daemon import FakeDaemon, within
from framewright import Client, ConnectFailed, Home, NoProgram, StartFailed, StartsFailing
from framewright.start import CircuitBreaker, clean_environment, find_daemon


def program(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(autouse=True)
def own_breakers(monkeypatch):
    monkeypatch.setattr(framewright.start, "_breakers", {})


# The environment


def test_nothing_of_the_application_is_inherited():
    kept = {
        "HOME": "/h",
        "PATH": "/usr/bin:/bin",
        "LANG": "cs_CZ.UTF-8",
        "LC_ALL": "C",
        "XDG_RUNTIME_DIR": "/run/user/7",
        "FRAMEWRIGHT_THREADS": "3",
        "CUDA_VISIBLE_DEVICES": "0",
    }
    polluted = {
        "LD_LIBRARY_PATH": "/tmp/.mount_krita/usr/lib",
        "LD_PRELOAD": "exec.so",
        "PYTHONHOME": "/tmp/.mount_krita/usr",
        "PYTHONPATH": "/x",
        "QT_PLUGIN_PATH": "/x",
        "QT_QPA_PLATFORM": "offscreen",
        "APPIMAGE": "/x",
        "GTK_PATH": "/x",
        "SOME_SECRET": "x",
    }
    assert clean_environment({**kept, **polluted}) == kept


def test_what_an_appimage_changed_is_as_it_was():
    clean = clean_environment(
        {
            "APPDIR": "/tmp/.mount_krita",
            "HOME": "/h",
            "PATH": "/tmp/.mount_krita/usr/bin:/usr/bin:/tmp/.mount_krita",
            "LD_LIBRARY_PATH": "/tmp/.mount_krita/usr/lib",
            "LD_LIBRARY_PATH_ORIG": "/opt/cuda/lib",
            "XDG_DATA_HOME": "/tmp/.mount_krita/share",
            "XDG_CONFIG_HOME": "/tmp/.mount_krita/config",
            "APPIMAGE_ORIGINAL_XDG_CONFIG_HOME": "/h/config",
            "TMPDIR": "/tmp/.mount_kritas_own",
        }
    )
    assert clean == {
        "HOME": "/h",
        "PATH": "/usr/bin",
        "LD_LIBRARY_PATH": "/opt/cuda/lib",
        "XDG_CONFIG_HOME": "/h/config",
        "TMPDIR": "/tmp/.mount_kritas_own",
    }


def test_a_daemon_gets_the_clean_environment_and_its_home(root, tmp_path, monkeypatch):
    found = tmp_path / "found"
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.setenv("FRAMEWRIGHT_HOME", "/somewhere/else")
    script = f'env > {found}; echo "$1" $(pwd) >> {found}; ps -o sid= -p $$ >> {found}; exit 1'
    with pytest.raises(StartFailed):
        Client.connect(home=root, program=program(tmp_path / "framewrightd", script))
    lines = found.read_text().splitlines()
    assert f"FRAMEWRIGHT_HOME={root}" in lines
    assert not [line for line in lines if line.startswith(("PYTHON", "LD_", "PYTEST"))]
    assert "--detached /" in lines
    assert int(lines[-1]) != os.getsid(0), "a session of its own"


# Finding the program


def test_a_program_that_was_named_is_the_only_one(tmp_path, monkeypatch):
    there = program(tmp_path / "a" / "framewrightd", "")
    monkeypatch.setenv("FRAMEWRIGHT_DAEMON", str(there))
    assert find_daemon() == there
    other = program(tmp_path / "b" / "framewrightd", "")
    assert find_daemon(other) == other
    monkeypatch.setenv("FRAMEWRIGHT_DAEMON", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path / "a"))
    with pytest.raises(NoProgram) as caught:
        find_daemon()
    assert caught.value.looked == [tmp_path / "none"]


def test_the_path_comes_before_the_usual_places(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CARGO_HOME", raising=False)
    monkeypatch.setenv("PATH", f"relative:{tmp_path / 'p'}:{tmp_path / 'q'}")
    monkeypatch.delenv("FRAMEWRIGHT_DAEMON", raising=False)
    usual = program(tmp_path / ".cargo" / "bin" / "framewrightd", "")
    assert find_daemon() == usual
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "framewrightd").write_text("not to be run")
    assert find_daemon() == usual
    on_path = program(tmp_path / "q" / "framewrightd", "")
    assert find_daemon() == on_path


def test_a_program_that_is_nowhere_is_told_with_what_to_do(tmp_path, monkeypatch, root):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(framewright.start, "_usual_places", lambda: [tmp_path / "u"])
    with pytest.raises(NoProgram) as caught:
        Client.connect(home=root)
    assert caught.value.looked == [tmp_path / "framewrightd", tmp_path / "u" / "framewrightd"]
    assert "FRAMEWRIGHT_DAEMON" in caught.value.hint


# Coming up, or not


def test_a_daemon_that_dies_is_told_with_its_last_words(root, tmp_path):
    (root / "logs").mkdir()
    (root / "logs" / "framewrightd.log").write_text("yesterday's\n")
    failing = program(tmp_path / "framewrightd", "echo cannot read the disk >&2; exit 3")
    with pytest.raises(StartFailed, match="exit status 3") as caught:
        Client.connect(home=root, program=failing)
    assert caught.value.tail == "cannot read the disk"
    assert "cannot read the disk" in str(caught.value) and str(caught.value.log) in str(
        caught.value
    )


def test_a_daemon_that_was_killed_is_told_by_the_signal(root, tmp_path):
    failing = program(tmp_path / "framewrightd", "kill -9 $$")
    with pytest.raises(StartFailed, match="signal 9"):
        Client.connect(home=root, program=failing)


def test_a_daemon_that_does_not_answer_is_not_waited_for_for_ever(root, tmp_path):
    silent = program(tmp_path / "framewrightd", "exec sleep 3")
    with pytest.raises(StartFailed, match="after 0.2 seconds"):
        Client.connect(home=root, program=silent, patience=0.2)


def test_a_program_that_the_system_cannot_run(root, tmp_path):
    broken = program(tmp_path / "framewrightd", "")
    broken.write_text("#!/no/such/interpreter\n")
    with pytest.raises(StartFailed, match="No such file"):
        Client.connect(home=root, program=broken)


def test_another_daemon_that_came_first_is_taken(root, tmp_path):
    """The one that was started finds it and ends in order; it listens a moment later."""
    daemons = []
    second = program(tmp_path / "framewrightd", "exit 0")

    def late(home=root):
        time.sleep(0.2)
        daemons.append(FakeDaemon(home))

    threading.Thread(target=late).start()
    try:
        with Client.connect(home=root, program=second, patience=5) as client:
            assert client.hello.version == "0.0.0-fake"
    finally:
        daemons[0].close()


def test_a_path_through_a_file_is_told(root):
    (root / "run").write_text("not a directory")
    with pytest.raises(ConnectFailed) as caught:
        Client.connect(home=root)
    assert caught.value.about == str(root / "run" / "daemon.sock")


# The circuit breaker


def test_after_three_early_deaths_no_other_start_is_tried_for_a_while(root, tmp_path):
    tries = tmp_path / "tries"
    failing = program(tmp_path / "framewrightd", f"echo x >> {tries}; exit 1")
    breaker = framewright.start.breaker(Home.under(root))
    for attempt in range(1, 4):
        with pytest.raises(StartFailed):
            Client.connect(home=root, program=failing)
        # The thread that waits for the process counts it, a moment later.
        assert within(5, lambda count=attempt: breaker._deaths == count)
    with pytest.raises(StartsFailing) as caught:
        Client.connect(home=root, program=failing)
    assert caught.value.deaths == 3 and 0 < caught.value.seconds_left <= 60
    assert str(caught.value.log) in str(caught.value)
    assert tries.read_text() == "x\n" * 3


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_the_door_opens_for_one_try_and_closes_again(root):
    clock = Clock()
    breaker = CircuitBreaker(limit=3, within=60, rest=60, clock=clock)
    for _ in range(3):
        breaker.check(root)
        breaker.ended(clock.now - 59, failed=True)
    with pytest.raises(StartsFailing, match="60 seconds"):
        breaker.check(root)
    clock.now += 61
    breaker.check(root)
    breaker.ended(clock.now, failed=True)
    with pytest.raises(StartsFailing):
        breaker.check(root)


@pytest.mark.parametrize("lived, failed", [(61, True), (1, False)])
def test_a_daemon_that_worked_or_was_stopped_counts_for_nothing(root, lived, failed):
    clock = Clock()
    breaker = CircuitBreaker(limit=3, within=60, rest=60, clock=clock)
    for _ in range(2):
        breaker.ended(clock.now, failed=True)
    breaker.ended(clock.now - lived, failed=failed)
    breaker.ended(clock.now, failed=True)
    breaker.check(root)
