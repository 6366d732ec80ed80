"""Where the daemon's files are, so that its socket is found.

The same rules as the daemon's own, whose table is in the protocol's specification. In addition
they see through the sandboxes in which applications are shipped: the daemon runs outside.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .errors import HomeError

HOME_VARIABLE = "FRAMEWRIGHT_HOME"
"""The variable that moves everything: data, socket, logs."""

# The longest path of a Unix socket, bytes (`sockaddr_un` on macOS, less one).
_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True)
class Home:
    """The daemon's directories. Nothing is created here.

    `root` is the directory under which all of them lie, when they were moved.
    """

    data: Path
    runtime: Path
    logs: Path
    root: Optional[Path] = None

    @classmethod
    def from_environment(cls, environ: Optional[Mapping[str, str]] = None) -> "Home":
        """The directories for an environment, this process's when it is left out: under
        `FRAMEWRIGHT_HOME` when it is set, else where the system keeps such files.

        Raises `HomeError`.
        """
        environ = os.environ if environ is None else environ
        moved = environ.get(HOME_VARIABLE)
        if moved:
            return cls.under(Path(moved))
        environ = outside(environ)
        if sys.platform == "win32":
            appdata = environ.get("APPDATA")
            if not appdata:
                raise HomeError(
                    "this user has no application data directory",
                    "APPDATA",
                    f"set {HOME_VARIABLE} to a directory of yours",
                )
            data = Path(appdata, "framewright", "data")
            state, runtime = data, data / "run"
        elif sys.platform == "darwin":
            data = _user_home(environ) / "Library" / "Application Support" / "framewright"
            state, runtime = data, data / "run"
        else:
            data = _xdg(environ, "XDG_DATA_HOME", ".local/share")
            state = _xdg(environ, "XDG_STATE_HOME", ".local/state")
            runtime = _runtime(environ) or state / "run"
        return cls(data, runtime, state / "logs")._checked()

    @classmethod
    def under(cls, root: Path) -> "Home":
        """The directories under one home, an absolute path. Raises `HomeError`."""
        if not root.is_absolute():
            raise HomeError(
                "the daemon's home is not an absolute path",
                str(root),
                f"give {HOME_VARIABLE} the whole path, from the root directory on",
            )
        return cls(root / "data", root / "run", root / "logs", root)._checked()

    @property
    def socket(self) -> Path:
        """The daemon's socket."""
        return self.runtime / "daemon.sock"

    @property
    def pipe(self) -> str:
        """The daemon's named pipe on Windows. Not tested: no daemon has run there yet."""
        # Pipes have one flat name space: the name carries a hash (FNV-1a, 64 bits) of the path.
        hash = 0xCBF29CE484222325
        for byte in str(self.runtime).lower().encode("utf-8", "replace"):
            hash = (hash ^ byte) * 0x100000001B3 % (1 << 64)
        return f"\\\\.\\pipe\\framewright-{hash:016x}"

    @property
    def address(self) -> str:
        """What to connect to: the pipe on Windows, else the socket's path."""
        return self.pipe if sys.platform == "win32" else str(self.socket)

    @property
    def log(self) -> Path:
        """The daemon's log."""
        return self.logs / "framewrightd.log"

    def _checked(self) -> "Home":
        length = len(os.fsencode(self.socket))
        if sys.platform != "win32" and length > _SOCKET_PATH_BYTES:
            raise HomeError(
                f"the socket's path is {length} bytes long, and the system takes "
                f"{_SOCKET_PATH_BYTES}",
                str(self.socket),
                f"set {HOME_VARIABLE} to a shorter path",
            )
        return self


def outside(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with the directories that hold outside of a Flatpak or Snap sandbox.

    Both give an application directories of its own in the `XDG_…` variables, and Snap in `HOME`
    too; the daemon does not run in there.
    """
    environ = dict(environ)
    if flatpak(environ) is not None:
        for name in _DIRECTORIES:
            # Unset outside means: the default. The application's own is never it.
            host = environ.pop("HOST_" + name, None)
            environ.pop(name, None)
            if host:
                environ[name] = host
    if environ.get("SNAP"):
        if environ.get("SNAP_REAL_HOME"):
            environ["HOME"] = environ["SNAP_REAL_HOME"]
        for name in _DIRECTORIES:
            environ.pop(name, None)
        runtime = environ.get("XDG_RUNTIME_DIR", "")
        if os.path.basename(runtime).startswith("snap."):
            environ["XDG_RUNTIME_DIR"] = os.path.dirname(runtime)
    return environ


_DIRECTORIES = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")


def flatpak(
    environ: Optional[Mapping[str, str]] = None, info: Path = Path("/.flatpak-info")
) -> Optional[str]:
    """The application's id when this process runs in a Flatpak sandbox, else `None`."""
    environ = os.environ if environ is None else environ
    try:
        lines = info.read_text("utf-8", "replace").splitlines()
    except OSError:
        return environ.get("FLATPAK_ID") or None
    section = ""
    for line in lines:
        if line.startswith("["):
            section = line.strip()
        elif section in ("[Application]", "[Runtime]") and line.startswith("name="):
            return line[len("name=") :].strip()
    return environ.get("FLATPAK_ID") or "APP"


def _user_home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    if not home and sys.platform != "win32":
        import pwd

        try:
            home = pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            home = None
    if not home:
        raise HomeError(
            "this user has no home directory",
            None,
            f"set {HOME_VARIABLE} to a directory of yours",
        )
    return Path(home)


def _xdg(environ: Mapping[str, str], name: str, default: str) -> Path:
    directory = environ.get(name, "")
    # The specification says to ignore relative paths.
    base = Path(directory) if os.path.isabs(directory) else _user_home(environ) / default
    return base / "framewright"


def _runtime(environ: Mapping[str, str]) -> Optional[Path]:
    directory = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(directory):
        return Path(directory, "framewright")
    if sys.platform == "win32":
        return None
    # The login session's, for a process such as a cron job whose environment does not name it:
    # the same daemon is meant.
    user = os.geteuid()
    login = Path(f"/run/user/{user}")
    try:
        own = os.stat(login).st_uid == user
    except OSError:
        return None
    return login / "framewright" if own else None
