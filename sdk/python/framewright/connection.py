"""A connection to the daemon that several calls, and threads, use at once."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from .conversation import Conversation
from .errors import (
    ConnectionLost,
    FramewrightError,
    HiddenBySandbox,
    NotRunning,
    RequestError,
    TimedOut,
)
from .home import Home, flatpak
from .messages import Answer, Event, Refusal
from .results import Hello
from .start import Starting, find_daemon
from .transport import Transport, default_transport

# How long an answer to `hello` may take.
_HELLO_SECONDS = 10.0


@dataclass(frozen=True)
class ConnectOptions:
    """How to reach the daemon.

    `client` is the client's name and version, for the daemon's log. With `start` a daemon is
    started when none runs; it may take `patience` seconds until it answers. `home` is where the
    daemon's files are and `program` is `framewrightd`, both found when they are left out.
    `transport` makes an unconnected transport.
    """

    client: str = "framewright-python 0.1.0"
    start: bool = True
    patience: float = 15.0
    home: Optional[Home] = None
    program: Optional[Path] = None
    transport: Callable[[], Transport] = default_transport


Settled = Union[Answer, RequestError, FramewrightError]
"""How a request ends: an answer, a refusal, or the loss of the connection."""

Sink = Callable[[Union[Event, Settled]], None]
"""Takes what comes back for a request, on the connection's own thread: it must be quick and
must not raise. After a `Settled` nothing more comes."""


class Connection:
    """A connection that has said hello. One thread of its own reads it.

    `on_other` takes the events that belong to no request that waits; `on_lost` is called once
    when the connection has ended, after every request has got its `Settled`. Both are called on
    the connection's thread.
    """

    def __init__(
        self,
        transport: Transport,
        client: str,
        on_other: Callable[[Event], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self._transport = transport
        self._conversation = Conversation(client)
        self._on_other = on_other
        self._on_lost = on_lost
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._pending: dict[int, Sink] = {}
        # Set as soon as anybody notices: whoever comes then must not try this connection again.
        self._broken = False
        greeted = threading.Event()
        outcome: list[Settled] = []

        def take(incoming: Union[Event, Settled]) -> None:
            if not isinstance(incoming, Event):
                outcome.append(incoming)
                greeted.set()

        threading.Thread(target=self._read, name="framewright-read", daemon=True).start()
        parts = self._conversation.hello()
        self._begin(self._conversation.hello_id, take)
        with contextlib.suppress(OSError):
            transport.send(parts)
        if not greeted.wait(_HELLO_SECONDS):
            self.close()
            raise TimedOut("hello", _HELLO_SECONDS)
        if not isinstance(outcome[0], Answer):
            self.close()
            raise outcome[0]

    @property
    def hello(self) -> Hello:
        """What the daemon said about itself."""
        told = self._conversation.told
        assert told is not None, "the constructor waits for it"
        return told

    @property
    def open(self) -> bool:
        """Whether requests can still be made."""
        return not self._broken

    def send(self, method: str, params: Mapping[str, Any], sink: Sink) -> int:
        """Makes a request; gives its id.

        Raises `PackError` and `TooLong` when it cannot be sent, `ConnectionLost` when the
        connection has ended. The sink is called only when nothing was raised.
        """
        id = self._conversation.next_id()
        parts = self._conversation.request(id, method, params)
        self._begin(id, sink)
        try:
            with self._sending:
                self._transport.send(parts)
        except BaseException as error:
            # Half a request may be on its way (by Ctrl-C, too): nothing can follow it.
            self.close()
            if not self._forget(id):
                return id
            if isinstance(error, OSError):
                raise ConnectionLost() from error
            if isinstance(error, Exception):
                # Of a transport that was plugged in.
                raise ConnectionLost(f"the connection to the daemon broke: {error}") from error
            raise
        return id

    def close(self) -> None:
        """Ends the connection. The daemon cancels the jobs that it asked for without a key."""
        self._broken = True
        self._transport.close()

    def _begin(self, id: int, sink: Sink) -> None:
        with self._lock:
            if self._broken:
                raise ConnectionLost()
            self._pending[id] = sink

    def _forget(self, id: int) -> bool:
        """Whether the request was still waiting."""
        with self._lock:
            return self._pending.pop(id, None) is not None

    def _read(self) -> None:
        lost: FramewrightError = ConnectionLost()
        try:
            while True:
                data = self._transport.receive()
                if not data:
                    if data is None:
                        continue
                    break
                for message in self._conversation.feed(data):
                    if isinstance(message, Event):
                        self._event(message)
                    elif isinstance(message, Answer):
                        self._settle(message.id, message)
                    elif isinstance(message, Refusal):
                        if message.id is not None:
                            self._settle(message.id, message.error)
                        else:
                            # It is not said which request: the daemon gives up on all.
                            self._settle_all(message.error)
        except FramewrightError as error:
            lost = error
        except Exception as error:
            # Of a transport that was plugged in: whoever waits must learn of it.
            lost = ConnectionLost(f"the connection to the daemon broke: {error}")
        self.close()
        self._settle_all(lost)
        self._on_lost(self)

    def _event(self, event: Event) -> None:
        sink = None
        if event.request is not None:
            with self._lock:
                sink = self._pending.get(event.request)
        (sink or self._on_other)(event)

    def _settle(self, id: int, settled: Settled) -> None:
        with self._lock:
            sink = self._pending.pop(id, None)
        if sink is not None:
            sink(settled)

    def _settle_all(self, settled: Settled) -> None:
        with self._lock:
            waiting = list(self._pending.values())
            self._pending.clear()
        for sink in waiting:
            sink(settled)


def connect(
    options: ConnectOptions,
    on_other: Callable[[Event], None],
    on_lost: Callable[[Connection], None],
    given_up: Callable[[], bool] = lambda: False,
) -> Connection:
    """Connects, and starts a daemon when none runs and `options` allow it.

    `given_up` is asked now and then whether to stop waiting. Raises `HomeError`, an
    `Unreachable`, `WrongLevel` or `TimedOut`.
    """
    home = options.home or Home.from_environment()
    attempts = 5
    while True:
        transport = options.transport()
        if not transport.connect(home.address):
            see_through_sandbox(home)
            if not options.start:
                raise NotRunning(
                    "the daemon is not running", None, "start it: framewright daemon start"
                )
            transport = _start(options, home, given_up)
        try:
            return Connection(transport, options.client, on_other, on_lost)
        except ConnectionLost:
            # It was on its way out: the next one is another.
            attempts -= 1
            if not attempts:
                raise
            time.sleep(0.02)


def _start(options: ConnectOptions, home: Home, given_up: Callable[[], bool]) -> Transport:
    starting = Starting(find_daemon(options.program), home)
    began = time.monotonic()
    while True:
        transport = options.transport()
        if transport.connect(home.address):
            return transport
        starting.check()
        if given_up() or time.monotonic() - began > options.patience:
            raise starting.failure(f"it does not answer after {options.patience:g} seconds")
        time.sleep(0.005)


def see_through_sandbox(home: Home) -> None:
    """Raises when a sandbox hides the daemon, or keeps this process from starting one."""
    application = flatpak()
    if application is None:
        return
    if home.runtime.is_dir():
        # What is started in here would end with the application, and nobody else would see it.
        raise NotRunning(
            "the daemon is not running, and it cannot be started from within a Flatpak sandbox",
            None,
            "start it in a terminal: framewright daemon start",
        )
    grant = "xdg-run/framewright" if home.root is None else str(home.root)
    raise HiddenBySandbox(
        "this application runs in a Flatpak sandbox, which hides the daemon's socket",
        str(home.socket),
        "start the daemon in a terminal (framewright daemon start), run "
        f"`flatpak override --user --filesystem={grant} {application}`, "
        "then start the application again",
    )
