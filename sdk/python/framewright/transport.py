"""What moves the bytes. The rest of the package knows only `Transport`."""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any, Optional, Protocol

from .errors import ConnectFailed
from .messagepack import Buffer

# How much is asked for at once: a picture of a megapixel in a few dozen calls.
_CHUNK = 1 << 18


class Transport(Protocol):
    """A connected stream of bytes. Plug in your own to use another kind of socket.

    `send` and `receive` are called from different threads at once, `close` from any.
    """

    def connect(self, address: str) -> bool:
        """Connects to a socket's path (on Windows a pipe's name); `False` when nobody listens.

        Raises `ConnectFailed`.
        """
        ...

    def send(self, parts: Sequence[Buffer]) -> None:
        """Sends all parts, one after the other. Raises `OSError` when the connection is gone."""
        ...

    def receive(self, timeout: Optional[float] = None) -> Optional[Buffer]:
        """The next bytes, as many as there are; empty when the connection has ended, `None` when
        nothing came for `timeout` seconds (for ever, when that is `None`)."""
        ...

    def close(self) -> None:
        """Ends the connection; whoever waits in `receive` or `send` is woken."""
        ...


# The most parts that one call to the system takes.
_PARTS = 64


class SocketTransport:
    """A Unix socket."""

    def __init__(self) -> None:
        self._socket: Optional[socket.socket] = None
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False

    def connect(self, address: str) -> bool:
        if sys.platform == "win32":
            raise ConnectFailed("there are no Unix sockets here", address)
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            opened.close()
            return False
        except OSError as error:
            opened.close()
            raise ConnectFailed(
                f"the daemon cannot be reached: {error.strerror or error}",
                address,
                "see whether this user may use the socket; FRAMEWRIGHT_HOME moves it",
            ) from error
        self._socket = opened
        return True

    def send(self, parts: Sequence[Buffer]) -> None:
        left = [memoryview(part).cast("B") for part in parts if len(part)]
        with self._used() as opened:
            while left:
                sent = opened.sendmsg(left[:_PARTS])
                while left and sent >= len(left[0]):
                    sent -= len(left.pop(0))
                if sent:
                    left[0] = left[0][sent:]

    def receive(self, timeout: Optional[float] = None) -> Optional[Buffer]:
        try:
            with self._used() as opened:
                if timeout is not None and not _readable(opened, timeout):
                    return None
                return opened.recv(_CHUNK)
        except OSError:
            return b""

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._socket is None:
                return
            # Closing alone would not wake a thread that waits.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            if not self._users:
                self._socket.close()

    @contextlib.contextmanager
    def _used(self) -> Generator[socket.socket, None, None]:
        """The socket, whose descriptor is not given back (and used for another file) meanwhile."""
        with self._lock:
            if self._socket is None or self._closed:
                raise ConnectionError("the connection is closed")
            opened = self._socket
            self._users += 1
        try:
            yield opened
        finally:
            with self._lock:
                self._users -= 1
                if self._closed and not self._users:
                    opened.close()


def _readable(opened: socket.socket, timeout: float) -> bool:
    # `select` cannot take descriptors over 1023, and applications have many files open.
    poll = select.poll()
    poll.register(opened, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


class PipeTransport:
    """A named pipe of Windows. Not tested: no daemon has run there yet."""

    def __init__(self) -> None:
        self._handle: Any = None

    def connect(self, address: str) -> bool:
        if sys.platform != "win32":
            raise ConnectFailed("there are no named pipes here", address)
        import _winapi

        deadline = time.monotonic() + 5
        while True:
            try:
                # Overlapped: reading would keep writing waiting otherwise.
                self._handle = _winapi.CreateFile(
                    address,
                    _winapi.GENERIC_READ | _winapi.GENERIC_WRITE,
                    0,
                    _winapi.NULL,
                    _winapi.OPEN_EXISTING,
                    _winapi.FILE_FLAG_OVERLAPPED,
                    _winapi.NULL,
                )
                return True
            except FileNotFoundError:
                return False
            except OSError as error:
                busy = error.winerror == _winapi.ERROR_PIPE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise ConnectFailed(
                        f"the daemon cannot be reached: {error.strerror or error}", address
                    ) from error
                time.sleep(0.02)

    def send(self, parts: Sequence[Buffer]) -> None:
        if sys.platform == "win32":
            import _winapi

            for part in parts:
                left = memoryview(part).cast("B")
                while len(left):
                    # `WriteFile` knows bytes alone; pieces keep the copies small.
                    overlapped, _ = _winapi.WriteFile(
                        self._handle, bytes(left[:_CHUNK]), overlapped=True
                    )
                    written, _ = overlapped.GetOverlappedResult(True)
                    left = left[written:]

    def receive(self, timeout: Optional[float] = None) -> Optional[Buffer]:
        if sys.platform == "win32":
            import _winapi

            try:
                overlapped, error = _winapi.ReadFile(self._handle, _CHUNK, overlapped=True)
                if error == _winapi.ERROR_IO_PENDING and timeout is not None:
                    waited = _winapi.WaitForMultipleObjects(
                        [overlapped.event], False, int(timeout * 1000)
                    )
                    if waited == _winapi.WAIT_TIMEOUT:
                        overlapped.cancel()
                        _, error = overlapped.GetOverlappedResult(True)
                        if error == _winapi.ERROR_OPERATION_ABORTED:
                            return None
                overlapped.GetOverlappedResult(True)
                return overlapped.getbuffer() or b""
            except OSError:
                return b""
        return b""

    def close(self) -> None:
        if sys.platform == "win32" and self._handle is not None:
            import _winapi

            handle, self._handle = self._handle, None
            _winapi.CloseHandle(handle)


def default_transport() -> Transport:
    """The system's own kind of local socket."""
    return PipeTransport() if os.name == "nt" else SocketTransport()
