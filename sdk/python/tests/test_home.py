"""Where the daemon's files are, in every kind of environment."""

import os
import sys
from pathlib import Path

import pytest
from framewright import HiddenBySandbox, Home, HomeError, NotRunning
from framewright import connection as connection_module
from framewright import home as home_module
from framewright.connection import ConnectOptions, connect
from framewright.home import flatpak, outside

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the paths are Linux's")


def test_one_variable_moves_everything():
    home = Home.from_environment({"FRAMEWRIGHT_HOME": "/f", "XDG_RUNTIME_DIR": "/run/user/7"})
    assert home == Home.under(Path("/f"))
    assert home.socket == Path("/f/run/daemon.sock")
    assert (home.data, home.log) == (Path("/f/data"), Path("/f/logs/framewrightd.log"))


@linux
@pytest.mark.parametrize(
    "environ, runtime, data, logs",
    [
        (
            {"HOME": "/h", "XDG_RUNTIME_DIR": "/r"},
            "/r/framewright",
            "/h/.local/share/framewright",
            "/h/.local/state/framewright/logs",
        ),
        (
            {"HOME": "/h", "XDG_RUNTIME_DIR": "/r", "XDG_DATA_HOME": "/d", "XDG_STATE_HOME": "/s"},
            "/r/framewright",
            "/d/framewright",
            "/s/framewright/logs",
        ),
        (
            {"HOME": "/h", "XDG_RUNTIME_DIR": "relative", "XDG_DATA_HOME": "./d"},
            "/h/.local/state/framewright/run",
            "/h/.local/share/framewright",
            "/h/.local/state/framewright/logs",
        ),
        (
            {"HOME": "/h", "XDG_STATE_HOME": "/s", "FRAMEWRIGHT_HOME": ""},
            "/s/framewright/run",
            "/h/.local/share/framewright",
            "/s/framewright/logs",
        ),
    ],
)
def test_the_system_s_places(monkeypatch, environ, runtime, data, logs):
    monkeypatch.setattr(os, "geteuid", lambda: 987654321)  # has no login session
    home = Home.from_environment(environ)
    assert (str(home.runtime), str(home.data), str(home.logs)) == (runtime, data, logs)


@linux
def test_the_login_session_s_directory_is_found_without_its_variable(monkeypatch):
    real = os.stat
    user = os.geteuid()

    def stat(path, **options):
        own = str(path) == f"/run/user/{user}"
        return real("/proc/self", **options) if own else real(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    home = Home.from_environment({"HOME": "/h"})
    assert home.runtime == Path(f"/run/user/{user}/framewright")


def test_a_relative_home_is_refused():
    with pytest.raises(HomeError, match="absolute"):
        Home.from_environment({"FRAMEWRIGHT_HOME": "here"})


@linux
def test_a_path_that_no_socket_can_have_is_refused():
    Home.under(Path("/" + "x" * (103 - len("//run/daemon.sock"))))
    with pytest.raises(HomeError, match="104 bytes.*103") as caught:
        Home.under(Path("/" + "x" * (104 - len("//run/daemon.sock"))))
    assert "shorter" in str(caught.value)


def test_the_pipe_s_name_has_the_published_hash_of_the_path():
    """The values of FNV-1a for "a" and "foobar" are from its description."""
    assert Home(Path("d"), Path("A"), Path("l")).pipe.endswith("-af63dc4c8601ec8c")
    assert Home(Path("d"), Path("FooBar"), Path("l")).pipe == (
        "\\\\.\\pipe\\framewright-85944171f73967e8"
    )


# Sandboxes


@pytest.fixture
def info(tmp_path, monkeypatch):
    path = tmp_path / "flatpak-info"
    real = home_module.flatpak
    inside = lambda environ=None: real(environ, path)  # noqa: E731
    monkeypatch.setattr(home_module, "flatpak", inside)
    monkeypatch.setattr(connection_module, "flatpak", inside)
    return path


def test_a_flatpak_is_told_by_its_file(tmp_path):
    path = tmp_path / "flatpak-info"
    assert flatpak({}, path) is None
    path.write_text("[Instance]\nname=no\n[Application]\nname=org.kde.krita\nruntime=x\n")
    assert flatpak({}, path) == "org.kde.krita"
    assert (
        flatpak({"FLATPAK_ID": "org.blender.Blender"}, tmp_path / "none") == "org.blender.Blender"
    )


@linux
def test_a_flatpak_s_own_directories_are_not_the_daemon_s(info):
    info.write_text("[Application]\nname=org.kde.krita\n")
    environ = {
        "HOME": "/h",
        "XDG_RUNTIME_DIR": "/run/user/7",
        "XDG_DATA_HOME": "/h/.var/app/org.kde.krita/data",
        "XDG_STATE_HOME": "/h/.var/app/org.kde.krita/.local/state",
        "HOST_XDG_STATE_HOME": "/h/state",
    }
    home = Home.from_environment(environ)
    assert home.runtime == Path("/run/user/7/framewright")
    assert home.data == Path("/h/.local/share/framewright")
    assert home.logs == Path("/h/state/framewright/logs")


@linux
def test_a_snap_s_own_directories_are_not_the_daemon_s():
    environ = {
        "SNAP": "/snap/krita/99",
        "HOME": "/home/a/snap/krita/99",
        "SNAP_REAL_HOME": "/home/a",
        "XDG_RUNTIME_DIR": "/run/user/7/snap.krita",
        "XDG_DATA_HOME": "/home/a/snap/krita/99/.local/share",
    }
    home = Home.from_environment(environ)
    assert home.runtime == Path("/run/user/7/framewright")
    assert home.data == Path("/home/a/.local/share/framewright")
    assert outside({"HOME": "/h"}) == {"HOME": "/h"}


def test_a_hidden_socket_is_told_with_the_missing_permission(info, monkeypatch, root):
    info.write_text("[Application]\nname=org.kde.krita\n")
    monkeypatch.delenv("FRAMEWRIGHT_HOME")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(root))
    with pytest.raises(HiddenBySandbox) as caught:
        connect(ConnectOptions(), print, print)
    assert (
        "flatpak override --user --filesystem=xdg-run/framewright org.kde.krita"
        in caught.value.hint
    )
    assert caught.value.about == str(root / "framewright" / "daemon.sock")


def test_a_sandboxed_application_does_not_start_the_daemon_in_its_sandbox(info, monkeypatch, root):
    info.write_text("[Application]\nname=org.kde.krita\n")
    (root / "run").mkdir()
    monkeypatch.setenv("FRAMEWRIGHT_DAEMON", "/bin/false")
    with pytest.raises(NotRunning) as caught:
        connect(ConnectOptions(), print, print)
    assert "framewright daemon start" in caught.value.hint
    assert not (root / "logs").exists()
