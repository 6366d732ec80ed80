"""The codec against the `msgpack` package, both ways, and against garbage."""

import math
import struct

import msgpack
import pytest
from framewright.errors import PackError, ProtocolError, TooManyValues, Truncated
from framewright.messagepack import pack, pack_parts, unpack
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import same

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from(
        [sign * 2**bits + by for bits in range(63) for sign in (1, -1) for by in (-1, 0, 1)]
    )
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.integers(250, 260).map(lambda length: "a" * length)
    | st.sampled_from([255, 256, 65535, 65536]).map(bytes)
)
values = st.recursive(
    scalars,
    lambda held: (
        st.lists(held, max_size=20) | st.dictionaries(st.text(max_size=40), held, max_size=20)
    ),
    max_leaves=40,
)


def plain(value):
    """With bytes in the place of memoryviews."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    return value


@given(values)
def test_what_we_write_the_package_reads(value):
    assert msgpack.unpackb(pack(value), raw=False, strict_map_key=True) == value


@given(values)
def test_what_the_package_writes_we_read(value):
    assert plain(unpack(msgpack.packb(value, use_bin_type=True))) == value


@given(values)
def test_both_write_the_same_bytes(value):
    assert pack(value) == msgpack.packb(value, use_bin_type=True)


@given(st.floats(width=32))
def test_single_precision_is_read(number):
    read = unpack(msgpack.packb(number, use_single_float=True))
    assert read == number or math.isnan(read) and math.isnan(number)


@given(values, st.data())
def test_every_cut_is_told(value, data):
    packed = pack(value)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(Truncated):
        unpack(packed[:cut])


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused(data):
    try:
        value = unpack(data)
    except ProtocolError:
        return
    assert same(unpack(pack(value)), value)


@given(values, st.data())
def test_a_damaged_byte_is_read_or_refused(value, data):
    packed = bytearray(pack(value))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack(packed)
    except ProtocolError as error:
        assert error.kind


def test_pictures_are_not_copied_on_the_way_in():
    pixels = bytes(range(256)) * 64
    payload = bytearray(pack({"data": pixels}))
    data = unpack(payload)["data"]
    assert data == pixels
    payload[-1] ^= 0xFF
    assert data[-1] == pixels[-1] ^ 0xFF, "it looks into the buffer"


def test_pictures_are_not_copied_on_the_way_out():
    pixels = bytearray(1 << 20)
    parts = pack_parts({"width": 512, "data": pixels, "height": 512})
    assert any(isinstance(part, memoryview) and part.obj is pixels for part in parts)
    assert b"".join(parts) == msgpack.packb({"width": 512, "data": pixels, "height": 512})


def test_bytes_of_other_elements_count_by_bytes():
    numbers = memoryview(struct.pack("<4I", 1, 2, 3, 4)).cast("I")
    assert unpack(pack(numbers)) == numbers.tobytes()


def test_a_list_that_never_comes_costs_no_memory():
    import tracemalloc

    tracemalloc.start()
    for head in ("ddffffffff", "dfffffffff", "c6ffffffff", "dbffffffff"):
        with pytest.raises(Truncated):
            unpack(bytes.fromhex(head) + bytes(1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_the_number_of_values_is_bounded():
    assert unpack(pack([None] * 9), max_values=10) == [None] * 9
    with pytest.raises(TooManyValues):
        unpack(pack([None] * 10), max_values=10)


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value, word",
    [
        (2**64, "2\\*\\*64"),
        (-(2**63) - 1, "2\\*\\*63"),
        ("\ud800", "surrogate"),
        ({1: 2}, "keys"),
        (object(), "type"),
        ({1, 2}, "type"),
        (nested(33), "deeper"),
        ([None] * (1 << 18), "values"),
        (memoryview(bytes(16))[::2], "one piece"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_sent_is_refused_before_it_is(value, word):
    with pytest.raises(PackError, match=word):
        pack(value)


def test_what_is_just_within_the_limits_is_sent():
    assert unpack(pack(nested(32))) == nested(32)
    most = [None] * ((1 << 18) - 1)
    assert unpack(pack(most)) == most


def test_a_list_within_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(PackError):
        pack(endless)
