"""The connection to the daemon, on Qt's own local socket and in Qt's own event loop.

Nothing here waits and no thread is involved: bytes are fed to a `Conversation` as they come, and
answers are given to callbacks. When the daemon goes away over a request, the link connects again
(and starts the daemon again) and asks again where that does nothing twice: frames are asked for
with a key, by which the daemon finds the same job.
"""

import contextlib
import functools
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from framewright import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    ConnectOptions,
    Conversation,
    Event,
    FramewrightError,
    Home,
    NotRunning,
)
from framewright.connection import see_through_sandbox
from framewright.messages import Answer, Message, Refusal
from framewright.methods import ATTEMPTS, key_of, may_be_asked_again, pause, went_away
from framewright.picture import as_parameters
from framewright.start import Starting, find_daemon

from .qt import QtCore, QtNetwork

OFFLINE = "offline"
CONNECTING = "connecting"
STARTING = "starting"
CONNECTED = "connected"

# How often a daemon that was started is looked for, and one that somebody else may start.
_START_MILLISECONDS = 50
_WATCH_MILLISECONDS = 2000
_HELLO_MILLISECONDS = 10_000
# Bytes that are taken at once, so that a large answer leaves time for the canvas.
_CHUNK = 1 << 20

_Unconnected = QtNetwork.QLocalSocket.LocalSocketState.UnconnectedState
_NotFound = QtNetwork.QLocalSocket.LocalSocketError.ServerNotFoundError
_Refused = QtNetwork.QLocalSocket.LocalSocketError.ConnectionRefusedError


class Call:
    """A request that was made; `cancel` ends it."""

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[FramewrightError], None],
        on_event: Optional[Callable[[Event], None]],
        cancel: Callable[["Call"], None],
    ) -> None:
        self.method = method
        self.params = params
        self.on_result = on_result
        self.on_error = on_error
        self.on_event = on_event
        self.job: Optional[str] = None
        """The name of the job that it made, once the daemon has told it."""
        self.attempts = 0
        self.cancelling = False
        self._cancel = cancel

    def cancel(self) -> None:
        """Cancels exactly this request's job; its error will be `Cancelled`."""
        self._cancel(self)


