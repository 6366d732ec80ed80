"""A client that waits: for scripts, and for threads of your own."""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from .connection import Connection, ConnectOptions, Settled, connect
from .errors import AnswerError, ConnectionLost, FramewrightError, RequestError, TimedOut
from .home import Home
from .messagepack import Buffer
from .messages import Answer, Event
from .methods import (
    ATTEMPTS,
    AgainOptions,
    GenerateOptions,
    key_of,
    may_be_asked_again,
    pause,
    went_away,
)
from .picture import as_parameters
from .results import (
    BlobPart,
    Generated,
    Hello,
    JobDetails,
    JobEvents,
    JobList,
    JobOutcome,
    JobTicket,
    MadeAgain,
    ModelReport,
    Models,
    Pruned,
    Status,
    Stored,
    Tokens,
    decode,
)
from .transport import Transport, default_transport

if TYPE_CHECKING:
    from typing_extensions import Unpack

OnEvent = Callable[[Event], None]

# Bytes of a blob in one message; a message may be sixteen times as long.
BLOB_CHUNK = 4 << 20


class Call:
    """A request that was made. Any thread may `cancel` it; one takes its events and answer."""

    def __init__(self, connection: Connection, method: str, params: Mapping[str, Any]) -> None:
        self.method = method
        self.job: Optional[str] = None
        """The name of the job that it made, once the daemon has told it."""
        # Nobody else can ask for such a job's result.
        self._ours_alone = method.startswith("frame.") and key_of(method, params) is None
        self._connection = connection
        self._incoming: queue.SimpleQueue[Union[Event, Settled]] = queue.SimpleQueue()
        self._settled: Optional[Settled] = None
        self._to_be_cancelled = False
        self._id = connection.send(method, params, self._take)

    def _take(self, incoming: Union[Event, Settled]) -> None:
        if isinstance(incoming, Event) and self.job is None:
            self.job = incoming.job
            if self._to_be_cancelled and self.job is not None:
                # Not from here: the connection's own thread must go on reading.
                threading.Thread(target=self._send_cancel, daemon=True).start()
        self._incoming.put(incoming)

    def events(self, timeout: Optional[float] = None) -> Iterator[Event]:
        """The events, until the answer has come or the connection is lost; `answer` says which.

        Raises `TimedOut` when that takes longer than `timeout` seconds; the request goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._settled is None:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            try:
                incoming = self._incoming.get(timeout=left)
            except queue.Empty:
                raise TimedOut(self.method, timeout or 0.0, self.job) from None
            if isinstance(incoming, Event):
                yield incoming
            else:
                self._settled = incoming

    def answer(self, timeout: Optional[float] = None, on_event: Optional[OnEvent] = None) -> Any:
        """The result; events that were not taken yet go to `on_event`, on this thread.

        When it is left by an exception (`timeout` seconds are over, Ctrl-C, one of `on_event`)
        the job is cancelled, unless it has a key by which it can be asked for again.

        Raises `TimedOut`, `ConnectionLost`, or the daemon's `RequestError`.
        """
        try:
            for event in self.events(timeout):
                if on_event is not None:
                    on_event(event)
        except BaseException:
            if self._ours_alone:
                self.cancel()
            raise
        if isinstance(self._settled, Answer):
            return self._settled.result
        assert self._settled is not None, "`events` ends with it"
        raise self._settled

    def cancel(self) -> None:
        """Cancels the job, also when its name is not known yet; `answer` then raises
        `Cancelled`. Does nothing when it has ended, or when the request makes no job."""
        self._to_be_cancelled = True
        if self.job is not None:
            self._send_cancel()

    def _send_cancel(self) -> None:
        with contextlib.suppress(FramewrightError):
            self._connection.send("job.cancel", {"job": self.job}, lambda _: None)


class Client:
    """A connection to the daemon that starts it when none runs; `Client.connect` makes one.

    Methods may be called from any thread, several at once, and wait for their answer. When the
    daemon went away, the next call connects again, and a call whose answer was lost is made
    again where that does nothing twice: reading, and jobs with a key.

    All methods raise the daemon's `RequestError`, `ConnectionLost`, the reasons why there is
    no connection (`Unreachable`), and `TimedOut` where a `timeout` (seconds) was given.
    """

    def __init__(self, options: ConnectOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._closed = False
        self._others: queue.SimpleQueue[Optional[Event]] = queue.SimpleQueue()
        self._topics: Sequence[str] = ()
        self._connection = self._connect()

    @classmethod
    def connect(
        cls,
        client: str = ConnectOptions.client,
        *,
        start: bool = True,
        patience: float = ConnectOptions.patience,
        home: Union[str, "os.PathLike[str]", None] = None,
        program: Union[str, "os.PathLike[str]", None] = None,
        transport: Callable[[], Transport] = default_transport,
    ) -> "Client":
        """Connects, and starts the daemon when none runs; see `ConnectOptions`.

        `home` is the directory that `FRAMEWRIGHT_HOME` would name.
        """
        return cls(
            ConnectOptions(
                client,
                start,
                patience,
                None if home is None else Home.under(Path(home)),
                None if program is None else Path(program),
                transport,
            )
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The constructor may have failed.
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Ends the connection. The daemon cancels the jobs that it asked for without a key."""
        # Told first: whoever holds the lock because he is connecting gives up.
        self._closed = True
        with self._lock:
            self._connection.close()

    @property
    def hello(self) -> Hello:
        """What the daemon said about itself."""
        return self._connection.hello

    def _connect(self) -> Connection:
        others = self._others

        def lost(_: Connection) -> None:
            others.put(None)

        return connect(self._options, others.put, lost, lambda: self._closed)

    def _connected(self) -> Connection:
        with self._lock:
            if self._closed:
                raise ConnectionLost("this client was closed")
            if not self._connection.open:
                self._connection = self._connect()
                if self._topics:
                    Call(self._connection, "events.subscribe", {"topics": self._topics})
            return self._connection

    def begin(self, method: str, params: Optional[Mapping[str, Any]] = None) -> Call:
        """Makes a request without waiting. `params` may hold `Picture`s; `None` is left out."""
        return Call(self._connected(), method, as_parameters(params or {}))

    def call(
        self,
        method: str,
        /,
        *,
        on_event: Optional[OnEvent] = None,
        timeout: Optional[float] = None,
        **params: Any,
    ) -> Any:
        """Makes a request and waits for its result, as it was unpacked: `describe` tells what
        there is. `on_event` gets the events of its job, on this thread."""
        return self._ask(method, params, on_event, timeout)

    def _ask(
        self,
        method: str,
        params: Mapping[str, Any],
        on_event: Optional[OnEvent] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        deadline = None if timeout is None else time.monotonic() + timeout
        attempt = 1
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            try:
                return self.begin(method, params).answer(left, on_event)
            except (ConnectionLost, RequestError) as error:
                again = went_away(error) and may_be_asked_again(method, params)
                if not again or self._closed or attempt == ATTEMPTS:
                    raise
                time.sleep(pause(attempt))
                attempt += 1
            except TimedOut as error:
                if timeout is None or left is None:
                    raise
                raise TimedOut(method, timeout, error.job) from None

    # What the daemon can do, in the order of the specification.

    def ping(self, timeout: Optional[float] = None) -> float:
        """Seconds until the daemon has answered."""
        began = time.perf_counter()
        self._ask("ping", {}, timeout=timeout)
        return time.perf_counter() - began

    def status(self, timeout: Optional[float] = None) -> Status:
        """What the daemon is doing, and where its files are."""
        return decode(Status, self._ask("status", {}, timeout=timeout))

    def describe(self) -> dict[str, Any]:
        """Every method, event and error code of the daemon."""
        return self._ask("describe", {})

    def generate(
        self,
        prompt: str,
        *,
        on_event: Optional[OnEvent] = None,
        timeout: Optional[float] = None,
        **options: "Unpack[GenerateOptions]",
    ) -> Generated:
        """Makes frames from a prompt; see `GenerateOptions`."""
        params = {"prompt": prompt, **options}
        return decode(Generated, self._ask("frame.generate", params, on_event, timeout))

    def again(
        self,
        png: Buffer,
        *,
        on_event: Optional[OnEvent] = None,
        timeout: Optional[float] = None,
        **options: "Unpack[AgainOptions]",
    ) -> MadeAgain:
        """Makes a frame again from its PNG's bytes, and compares; see `AgainOptions`."""
        params = {"png": png, **options}
        return decode(MadeAgain, self._ask("frame.again", params, on_event, timeout))

    def cancel(self, job: str) -> bool:
        """Cancels a job, of whatever client; tells whether the engine was at work on it."""
        return bool(self._ask("job.cancel", {"job": job})["was_running"])

    def models(self) -> Models:
        """The models that can be used, and the files that cannot and why."""
        return decode(Models, self._ask("model.list", {}))

    def inspect(self, model: str) -> ModelReport:
        """What a model's files hold."""
        return decode(ModelReport, self._ask("model.inspect", {"model": model}))

    def tokens(self, prompt: str, model: Optional[str] = None) -> Tokens:
        """How a model's tokenizer reads a prompt."""
        return decode(Tokens, self._ask("prompt.tokens", {"prompt": prompt, "model": model}))

    def stop(self) -> None:
        """Cancels every job, then ends the daemon."""
        self._ask("daemon.stop", {})

    # Jobs that outlive their client.

    def job_submit(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        key: Optional[str] = None,
        priority: Optional[str] = None,
    ) -> JobTicket:
        """Puts `frame.generate` or another method that makes a job into the queue, and does not
        wait for it. With a `key` that was used before, the job is the one from then."""
        wire = {
            "method": method,
            "params": as_parameters(params),
            "key": key,
            "priority": priority,
        }
        return decode(JobTicket, self._ask("job.submit", wire))

    def job_wait(
        self, job: str, *, format: Optional[str] = None, timeout: Optional[float] = None
    ) -> JobOutcome:
        """Waits until a job has ended. Pictures of its result come in `format`. The job goes on
        when the `timeout` is over."""
        params = {"job": job, "format": format}
        return decode(JobOutcome, self._ask("job.wait", params, timeout=timeout))

    def job_list(
        self,
        *,
        states: Optional[Sequence[str]] = None,
        limit: Optional[int] = None,
        before: Optional[str] = None,
    ) -> JobList:
        """Jobs, the newest first: those in `states`, at most `limit`, made before job `before`."""
        params = {"states": states, "limit": limit, "before": before}
        return decode(JobList, self._ask("job.list", params))

    def job_show(self, job: str) -> JobDetails:
        """A job with its request and, when it has ended, its result or error."""
        return decode(JobDetails, self._ask("job.show", {"job": job}))

    def job_events(self, job: str, after: Optional[int] = None) -> JobEvents:
        """The stored events of a job whose `job_seq` is over `after`."""
        return decode(JobEvents, self._ask("job.events", {"job": job, "after": after}))

    def job_watch(self, job: str, after: Optional[int] = None) -> None:
        """Asks for a job's events, those that are over (`job_seq` over `after`) and those to
        come; `next_event` gives them."""
        self._ask("job.watch", {"job": job, "after": after})

    def job_again(self, job: str) -> JobTicket:
        """Makes a new job from an old one's request."""
        return decode(JobTicket, self._ask("job.again", {"job": job}))

    def job_prune(
        self, *, older_than_seconds: Optional[float] = None, keep: Optional[int] = None
    ) -> Pruned:
        """Forgets jobs that have ended, but for the newest `keep`, and what only they used."""
        params = {"older_than_seconds": older_than_seconds, "keep": keep}
        return decode(Pruned, self._ask("job.prune", params))

    # Bytes that are kept under their hash.

    def blob_put(self, data: Buffer) -> str:
        """Stores bytes; gives the hash (BLAKE3, 64 hexadecimal digits) under which they are."""
        view = memoryview(data).cast("B")
        attempt = 1
        while True:
            try:
                return self._upload(view)
            except ConnectionLost:
                # Parts of an upload belong to their connection: it begins anew.
                if self._closed or attempt == ATTEMPTS:
                    raise
                time.sleep(pause(attempt))
                attempt += 1

    def _upload(self, view: memoryview) -> str:
        params: dict[str, Any] = {"total": len(view)}
        if len(view) > BLOB_CHUNK:
            params["upload"] = os.urandom(16).hex()
        answer: dict[str, Any] = {}
        for offset in range(0, max(len(view), 1), BLOB_CHUNK):
            chunk = view[offset : offset + BLOB_CHUNK]
            answer = self._ask("blob.put", {**params, "offset": offset, "data": chunk})
        return decode(Stored, answer).hash

    def blob_get(self, hash: str) -> bytearray:
        """The bytes that are stored under a hash. They are not compared with it: Python's
        standard library has no BLAKE3."""
        data = bytearray()
        while True:
            params = {"hash": hash, "offset": len(data), "length": BLOB_CHUNK}
            part = decode(BlobPart, self._ask("blob.get", params))
            data += part.data
            if len(data) == part.total:
                return data
            if not len(part.data) or len(data) > part.total:
                raise AnswerError("the daemon sent more or less of the blob than there is", hash)

    # Events that belong to no call.

    def subscribe(self, *topics: str) -> None:
        """Asks for the events of topics, `jobs` and `library`; `next_event` gives them."""
        self._ask("events.subscribe", {"topics": topics})
        self._topics = topics

    def next_event(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event that belongs to no call; `None` when none comes for `timeout` seconds.

        Raises `ConnectionLost` once for every time that the connection was lost.
        """
        try:
            event = self._others.get(timeout=timeout)
        except queue.Empty:
            return None
        if event is None:
            raise ConnectionLost()
        return event
