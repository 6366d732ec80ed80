"""A studio without Krita: Qt's own event loop, documents of bytes, and a daemon that does what a
test tells it."""

import contextlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import patience  # noqa: F401
import pytest

REPOSITORY = Path(__file__).parents[3]
# The client's own fake daemon; written on another package's MessagePack.
sys.path.append(str(REPOSITORY / "sdk" / "python" / "tests"))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def application():
    """Qt. Says loudly where it is missing."""
    if importlib.util.find_spec("PyQt6") is None and importlib.util.find_spec("PyQt5") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PyQt is not installed: pip install -r requirements-dev.txt")
        pytest.skip("PyQt is not installed: pip install -r requirements-dev.txt")
    from framewright_krita.qt import QtWidgets

    return QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


@pytest.fixture
def root():
    """A home of the test's own; its path is short enough for a socket."""
    root = tempfile.mkdtemp(prefix="fw-")
    yield Path(root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, root):
    """Whatever a test starts by mistake, it is not this user's daemon."""
    monkeypatch.setenv("FRAMEWRIGHT_HOME", str(root))
    monkeypatch.setenv("FRAMEWRIGHT_DAEMON", "/nonexistent/framewrightd")


@pytest.fixture
def fake(root):
    from fake_daemon import FakeDaemon

    daemon = FakeDaemon(root)
    yield daemon
    daemon.close()


@pytest.fixture
def until(application):
    """Runs Qt's loop until a condition holds."""

    def wait(condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come about in time"
            application.processEvents()
            time.sleep(0.002)

    return wait


@pytest.fixture
def link(application, root):
    from framewright import ConnectOptions, Home
    from framewright_krita.link import Link

    options = ConnectOptions("test 1", start=False, home=Home.under(root))
    link = Link(options)
    yield link
    link.close()
    with contextlib.suppress(RuntimeError):
        link.deleteLater()
