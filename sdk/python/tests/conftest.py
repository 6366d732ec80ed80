import gc
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon
from framewright import Background, Client, ConnectOptions, Home


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
