"""Pictures: sizes are checked, channels swapped."""

import struct
import zlib

import pytest
from framewright import Picture, PictureError, swap_red_and_blue


def test_red_and_blue_change_places():
    pixels = bytearray([1, 2, 3, 4, 5, 6, 7, 8])
    swap_red_and_blue(pixels)
    assert pixels == bytearray([3, 2, 1, 4, 7, 6, 5, 8])


def test_a_picture_is_swapped_into_a_copy():
    original = bytearray([1, 2, 3, 4])
    picture = Picture.bgra8(1, 1, original)
    swapped = picture.swapped()
    assert swapped == Picture.rgba8(1, 1, bytes([3, 2, 1, 4]))
    assert swapped.swapped() == picture
    assert original == bytes([1, 2, 3, 4])


@pytest.mark.parametrize("width, height, size", [(2, 2, 15), (2, 2, 17), (0, 4, 0), (-1, -1, 4)])
def test_the_number_of_bytes_must_be_right(width, height, size):
    with pytest.raises(PictureError, match=f"{size} bytes"):
        Picture.rgba8(width, height, bytes(size))


def test_sixteen_bits_take_eight_bytes_a_pixel():
    picture = Picture.rgba16(2, 1, bytes(16))
    assert (picture.format, len(picture.data)) == ("rgba16", 16)
    with pytest.raises(PictureError, match="pixels of 8 bytes"):
        Picture.rgba16(2, 1, bytes(8))
    with pytest.raises(PictureError, match="8 bits"):
        picture.swapped()


def test_pixels_are_not_copied():
    data = bytearray(4)
    picture = Picture.rgba8(1, 1, data)
    data[0] = 9
    assert picture.data[0] == 9


def test_a_png_tells_its_size():
    header = b"IHDR" + struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    png += struct.pack(">I", zlib.crc32(header))
    picture = Picture.png(png)
    assert (picture.format, picture.width, picture.height) == ("png", 640, 480)
    assert picture.as_map() == {"format": "png", "width": 640, "height": 480, "data": png}
    with pytest.raises(PictureError, match="raw pixels of 8 bits"):
        picture.swapped()


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(40)])
def test_what_is_no_png_is_refused(data):
    with pytest.raises(PictureError, match="no PNG"):
        Picture.png(data)


def test_a_picture_goes_by_its_bytes_or_by_their_hash():
    stored = Picture("rgba8", 2, 1, blob="ab")
    head = {"format": "rgba8", "width": 2, "height": 1}
    assert stored.as_map() == {**head, "data": b"", "blob": "ab"}
    # The blob of a frame that came from the daemon is its PNG, not these pixels.
    frame = Picture("rgba8", 2, 1, memoryview(bytes(8)), "ab")
    assert frame.as_map() == {**head, "data": bytes(8)}
