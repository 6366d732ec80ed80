"""The socket: everything is sent, whoever waits is woken, descriptors are given back in time."""

import os
import socket
import threading
import time

import pytest
from framewright import SocketTransport


@pytest.fixture
def pair(tmp_path, root):
    path = str(root / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        transport = SocketTransport()
        assert transport.connect(path)
        other, _ = listener.accept()
        yield transport, other
        transport.close()
        other.close()


def test_nobody_listens(root):
    assert SocketTransport().connect(str(root / "none")) is False
    with socket.socket(socket.AF_UNIX) as forgotten:
        forgotten.bind(str(root / "forgotten"))
    assert SocketTransport().connect(str(root / "forgotten")) is False


def test_all_parts_are_sent_however_many_and_large(pair):
    transport, other = pair
    parts = [bytes([n % 256]) * (n * 97 % 5000) for n in range(1000)] + [bytes(3 << 20)]
    received = bytearray()

    def read():
        while len(received) < sum(map(len, parts)):
            received.extend(other.recv(70_001))

    thread = threading.Thread(target=read)
    thread.start()
    transport.send(parts)
    thread.join(10)
    assert received == b"".join(parts)


class Stingy:
    """A socket that takes a few bytes at a time, as one does that a signal interrupts."""

    def __init__(self):
        self.taken = bytearray()

    def sendmsg(self, parts):
        some = b"".join(parts)[:7]
        self.taken += some
        return len(some)


def test_what_the_system_does_not_take_at_once_is_sent_after():
    transport = SocketTransport()
    transport._socket = stingy = Stingy()
    parts = [b"abcde", b"", b"fghijklmnopqrs", bytearray(b"tu"), memoryview(b"vwxyz")]
    transport.send(parts)
    assert stingy.taken == b"".join(parts)


def test_receiving_gives_what_is_there_nothing_and_the_end(pair):
    transport, other = pair
    assert transport.receive(0.01) is None
    other.sendall(b"abc")
    assert transport.receive(1) == b"abc"
    other.close()
    assert transport.receive() == b""


def test_closing_wakes_who_receives_and_then_gives_the_descriptor_back(pair):
    transport, _ = pair
    descriptor = transport._socket.fileno()
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(transport.receive()))
    thread.start()
    time.sleep(0.05)
    transport.close()
    thread.join(5)
    assert outcome == [b""]
    with pytest.raises(OSError):
        os.fstat(descriptor)


def test_closing_wakes_who_sends(pair):
    transport, _ = pair
    outcome = []

    def send():
        try:
            transport.send([bytes(32 << 20)])
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.05)
    transport.close()
    thread.join(5)
    assert len(outcome) == 1


def test_a_closed_transport_says_so_and_holds_no_descriptor(pair):
    transport, _ = pair
    descriptor = transport._socket.fileno()
    transport.close()
    transport.close()
    with pytest.raises(OSError):
        os.fstat(descriptor)
    assert transport.receive() == b""
    with pytest.raises(ConnectionError):
        transport.send([b"a"])


def test_a_peer_that_is_gone_is_an_error_not_a_signal(pair):
    transport, other = pair
    other.close()
    with pytest.raises(OSError):
        for _ in range(3):
            transport.send([b"a"])
