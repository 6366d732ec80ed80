"""Rectangles, masks and pixels, against slow and plain computations of the same."""

import pytest
from framewright import Picture
from framewright_krita.bounds import Bounds
from framewright_krita.mask import Mask
from framewright_krita.pixels import Pixels
from hypothesis import given
from hypothesis import strategies as st

sides = st.integers(1, 24)
places = st.builds(Bounds, st.integers(-20, 20), st.integers(-20, 20), sides, sides)


@st.composite
def masks(draw):
    bounds = draw(places)
    return Mask(bounds, draw(st.binary(min_size=bounds.area, max_size=bounds.area)))


@st.composite
def painted(draw, depth=None):
    bounds = draw(places)
    depth = depth or draw(st.sampled_from(["U8", "U16"]))
    size = bounds.area * (4 if depth == "U8" else 8)
    return Pixels(bounds, depth, draw(st.binary(min_size=size, max_size=size)))


def value(mask, x, y):
    place = mask.bounds
    if not (place.x <= x < place.right and place.y <= y < place.bottom):
        return 0
    return mask.data[(y - place.y) * place.width + x - place.x]


@given(masks())
def test_covered_is_the_smallest_rectangle(mask):
    used = [
        (x, y)
        for y in range(mask.bounds.y, mask.bounds.bottom)
        for x in range(mask.bounds.x, mask.bounds.right)
        if value(mask, x, y)
    ]
    covered = mask.covered()
    if not used:
        assert covered is None
        return
    xs, ys = zip(*used)
    assert covered == Bounds(min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)


@given(masks(), places)
def test_a_mask_on_another_rectangle_has_the_same_values(mask, bounds):
    moved = mask.on(bounds)
    assert moved.bounds == bounds
    for y in range(bounds.y, bounds.bottom):
        for x in range(bounds.x, bounds.right):
            assert value(moved, x, y) == value(mask, x, y)


@given(painted())
def test_pixels_come_back_from_the_protocol(pixels):
    picture = pixels.picture()
    assert Pixels.of(picture, pixels.bounds.x, pixels.bounds.y) == pixels
    first = bytes(picture.data[:8] if pixels.depth == "U16" else picture.data[:4])
    mine = bytes(pixels.data[: len(first)])
    # The daemon's 16 bits are red first, Krita's blue first.
    swapped = mine[4:6] + mine[2:4] + mine[0:2] + mine[6:8]
    assert first == (swapped if pixels.depth == "U16" else mine)


@given(painted("U8"), st.data())
def test_a_mask_takes_opacity_away(pixels, data):
    area = pixels.bounds.area
    mask = data.draw(st.binary(min_size=area, max_size=area))
    seen = pixels.through(mask)
    for at in range(area):
        before, after = pixels.data[4 * at : 4 * at + 4], seen.data[4 * at : 4 * at + 4]
        assert after[:3] == before[:3]
        assert after[3] == round(before[3] * mask[at] / 255)


@given(places, st.data())
def test_opaque_pixels_become_exactly_as_opaque_as_the_mask(bounds, data):
    mask = data.draw(st.binary(min_size=bounds.area, max_size=bounds.area))
    for depth, pixel in (("U8", b"\1\2\3\xff"), ("U16", b"\1\2\3\4\5\6\xff\xff")):
        seen = Pixels(bounds, depth, pixel * bounds.area).through(mask)
        assert seen.alpha == mask


@given(painted())
def test_a_part_has_the_same_pixels(pixels):
    bounds = pixels.bounds
    half = Bounds(
        bounds.x + bounds.width // 3,
        bounds.y + bounds.height // 3,
        max(bounds.width // 3, 1),
        max(bounds.height // 3, 1),
    )
    part = pixels.part(half)
    step = len(pixels.data) // bounds.area
    for y in range(half.height):
        for x in range(half.width):
            mine = (y * half.width + x) * step
            at = ((y + half.y - bounds.y) * bounds.width + x + half.x - bounds.x) * step
            assert part.data[mine : mine + step] == pixels.data[at : at + step]


@given(painted("U8"))
def test_8_bits_survive_16(pixels):
    wide = pixels.in_depth("U16")
    assert wide.in_depth("U8").data == pixels.data


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="no U8 pixels"):
        Pixels(Bounds(0, 0, 2, 2), "U8", bytes(15))
    with pytest.raises(ValueError, match="no mask"):
        Mask(Bounds(0, 0, 2, 2), bytes(3))
    with pytest.raises(ValueError, match="another size"):
        Pixels(Bounds(0, 0, 1, 1), "U8", bytes(4)).through(bytes(2))
    with pytest.raises(ValueError, match="no raw pixels"):
        Pixels.of(Picture("png", 1, 1), 0, 0)


# At what size frames are made


def test_a_mask_is_roughly_made_of_rectangles():
    rows = [b"\0\0\xff\xff", b"\0\0\xff\xff", b"\xff\0\x7f\xff", b"\0\0\0\0"]
    mask = Mask(Bounds(10, 20, 4, 4), b"".join(rows))
    every = [
        Bounds(12, 20, 2, 1),
        Bounds(12, 21, 2, 1),
        Bounds(10, 22, 1, 1),
        Bounds(13, 22, 1, 1),
    ]
    assert mask.rectangles(4, 9) == every
    assert mask.rectangles(2, 9) == [Bounds(12, 20, 2, 2)]
    assert mask.rectangles(4, 3) == []
    assert Mask(Bounds(0, 0, 0, 0), b"").rectangles(4, 9) == []