class Link(QtCore.QObject):
    """The one connection of this application. `options.patience` is how long a daemon may take
    to start, in seconds."""

    state_changed = QtCore.pyqtSignal(str)
    """`offline`, `connecting`, `starting` or `connected`."""
    event_came = QtCore.pyqtSignal(object)
    """An `Event` that belongs to no request."""

    def __init__(self, options: ConnectOptions, parent: Optional[QtCore.QObject] = None) -> None:
        super().__init__(parent)
        self._options = options
        self._state = OFFLINE
        self._socket: Optional[QtNetwork.QLocalSocket] = None
        self._conversation: Optional[Conversation] = None
        self._starting: Optional[Starting] = None
        self._started_at = 0.0
        self._queue: deque[Call] = deque()
        self._reading = False
        self._waiting: dict[int, Call] = {}
        self._closed = False
        self._watching = False
        self._losses = 0
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)

    @property
    def state(self) -> str:
        """As `state_changed` tells it."""
        return self._state

    @property
    def version(self) -> str:
        """The daemon's version; empty while there is no connection."""
        told = self._conversation.told if self._conversation is not None else None
        return told.version if told is not None else ""

    def set_program(self, program: Path) -> None:
        """Says where the daemon's program is."""
        self._options = replace(self._options, program=program)

    def watch(self) -> None:
        """Connects whenever a daemon runs, and goes on looking for one. Starts none."""
        self._watching = True
        if self._state == OFFLINE:
            self._open()

    def ask(
        self,
        method: str,
        params: Optional[Mapping[str, Any]] = None,
        on_result: Callable[[Any], None] = lambda _: None,
        on_error: Callable[[FramewrightError], None] = lambda _: None,
        on_event: Optional[Callable[[Event], None]] = None,
    ) -> Call:
        """Makes a request and returns at once; starts the daemon when none runs.

        `params` may hold `Picture`s, whose bytes must not change until the answer has come, and a
        `key`, by which a job is found again when the daemon went away over it.
        Callbacks are never called from within `ask`.
        """
        wire = as_parameters(params or {})
        call = Call(method, wire, on_result, on_error, on_event, self._cancel)
        self._queue.append(call)
        QtCore.QTimer.singleShot(0, self._advance)
        return call

    def start(self) -> None:
        """Starts the daemon when none runs."""
        self.ask("ping")

    def close(self) -> None:
        """Ends the connection. Jobs with a key go on in the daemon."""
        self._closed = True
        self._timer.stop()
        self._drop()

    # Connecting.

    def _advance(self) -> None:
        if self._closed:
            self._fail(ConnectionLost("Krita is closing"))
        elif self._state == CONNECTED:
            while self._queue and self._state == CONNECTED:
                self._send(self._queue.popleft())
        elif self._state == OFFLINE and self._queue:
            self._open()

    def _open(self) -> None:
        try:
            home = self._options.home or Home.from_environment()
        except FramewrightError as error:
            self._fail(error)
            return
        self._timer.stop()
        if self._state != STARTING:
            self._tell(CONNECTING if self._queue else OFFLINE)
        socket = QtNetwork.QLocalSocket(self)
        self._socket = socket
        # `stateChanged` tells of a connection before anything can be written.
        socket.connected.connect(functools.partial(self._greet, socket))
        socket.disconnected.connect(functools.partial(self._ended, socket))
        socket.readyRead.connect(functools.partial(self._read, socket))
        socket.connectToServer(home.address)
        if socket is self._socket and socket.state() == _Unconnected:
            self._unreachable(home)

    def _ended(self, socket: QtNetwork.QLocalSocket) -> None:
        if self._reading:
            QtCore.QTimer.singleShot(0, functools.partial(self._ended, socket))
        elif socket is self._socket and self._conversation is not None:
            self._read(socket)
            if socket is self._socket:
                self._lost(ConnectionLost())

    def _unreachable(self, home: Home) -> None:
        socket = self._socket
        error = socket.error() if socket is not None else _NotFound
        text = socket.errorString() if socket is not None else ""
        self._drop()
        try:
            if error not in (_NotFound, _Refused):
                raise ConnectFailed(
                    f"the daemon cannot be reached: {text}",
                    home.address,
                    "see whether this user may use the socket; FRAMEWRIGHT_HOME moves it",
                )
            self._start(home)
        except FramewrightError as failure:
            self._fail(failure)

    def _start(self, home: Home) -> None:
        if self._starting is not None:
            self._starting.check()
            patience = self._options.patience
            if time.monotonic() - self._started_at > patience:
                raise self._starting.failure(f"it does not answer after {patience:g} seconds")
        else:
            see_through_sandbox(home)
            if not self._queue:
                self._fail(None)
                return
            if not self._options.start:
                raise NotRunning(
                    "the daemon is not running", None, "start it: framewright daemon start"
                )
            self._starting = Starting(find_daemon(self._options.program), home)
            self._started_at = time.monotonic()
            self._tell(STARTING)
        self._timer.start(_START_MILLISECONDS)

    def _greet(self, socket: QtNetwork.QLocalSocket) -> None:
        if socket is not self._socket:
            return
        self._starting = None
        self._conversation = Conversation(self._options.client)
        self._write(socket, self._conversation.hello())
        self._timer.start(_HELLO_MILLISECONDS)

    def _tick(self) -> None:
        if self._closed:
            return
        if self._conversation is not None and self._state != CONNECTED:
            self._lost(ConnectionLost("the daemon does not answer"))
        elif self._socket is None:
            self._open()

    def _fail(self, error: Optional[FramewrightError]) -> None:
        """Gives up for now; who waits for a connection gets the reason."""
        self._starting = None
        waiting, self._queue = self._queue, deque()
        self._tell(OFFLINE)
        if self._watching and not self._closed:
            self._timer.start(_WATCH_MILLISECONDS)
        for call in waiting:
            call.on_error(Cancelled() if call.cancelling else error or ConnectionLost())

    # Messages.

    def _send(self, call: Call) -> None:
        if call.cancelling:
            call.on_error(Cancelled())
            return
        conversation, socket = self._conversation, self._socket
        if conversation is None or socket is None:
            self._queue.appendleft(call)
            return
        id = conversation.next_id()
        try:
            parts = conversation.request(id, call.method, call.params)
        except FramewrightError as error:
            call.on_error(error)
            return
        call.attempts += 1
        self._waiting[id] = call
        self._write(socket, parts)

    def _write(self, socket: QtNetwork.QLocalSocket, parts: "list[Any]") -> None:
        for part in parts:
            socket.write(bytes(part))

    def _read(self, socket: QtNetwork.QLocalSocket) -> None:
        conversation = self._conversation
        if socket is not self._socket or conversation is None or self._reading:
            # Who takes a message may let the event loop run, and what comes then is read after
            # the rest of the bytes that were read before it.
            return
        data = socket.read(_CHUNK)
        self._reading = True
        try:
            for message in conversation.feed(data or b""):
                self._take(message)
        except FramewrightError as error:
            if socket is self._socket:
                self._broken(error)
        finally:
            self._reading = False
        current = self._socket
        if current is not None and current.bytesAvailable():
            # The rest after whatever else the event loop has to do.
            QtCore.QTimer.singleShot(0, functools.partial(self._read, current))

    def _take(self, message: Message) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        if isinstance(message, Event):
            self._event(message)
        elif isinstance(message, Answer) and message.id == conversation.hello_id:
            self._timer.stop()
            self._tell(CONNECTED)
            self._advance()
        elif isinstance(message, Answer):
            call = self._waiting.pop(message.id, None)
            if call is not None:
                self._losses = 0
                call.on_result(message.result)
        elif isinstance(message, Refusal):
            if message.id is None or message.id == conversation.hello_id:
                self._broken(message.error)
                return
            call = self._waiting.pop(message.id, None)
            if call is None:
                return
            if went_away(message.error) and self._again(call):
                QtCore.QTimer.singleShot(200, self._advance)
            else:
                call.on_error(message.error)

    def _event(self, event: Event) -> None:
        call = self._waiting.get(event.request) if event.request is not None else None
        if call is None:
            self.event_came.emit(event)
            return
        if event.job is not None:
            first = call.job != event.job
            call.job = event.job
            if call.cancelling and (first or event.name == "job.queued"):
                self.ask("job.cancel", {"job": call.job})
        if call.on_event is not None:
            call.on_event(event)

    def _cancel(self, call: Call) -> None:
        call.cancelling = True
        if call.job is not None and call in self._waiting.values():
            self.ask("job.cancel", {"job": call.job})
        elif call in self._queue:
            with contextlib.suppress(ValueError):
                self._queue.remove(call)
            QtCore.QTimer.singleShot(0, lambda: call.on_error(Cancelled()))

    # Losing the connection.

    def _broken(self, error: FramewrightError) -> None:
        """What came in cannot be trusted, or the daemon refuses this client."""
        calls, self._waiting = list(self._waiting.values()), {}
        self._drop()
        self._tell(OFFLINE)
        for call in calls:
            call.on_error(error)
        self._fail(error)

    def _lost(self, error: ConnectionLost) -> None:
        calls, self._waiting = list(self._waiting.values()), {}
        self._drop()
        self._tell(OFFLINE)
        self._losses += 1
        failed = [call for call in calls if not self._again(call)]
        for call in failed:
            call.on_error(error)
        if self._queue or self._watching:
            self._timer.start(int(1000 * pause(min(self._losses, ATTEMPTS))))

    def _again(self, call: Call) -> bool:
        """Puts a call back into the queue, where that does nothing twice."""
        if self._closed or call.attempts >= ATTEMPTS or call.method == "job.cancel":
            return False
        keyed = key_of(call.method, call.params) is not None
        if not keyed and not may_be_asked_again(call.method, call.params):
            return False
        self._queue.append(call)
        return True

    def _drop(self) -> None:
        socket, self._socket = self._socket, None
        self._conversation = None
        if socket is not None:
            socket.abort()
            socket.deleteLater()

    def _tell(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
