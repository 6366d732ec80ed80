"""One side of a connection without any input or output: bytes in, messages out.

Whatever moves the bytes can use it: a socket, Qt's `QLocalSocket`, a test.

    conversation = Conversation("my-plugin 1.0")
    for part in conversation.hello():
        socket.write(part)
    ...
    for message in conversation.feed(socket.readAll()):
        ...
"""

import itertools
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from .errors import NotAMessage, WrongLevel
from .framing import FrameReader, frame
from .limits import PROTOCOL_LEVEL
from .messagepack import Buffer, pack_parts
from .messages import Answer, Message, Request, parse
from .results import Hello, decode


class Conversation:
    """Numbers requests, reads what comes in, and keeps what `hello` told.

    `client` is the client's name and version, for the daemon's log. Requests may be made from
    any thread; `feed` belongs to one.
    """

    def __init__(self, client: str) -> None:
        self._client = client
        self._reader = FrameReader()
        self._ids = itertools.count(1)
        self._numbering = threading.Lock()
        self.hello_id = self.next_id()
        """The id of the request `hello`."""
        self.told: Optional[Hello] = None
        """What the daemon said about itself, once its answer to `hello` was fed in."""

    def next_id(self) -> int:
        """An id that no other request of this connection has."""
        with self._numbering:
            return next(self._ids)

    def hello(self) -> list[Buffer]:
        """The first request of every connection, as parts to send one after the other."""
        params = {"client": self._client, "protocol": PROTOCOL_LEVEL}
        return self.request(self.hello_id, "hello", params)

    def request(self, id: int, method: str, params: Mapping[str, Any]) -> list[Buffer]:
        """A request, as parts to send one after the other. Large payloads are not copied.

        Raises `PackError` and `TooLong`.
        """
        return frame(pack_parts(Request(id, method, params).as_map()))

    def feed(self, data: Buffer) -> Iterator[Message]:
        """Takes the next bytes that came in; yields the messages that they complete.

        A map that is no message is passed over: a newer daemon may know other kinds. Raises a
        `ProtocolError` for bytes that are no frame, after which nothing more can be read, and
        `WrongLevel` for a daemon that this package cannot talk to.
        """
        for payload in self._reader.feed(data):
            try:
                message = parse(payload)
            except NotAMessage:
                continue
            if isinstance(message, Answer) and message.id == self.hello_id:
                told = decode(Hello, message.result)
                if told.protocol < PROTOCOL_LEVEL or told.oldest > PROTOCOL_LEVEL:
                    raise WrongLevel(told.version)
                self.told = told
            yield message

    def finish(self) -> None:
        """Says that nothing more comes. Raises `HalfFrame` when a frame is incomplete."""
        self._reader.finish()
