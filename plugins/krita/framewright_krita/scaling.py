"""Pictures in other sizes and forms, by Qt."""

from .bounds import Bounds
from .pixels import Pixels
from .qt import QtCore, QtGui

_FORMATS = {
    "U8": QtGui.QImage.Format.Format_ARGB32,
    # Scaling does not ask which channel is red.
    "U16": QtGui.QImage.Format.Format_RGBA64,
}
_STRETCH = QtCore.Qt.AspectRatioMode.IgnoreAspectRatio
_SMOOTH = QtCore.Qt.TransformationMode.SmoothTransformation


def scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    """The same picture with other sides; its place's upper left pixel stays."""
    bounds = pixels.bounds
    if (bounds.width, bounds.height) == (width, height):
        return pixels
    image = _image(pixels).scaled(width, height, _STRETCH, _SMOOTH)
    image = image.convertToFormat(_FORMATS[pixels.depth])
    return Pixels(Bounds(bounds.x, bounds.y, width, height), pixels.depth, _bytes(image))


def mask_from_png(data: bytes, width: int, height: int) -> bytes:
    """A grey PNG as a byte a pixel. Raises `ValueError` when it is none of that size."""
    image = QtGui.QImage.fromData(data)
    if (image.width(), image.height()) != (width, height):
        raise ValueError("the mask cannot be read")
    image = image.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    whole = _bytes(image)
    line = image.bytesPerLine()
    return b"".join(whole[row * line : row * line + width] for row in range(height))


def thumbnail(pixels: Pixels, side: int) -> QtGui.QImage:
    """A small picture of opaque pixels of 8 bits, at most `side` wide and high."""
    keep = QtCore.Qt.AspectRatioMode.KeepAspectRatio
    return _image(pixels).scaled(side, side, keep, _SMOOTH).copy()


def from_png(data: bytes, depth: str, x: int, y: int) -> Pixels:
    """The pixels of a PNG file. Raises `ValueError` when it is none."""
    image = QtGui.QImage.fromData(data)
    if image.isNull():
        raise ValueError("the picture cannot be read")
    bounds = Bounds(x, y, image.width(), image.height())
    if depth == "U8":
        image = image.convertToFormat(_FORMATS["U8"])
        return Pixels(bounds, depth, _bytes(image))
    image = image.convertToFormat(_FORMATS["U16"]).rgbSwapped()
    return Pixels(bounds, depth, _bytes(image))


def _image(pixels: Pixels) -> QtGui.QImage:
    bounds = pixels.bounds
    line = bounds.width * (4 if pixels.depth == "U8" else 8)
    data = bytes(pixels.data)
    image = QtGui.QImage(data, bounds.width, bounds.height, line, _FORMATS[pixels.depth])
    # The image looks into `data`, which would be gone with this function.
    return image.copy()


def _bytes(image: QtGui.QImage) -> bytes:
    bits = image.constBits()
    return bytes(bits.asstring(image.sizeInBytes()))
