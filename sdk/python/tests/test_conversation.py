"""The protocol without input and output, as another event loop would drive it."""

import struct
import threading

import msgpack
import pytest
from fake_daemon import HELLO
from framewright import Conversation, WrongLevel
from framewright.errors import HalfFrame, TooLong
from framewright.messages import Answer, Event


def framed(message):
    payload = msgpack.packb(message, use_bin_type=True)
    return struct.pack("<I", len(payload)) + payload


def test_a_conversation_needs_nothing_but_bytes():
    conversation = Conversation("my-plugin 1.0")
    hello = b"".join(conversation.hello())
    assert hello == framed(
        {
            "id": conversation.hello_id,
            "method": "hello",
            "params": {"client": "my-plugin 1.0", "protocol": 1},
        }
    )
    assert conversation.told is None
    id = conversation.next_id()
    request = b"".join(conversation.request(id, "ping", {}))
    assert request == framed({"id": id, "method": "ping", "params": {}})

    stream = framed({"id": conversation.hello_id, "result": HELLO})
    stream += framed({"event": "job.novelty", "seq": 1, "job": "3"}) + framed({"novelty": 1})
    stream += framed({"id": id, "result": {}})
    messages = []
    for at in range(0, len(stream), 7):
        messages += conversation.feed(stream[at : at + 7])
    assert messages == [
        Answer(conversation.hello_id, HELLO),
        Event("job.novelty", 1, {"job": "3"}),
        Answer(id, {}),
    ]
    assert conversation.told is not None and conversation.told.version == "0.0.0-fake"
    conversation.finish()


def test_another_level_is_told_by_the_answer_to_hello_alone():
    conversation = Conversation("my-plugin 1.0")
    conversation.hello()
    other = {**HELLO, "protocol": 3, "oldest": 2}
    assert list(conversation.feed(framed({"id": 99, "result": other})))
    with pytest.raises(WrongLevel):
        list(conversation.feed(framed({"id": conversation.hello_id, "result": other})))


def test_an_end_within_a_frame_is_told():
    conversation = Conversation("my-plugin 1.0")
    list(conversation.feed(b"\5\0\0\0\x80"))
    with pytest.raises(HalfFrame):
        conversation.finish()


def test_what_the_other_side_would_refuse_is_not_made():
    conversation = Conversation("my-plugin 1.0")
    # The length prefix does not count; 4 bytes stand where 1 stands for the length of no bytes.
    head = sum(map(len, conversation.request(9, "blob.put", {"data": b""}))) - 4 + 3
    parts = conversation.request(9, "blob.put", {"data": bytes((64 << 20) - head)})
    assert sum(map(len, parts)) == (64 << 20) + 4
    with pytest.raises(TooLong, match="67108865"):
        conversation.request(9, "blob.put", {"data": bytes((64 << 20) - head + 1)})


def test_ids_are_given_once_over_all_threads():
    conversation = Conversation("my-plugin 1.0")
    ids = [conversation.hello_id]

    def take():
        for _ in range(1000):
            ids.append(conversation.next_id())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids) == list(range(1, 4002))
