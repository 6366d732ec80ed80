"""A client for applications with an event loop of their own.

A worker thread owns the connection: it starts the daemon, sends, waits and connects again.
The application's thread makes requests with `submit`, which returns at once, and calls `pump`
now and then, from a timer, to get what came back. Callbacks run in `pump` and nowhere else.
"""

import collections
import contextlib
import functools
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union, cast

from .connection import Connection, ConnectOptions, Settled, connect
from .errors import Cancelled, ConnectionLost, FramewrightError
from .messages import Answer, Event
from .methods import (
    ATTEMPTS,
    AgainOptions,
    GenerateOptions,
    may_be_asked_again,
    pause,
    went_away,
    with_key,
)
from .picture import as_parameters
from .results import Generated, MadeAgain, decode

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .messagepack import Buffer

Result = TypeVar("Result")

# How often it is looked whether a daemon is there again, when only events are waited for.
_LOOK_SECONDS = 2.0


class Ticket(Generic[Result]):
    """A request that was made. `pump` fills it in: read it on the thread that pumps."""

    def __init__(self, method: str, cancel: Callable[[], None]) -> None:
        self.method = method
        self.job: Optional[str] = None
        """The name of the job that it made, once the daemon has told it."""
        self.done = False
        """Whether `result` or `error` is there."""
        self.result: Optional[Result] = None
        self.error: Optional[FramewrightError] = None
        self._cancel = cancel

    def cancel(self) -> None:
        """Cancels the job, or the request when it was not sent yet; its `error` will be
        `Cancelled`. Does nothing when it has ended. May be called from any thread."""
        self._cancel()


class _Errand:
    """What the background knows of a ticket."""

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any],
        cancel: Callable[["_Errand"], None],
        understand: Callable[[Any], Any],
        on_event: Optional[Callable[[Event], None]],
        on_result: Optional[Callable[[Any], None]],
        on_error: Optional[Callable[[FramewrightError], None]],
    ) -> None:
        self.method = method
        self.params = params
        self.understand = understand
        self.on_event = on_event
        self.on_result = on_result
        self.on_error = on_error
        self.ticket: Ticket[Any] = Ticket(method, functools.partial(cancel, self))
        self.attempts = 0
        # Whether the daemon may have seen it.
        self.sent = False
        self.to_be_cancelled = False


