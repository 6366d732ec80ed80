"""The golden vectors that the daemon's side is tested against too."""

import pytest
import vectors
from framewright.errors import NotAMessage, ProtocolError
from framewright.framing import FrameReader, frame
from framewright.messagepack import pack, unpack
from framewright.messages import Answer, Event, Refusal, Request, parse


def named(section):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors.load(section)]


@pytest.mark.parametrize("vector", named("values"))
def test_value(vector):
    data, meaning = vectors.bytes_of(vector["hex"]), vectors.value_of(vector["value"])
    assert vectors.same(unpack(data), meaning)
    if vector.get("canonical", True) and not vectors.has_f32(vector["value"]):
        assert pack(meaning) == data


@pytest.mark.parametrize("vector", named("messages"))
def test_message(vector):
    payload = vectors.bytes_of(vector["hex"])
    kinds = {"request": Request, "result": Answer, "error": Refusal, "event": Event}
    (kind,) = kinds.keys() & vector.keys()
    message = parse(payload)
    assert isinstance(message, kinds[kind])
    meaning = vectors.value_of(vector[kind])
    canonical = vector.get("canonical", True)
    if canonical:
        assert vectors.same(message.as_map(), meaning)
        assert pack(meaning) == payload
    else:
        # The order in which keys came is not part of the meaning.
        assert vectors.same(in_order(message.as_map()), in_order(meaning))


def in_order(value):
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return value


@pytest.mark.parametrize("vector", named("malformed"))
def test_malformed(vector):
    with pytest.raises(ProtocolError) as caught:
        parse(vectors.bytes_of(vector["hex"]))
    assert caught.value.kind == vector["error"]
    if isinstance(caught.value, NotAMessage):
        assert caught.value.id == vector["id"]


@pytest.mark.parametrize("vector", named("frames"))
@pytest.mark.parametrize("step", [1, 3, 1 << 20])
def test_stream(vector, step):
    stream = vectors.bytes_of(vector["hex"])
    reader, payloads, error = FrameReader(), [], None
    try:
        for at in range(0, len(stream), step):
            payloads.extend(reader.feed(stream[at : at + step]))
        reader.finish()
    except ProtocolError as caught:
        error = caught.kind
    assert payloads == [vectors.bytes_of(payload) for payload in vector["payloads"]]
    assert error == vector.get("error")
    if error is None:
        assert b"".join(part for payload in payloads for part in frame([payload])) == stream
