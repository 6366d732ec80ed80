import gc
import shutil
import tempfile
import threading
from pathlib import Path

import patience  # noqa: F401
import pytest
from application import built_daemon
from fake_daemon import FakeDaemon
from framewright import Background, Client, ConnectOptions, Home
from framewright.start import Starting


@pytest.fixture
def root():
    """A home of the test's own; its path is short enough for a socket."""
    root = tempfile.mkdtemp(prefix="fw-")
    yield Path(root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def fake(root):
    daemon = FakeDaemon(root)
    yield daemon
    daemon.close()


@pytest.fixture
def client(fake, root):
    with Client.connect("test 1", home=root, start=False) as client:
        yield client


@pytest.fixture
def background(fake, root):
    background = Background(ConnectOptions("test 1", start=False, home=Home.under(root)))
    yield background
    background.close()


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, root):
    """Whatever a test starts by mistake, it is not this user's daemon."""
    monkeypatch.setenv("FRAMEWRIGHT_HOME", str(root))
    monkeypatch.delenv("FRAMEWRIGHT_DAEMON", raising=False)


@pytest.fixture(autouse=True)
def no_thread_dies(monkeypatch):
    """An exception that ends a thread is a fault of the package, which nobody would see."""
    died = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    yield
    gc.collect()
    assert not died, died


# The real one


@pytest.fixture(scope="session")
def program():
    """The daemon that is tested with."""
    return built_daemon()


@pytest.fixture
def daemon(program, root):
    """Options for a daemon with a home of its own, which ends with the test."""
    return {"home": root, "program": program}


@pytest.fixture(autouse=True)
def no_daemon_stays(monkeypatch, root):
    """Ends every process that the package started, also one that was too late to be the daemon
    and would become it now."""
    started = []
    begin = Starting.__init__

    def noted(self, *arguments):
        begin(self, *arguments)
        started.append(self._child)

    monkeypatch.setattr(Starting, "__init__", noted)
    yield
    for child in started:
        child.kill()
    for child in started:
        child.wait(10)
