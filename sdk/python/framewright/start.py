"""Starting the daemon when none runs."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, Optional

from .errors import NoProgram, StartFailed, StartsFailing
from .home import HOME_VARIABLE, Home, outside

PROGRAM_VARIABLE = "FRAMEWRIGHT_DAEMON"
"""The variable that names the daemon's program."""

# What the daemon inherits of the client's environment: nothing else. Applications that are
# shipped as bundles point library, Qt and Python paths into themselves (`LD_LIBRARY_PATH`,
# `QT_PLUGIN_PATH`, `PYTHONHOME` …), and the daemon outlives them.
_INHERITED = frozenset(
    [
        "HOME",
        "USER",
        "LOGNAME",
        "PATH",
        "LANG",
        "TZ",
        "TMPDIR",
        "XDG_RUNTIME_DIR",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        # Whom to trust over TLS: a language model may be behind an authority of the user's own.
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "RUST_BACKTRACE",
        "SYSTEMROOT",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
    ]
)
_INHERITED_BEGINNINGS = ("FRAMEWRIGHT_", "LC_", "CUDA_", "NVIDIA_")
# Where a bundle keeps what was in a variable before it changed it.
_ORIGINALS = ("{}_ORIG", "APPIMAGE_ORIGINAL_{}", "APPRUN_ORIGINAL_{}")
# Restored when the bundle kept them, never inherited as they are.
_RESTORED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Variables that hold the directory that a bundle is mounted at.
_BUNDLES = ("APPDIR", "SNAP")


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a daemon gets of `environ`: what tells about the user, nothing about the application.

    Variables that an AppImage changed have their former value where it kept one, and `PATH`
    leads into no bundle.
    """
    environ = outside(environ)
    clean = {
        name: value
        for name, value in environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_BEGINNINGS)
    }
    for name in (*_INHERITED, *_RESTORED):
        for pattern in _ORIGINALS:
            original = environ.get(pattern.format(name))
            if original:
                clean[name] = original
    bundles = [environ[name] for name in _BUNDLES if environ.get(name)]
    for name, value in list(clean.items()):
        kept = [part for part in value.split(os.pathsep) if not _inside(part, bundles)]
        if kept:
            clean[name] = os.pathsep.join(kept)
        else:
            del clean[name]
    return clean


def _inside(path: str, bundles: list[str]) -> bool:
    return any(path == bundle or path.startswith(bundle.rstrip("/") + "/") for bundle in bundles)


def find_daemon(program: Optional[Path] = None) -> Path:
    """The daemon's program: `program`, else `FRAMEWRIGHT_DAEMON`, else on the `PATH`, else in
    the places where installers put programs.

    Raises `NoProgram`.
    """
    named = program or Path(os.environ.get(PROGRAM_VARIABLE, ""))
    if named.parts:
        if _runs(named):
            return named.absolute()
        about = str(named)
        hint = f"correct the path that the application's settings or {PROGRAM_VARIABLE} hold"
        message = "the program framewrightd is not where it was said to be"
        raise NoProgram(message, [named], about, hint)
    name = "framewrightd.exe" if sys.platform == "win32" else "framewrightd"
    path = clean_environment(os.environ).get("PATH", "")
    directories = [Path(part) for part in path.split(os.pathsep) if os.path.isabs(part)]
    looked: list[Path] = []
    for directory in [*directories, *_usual_places()]:
        candidate = directory / name
        if _runs(candidate):
            return candidate
        looked.append(candidate)
    raise NoProgram(
        "the program framewrightd was not found",
        looked,
        None,
        f"install it, or set {PROGRAM_VARIABLE} to its path",
    )


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _usual_places() -> list[Path]:
    environ = outside(os.environ)
    home = environ.get("HOME") or environ.get("USERPROFILE")
    own = [Path(home, ".cargo", "bin"), Path(home, ".local", "bin")] if home else []
    if environ.get("CARGO_HOME"):
        own.insert(0, Path(environ["CARGO_HOME"], "bin"))
    if sys.platform == "win32":
        return own
    return [*own, Path("/usr/local/bin"), Path("/opt/homebrew/bin"), Path("/usr/bin")]


class CircuitBreaker:
    """Stops starting a daemon that dies again and again.

    After `limit` starts in a row, each dead within `within` seconds, no other is tried for
    `rest` seconds; then one is, and one more death closes the door again.
    """

    def __init__(
        self,
        limit: int = 3,
        within: float = 60.0,
        rest: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._within = within
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._deaths = 0
        self._last = 0.0

    def check(self, log: Path) -> None:
        """Raises `StartsFailing` while no start should be tried."""
        with self._lock:
            left = self._last + self._rest - self._clock()
            if self._deaths >= self._limit and left > 0:
                raise StartsFailing(self._deaths, left, log)

    def ended(self, started: float, failed: bool) -> None:
        """Says that a daemon that was started at `started` (of the clock) has ended."""
        with self._lock:
            now = self._clock()
            if failed and now - started <= self._within:
                self._deaths += 1
                self._last = now
            else:
                # Stopped in order, or it had worked for a while.
                self._deaths = 0

    def now(self) -> float:
        """The clock."""
        return self._clock()


_breakers: dict[Home, CircuitBreaker] = {}
_breakers_lock = threading.Lock()


def breaker(home: Home) -> CircuitBreaker:
    """The circuit breaker of this process for a home."""
    with _breakers_lock:
        return _breakers.setdefault(home, CircuitBreaker())


class Starting:
    """A daemon that was started, detached from this process, and does not answer yet.

    Raises `StartFailed` when the system cannot start it and `StartsFailing` when it should not
    be tried again so soon.
    """

    def __init__(self, program: Path, home: Home) -> None:
        self._log = home.log
        self._breaker = breaker(home)
        self._breaker.check(home.log)
        environ = clean_environment(os.environ)
        if home.root is not None:
            environ[HOME_VARIABLE] = str(home.root)
        try:
            with _open_log(home) as log:
                self._log_began = os.fstat(log).st_size
                self._child = subprocess.Popen(
                    [str(program), "--detached"],
                    env=environ,
                    cwd=os.path.abspath(os.sep),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    **_apart(),
                )
        except OSError as error:
            raise StartFailed(f"{program}: {error.strerror or error}", home.log) from error
        self._began = self._breaker.now()
        # Somebody has to take its exit status when it ends before this process.
        threading.Thread(target=self._wait, name="framewrightd-wait", daemon=True).start()

    def _wait(self) -> None:
        status = self._child.wait()
        self._breaker.ended(self._began, status != 0)

    def check(self) -> None:
        """Raises `StartFailed` when it has ended already."""
        status = self._child.poll()
        # Ended in order: it found another one, which is waited for.
        if status:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise self.failure(f"it ended with {how}")

    def failure(self, reason: str) -> StartFailed:
        """The error for a start that failed."""
        return StartFailed(reason, self._log, _log_tail(self._log, self._log_began))


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    # A session of its own from the first instant: Ctrl-C in a terminal is not meant for it.
    return {"start_new_session": True}


@contextlib.contextmanager
def _open_log(home: Home) -> Generator[int, None, None]:
    os.makedirs(home.logs, mode=0o700, exist_ok=True)
    log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield log
    finally:
        os.close(log)


def _log_tail(log: Path, began: int, lines: int = 20) -> str:
    longest = 256 << 10
    try:
        with open(log, "rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(max(began if began <= length else 0, length - longest))
            text = file.read(longest).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