class Background:
    """A connection to the daemon in a thread of its own.

    `on_event` gets the events that belong to no ticket, such as those of `topics` (`jobs`,
    `library`). `on_state` is told `connecting`, `connected` and `offline` when that changes.
    Nothing is connected before the first `submit`, unless there are topics. A request whose
    answer was lost with its connection is sent again where that does nothing twice; frames are
    asked for with a key, so the daemon goes on with the same job.

    Call `close` at the end.
    """

    def __init__(
        self,
        options: ConnectOptions,
        *,
        topics: Sequence[str] = (),
        on_event: Optional[Callable[[Event], None]] = None,
        on_state: Optional[Callable[[str], None]] = None,
    ) -> None:
        self._options = options
        self._topics = list(topics)
        self._on_event = on_event
        self._on_state = on_state
        self._state = "offline"
        self._closing = threading.Event()
        self._connection: Optional[Connection] = None
        self._waiting: set[_Errand] = set()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        # The newest progress that was not delivered yet, by whose it is.
        self._progress: dict[object, Event] = {}
        self._inbox: collections.deque[Callable[[], None]] = collections.deque()
        self._worker = threading.Thread(target=self._work, name="framewright", daemon=True)
        self._worker.start()
        if self._topics:
            self._commands.put(self._look)

    # The application's side.

    def submit(
        self,
        method: str,
        params: Optional[Mapping[str, Any]] = None,
        *,
        understand: Callable[[Any], Result] = lambda result: result,
        on_event: Optional[Callable[[Event], None]] = None,
        on_result: Optional[Callable[[Result], None]] = None,
        on_error: Optional[Callable[[FramewrightError], None]] = None,
    ) -> Ticket[Result]:
        """Makes a request and returns at once.

        `params` may hold `Picture`s, whose bytes must not change until the ticket is done.
        `understand` turns the result, as it was unpacked, into what the ticket holds. `on_event`
        gets the events of its job; of `job.progress` only the newest that waits.
        """
        # Asking again with its key finds the same job.
        wire = with_key(method, as_parameters(params or {}))
        errand = _Errand(method, wire, self._cancel, understand, on_event, on_result, on_error)
        if self._closing.is_set():
            self._settle(errand, ConnectionLost("this client was closed"))
        else:
            self._commands.put(functools.partial(self._send, errand))
        return errand.ticket

    def generate(
        self,
        prompt: str,
        *,
        on_event: Optional[Callable[[Event], None]] = None,
        on_result: Optional[Callable[[Generated], None]] = None,
        on_error: Optional[Callable[[FramewrightError], None]] = None,
        **options: "Unpack[GenerateOptions]",
    ) -> Ticket[Generated]:
        """Makes frames from a prompt; see `GenerateOptions` and `submit`."""
        return self.submit(
            "frame.generate",
            {"prompt": prompt, **options},
            understand=functools.partial(decode, Generated),
            on_event=on_event,
            on_result=on_result,
            on_error=on_error,
        )

    def again(
        self,
        png: "Buffer",
        *,
        on_event: Optional[Callable[[Event], None]] = None,
        on_result: Optional[Callable[[MadeAgain], None]] = None,
        on_error: Optional[Callable[[FramewrightError], None]] = None,
        **options: "Unpack[AgainOptions]",
    ) -> Ticket[MadeAgain]:
        """Makes a frame again from its PNG's bytes; see `AgainOptions` and `submit`."""
        return self.submit(
            "frame.again",
            {"png": png, **options},
            understand=functools.partial(decode, MadeAgain),
            on_event=on_event,
            on_result=on_result,
            on_error=on_error,
        )

    def pump(self, budget_seconds: float = 0.005) -> int:
        """Delivers what came back, on this thread; tells how many deliveries there were.

        Begins no other delivery when the budget is used up; the first is always made. An
        exception of a callback comes out here, and the next `pump` goes on after it.
        """
        deadline = time.monotonic() + budget_seconds
        delivered = 0
        while True:
            try:
                delivery = self._inbox.popleft()
            except IndexError:
                return delivered
            delivered += 1
            delivery()
            if time.monotonic() >= deadline:
                return delivered

    def wait(self, ticket: Ticket[Result], timeout: Optional[float] = None) -> bool:
        """Pumps until a ticket is done; `False` when it is not after `timeout` seconds. For
        scripts and tests: an application's event loop must not wait."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not ticket.done:
            if not self.pump() and deadline is not None and time.monotonic() >= deadline:
                return False
            if not ticket.done and not self._inbox:
                time.sleep(0.002)
        return True

    @property
    def state(self) -> str:
        """`offline`, `connecting` or `connected`."""
        return self._state

    def close(self, *, cancel: bool = True, timeout: float = 2.0) -> None:
        """Ends the connection, and with `cancel` the jobs of tickets that are not done; without,
        the daemon goes on with them. Waits `timeout` seconds at most."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._commands.put(functools.partial(self._finish, cancel))
        self._worker.join(timeout)
        if not self._worker.is_alive():
            # What was submitted while it ended: each ticket gets its error.
            with contextlib.suppress(queue.Empty):
                while True:
                    self._commands.get_nowait()()

    # The worker's side.

    def _work(self) -> None:
        while not (self._closing.is_set() and self._commands.empty()):
            away = self._connection is None or not self._connection.open
            watching = bool(self._topics) and away
            try:
                command = self._commands.get(timeout=_LOOK_SECONDS if watching else None)
            except queue.Empty:
                command = self._look
            command()

    def _look(self) -> None:
        """Connects for the sake of events, if a daemon runs: it may have been stopped on
        purpose."""
        with contextlib.suppress(FramewrightError):
            self._connect(start=False)

    def _connect(self, start: bool) -> Connection:
        if self._connection is not None and self._connection.open:
            return self._connection
        if self._closing.is_set():
            raise ConnectionLost("this client was closed")
        if start:
            self._tell_state("connecting")
        options = ConnectOptions(
            self._options.client,
            self._options.start and start,
            self._options.patience,
            self._options.home,
            self._options.program,
            self._options.transport,
        )
        try:
            connection = connect(options, self._take_other, self._take_loss, self._closing.is_set)
            if self._topics:
                connection.send("events.subscribe", {"topics": self._topics}, lambda _: None)
        except FramewrightError:
            self._tell_state("offline")
            raise
        self._connection = connection
        self._tell_state("connected")
        return connection

    def _send(self, errand: _Errand) -> None:
        if errand.to_be_cancelled and not errand.sent:
            self._settle(errand, Cancelled())
            return
        errand.attempts += 1
        try:
            connection = self._connect(start=True)
            errand.sent = True
            self._waiting.add(errand)
            take = functools.partial(self._take, errand)
            connection.send(errand.method, errand.params, take)
        except ConnectionLost as error:
            self._send_again(errand, error)
        except FramewrightError as error:
            self._settle(errand, error)
        except Exception as error:
            # Of a transport that was plugged in: the worker goes on, whatever it raises.
            self._settle(errand, FramewrightError(f"the request could not be sent: {error}"))

    def _send_again(self, errand: _Errand, error: FramewrightError) -> None:
        again = went_away(error) and may_be_asked_again(errand.method, errand.params)
        if again and errand.attempts < ATTEMPTS and not self._closing.wait(pause(errand.attempts)):
            self._send(errand)
        else:
            self._settle(errand, error)

    def _send_cancel(self, errand: _Errand) -> None:
        # Without a job's name the event that brings it will cancel; without a connection the
        # request is about to be sent again, and that event comes again.
        if (
            errand in self._waiting
            and errand.ticket.job is not None
            and self._connection is not None
        ):
            with contextlib.suppress(FramewrightError):
                self._connection.send("job.cancel", {"job": errand.ticket.job}, lambda _: None)

    def _finish(self, cancel: bool) -> None:
        for errand in list(self._waiting):
            if cancel:
                self._send_cancel(errand)
            self._settle(errand, ConnectionLost("this client was closed"))
        if self._connection is not None:
            self._connection.close()

    def _cancel(self, errand: _Errand) -> None:
        errand.to_be_cancelled = True
        self._commands.put(functools.partial(self._send_cancel, errand))

    # The connection's thread comes in here.

    def _take(self, errand: _Errand, incoming: Union[Event, Settled]) -> None:
        if isinstance(incoming, Event):
            if incoming.job is not None:
                # A job that is asked for again is queued again, as far as this connection sees.
                first = errand.ticket.job is None or incoming.name == "job.queued"
                errand.ticket.job = incoming.job
                if first and errand.to_be_cancelled:
                    self._commands.put(functools.partial(self._send_cancel, errand))
            self._post(errand, errand.on_event, incoming)
        elif isinstance(incoming, Answer) or not went_away(incoming):
            self._settle(errand, incoming)
        else:
            self._commands.put(functools.partial(self._send_again, errand, incoming))

    def _take_other(self, event: Event) -> None:
        self._post(event.job, self._on_event, event)

    def _post(
        self, whose: object, on_event: Optional[Callable[[Event], None]], event: Event
    ) -> None:
        if on_event is None:
            return
        if event.name != "job.progress":
            self._inbox.append(functools.partial(on_event, event))
            return
        # An application that does not pump for an hour must not find an hour's previews.
        with self._lock:
            waits = whose in self._progress
            self._progress[whose] = event
        if not waits:
            self._inbox.append(functools.partial(self._deliver_progress, whose, on_event))

    def _take_loss(self, connection: Connection) -> None:
        self._commands.put(functools.partial(self._notice_loss, connection))

    def _notice_loss(self, connection: Connection) -> None:
        if connection is self._connection:
            self._connection = None
            self._tell_state("offline")

    # Deliveries.

    def _settle(self, errand: _Errand, settled: Settled) -> None:
        self._waiting.discard(errand)
        self._inbox.append(functools.partial(self._deliver_end, errand, settled))

    def _deliver_end(self, errand: _Errand, settled: Settled) -> None:
        if errand.ticket.done:
            return
        if isinstance(settled, Answer):
            try:
                errand.ticket.result = errand.understand(settled.result)
            except FramewrightError as error:
                settled = error
        errand.ticket.done = True
        if isinstance(settled, Answer):
            if errand.on_result is not None:
                errand.on_result(cast("Any", errand.ticket.result))
        else:
            errand.ticket.error = settled
            if errand.on_error is not None:
                errand.on_error(settled)

    def _deliver_progress(self, whose: object, on_event: Callable[[Event], None]) -> None:
        with self._lock:
            latest = self._progress.pop(whose)
        on_event(latest)

    def _tell_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            if self._on_state is not None:
                self._inbox.append(functools.partial(self._on_state, state))
