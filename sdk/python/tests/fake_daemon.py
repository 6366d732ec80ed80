"""A daemon that does what a test tells it, for what a real one does not do on demand.

It is written on the `msgpack` package: what it understands, it understands by somebody else's
reading of the specification.
"""

import contextlib
import os
import socket
import struct
import threading
import time
from pathlib import Path

import msgpack

LIMITS = {
    "frame_bytes": 64 << 20,
    "frame_values": 1 << 18,
    "frame_depth": 32,
    "prompt_chars": 8000,
    "candidates": 64,
    "side_pixels": 4096,
    "jobs": 256,
    "requests": 64,
    "connections": 256,
}
HELLO = {
    "protocol": 1,
    "oldest": 1,
    "version": "0.0.0-fake",
    "limits": LIMITS,
    "capabilities": [],
}


def within(seconds, condition):
    """Waits until a condition holds; whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Guest:
    """One connection of the fake daemon."""

    def __init__(self, stream):
        self._stream = stream
        self._seq = 0
        self._lock = threading.Lock()

    def send(self, message):
        payload = msgpack.packb(message, use_bin_type=True)
        self.send_raw(struct.pack("<I", len(payload)) + payload)

    def send_raw(self, data):
        # The client may be gone: what then becomes of it is what is tested.
        with self._lock, contextlib.suppress(OSError):
            self._stream.sendall(data)

    def result(self, id, result):
        self.send({"id": id, "result": result})

    def error(self, id, code, message="no", **more):
        self.send({"id": id, "error": {"code": code, "message": message, **more}})

    def event(self, event, **fields):
        self._seq += 1
        self.send({"event": event, "seq": self._seq, **fields})

    def hang_up(self):
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)

    def read(self):
        """The next message; `None` at the end."""
        head = self._exactly(4)
        body = head and self._exactly(struct.unpack("<I", head)[0])
        return body and msgpack.unpackb(body)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            with contextlib.suppress(OSError):
                more = self._stream.recv(count - len(data))
                if more:
                    data += more
                    continue
            return None
        return data


class FakeDaemon:
    """Listens in a home. `answers` has a function (guest, id, params) a method; a method
    without one is answered with an empty map. `asked` lists what came: (method, params)."""

    def __init__(self, root: Path):
        self.path = root / "run" / "daemon.sock"
        self.path.parent.mkdir(exist_ok=True)
        self.asked = []
        self.guests = []
        self.answers = {"hello": lambda guest, id, params: guest.result(id, HELLO)}
        self._listener = None
        self.listen()

    def listen(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def count(self, method):
        return sum(1 for asked, _ in self.asked if asked == method)

    def params(self, method):
        return [params for asked, params in self.asked if asked == method]

    def close(self):
        """Goes away, as by `kill`."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        for guest in self.guests:
            guest.hang_up()

    def _accept(self, listener):
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            guest = Guest(stream)
            self.guests.append(guest)
            threading.Thread(target=self._serve, args=(guest,), daemon=True).start()

    def _serve(self, guest):
        while True:
            message = guest.read()
            if message is None:
                break
            method, params = message["method"], message.get("params", {})
            self.asked.append((method, params))
            answer = self.answers.get(method)
            if answer is None:
                guest.result(message["id"], {})
            else:
                answer(guest, message["id"], params)
        self.asked.append(("(gone)", {}))
