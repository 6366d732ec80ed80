"""Which colours documents may have, and how they become the daemon's sRGB and back."""

from collections.abc import Sequence

from krita import Krita

from .bounds import Bounds
from .pixels import BYTES_OF_DEPTH, Pixels
from .qt import QtCore, QtGui

_SRGB = "sRGB-elle-V2-srgbtrc.icc"
# Names under which Krita knows what the daemon's pixels are in.
_SAME = ("", _SRGB, "sRGB-elle-V4-srgbtrc.icc", "sRGB built-in", "sRGB IEC61966-2.1")

_MODELS = {
    "A": "an alpha channel alone",
    "CMYKA": "CMYK",
    "GRAYA": "grayscale",
    "LABA": "L*a*b*",
    "XYZA": "XYZ",
    "YCbCrA": "YCbCr",
}


def trouble(model: str, depth: str) -> str:
    """Why a document of this colour model and depth cannot be painted into, and what to do;
    empty when it can."""
    if model != "RGBA":
        return (
            f"This document is in {_MODELS.get(model, model)}, and Framewright paints in RGB. "
            "Choose Image ▸ Convert Image Color Space…, then RGB/Alpha with 8 or 16 bits."
        )
    if depth not in BYTES_OF_DEPTH:
        return (
            "This document has channels of floating point, and Framewright paints in 8 or 16 "
            "bits. Choose Image ▸ Convert Image Color Space…, then 8-bit or 16-bit integer."
        )
    return ""


def to_srgb(pixels: Pixels, profile: str) -> Pixels:
    """Pixels of a document with this profile as the daemon takes them."""
    return pixels if profile in _SAME else _converted(pixels, profile, _SRGB)


def from_srgb(pixels: Pixels, depth: str, profile: str) -> Pixels:
    """Pixels of the daemon as a document of this depth and profile has them.

    A document of 16 bits without a profile is taken for sRGB too.
    """
    pixels = pixels.in_depth(depth)
    return pixels if profile in _SAME else _converted(pixels, _SRGB, profile)


def _converted(pixels: Pixels, of: str, to: str) -> Pixels:
    """Lets Krita's colour management do it, in a document that nobody sees."""
    place = pixels.bounds
    size = (place.width, place.height)
    scratch = Krita.instance().createDocument(*size, "", "RGBA", pixels.depth, of, 72.0)
    scratch.setBatchmode(True)
    try:
        node = scratch.topLevelNodes()[0]
        node.setLocked(False)
        node.setOpacity(255)
        node.setPixelData(QtCore.QByteArray(bytes(pixels.data)), 0, 0, *size)
        scratch.setColorSpace("RGBA", pixels.depth, to)
        scratch.waitForDone()
        return Pixels(place, pixels.depth, bytes(node.pixelData(0, 0, *size).data()))
    finally:
        scratch.close()


def over(layers: Sequence[tuple[bytes, int]], place: Bounds, depth: str) -> bytes:
    """Layers laid over each other, the lowest first, each with its opacity up to 255."""
    formats = QtGui.QImage.Format
    held = formats.Format_ARGB32 if depth == "U8" else formats.Format_RGBA64
    line = place.width * BYTES_OF_DEPTH[depth]
    canvas = QtGui.QImage(place.width, place.height, held)
    canvas.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(canvas)
    for data, opacity in layers:
        painter.setOpacity(opacity / 255)
        painter.drawImage(0, 0, QtGui.QImage(data, place.width, place.height, line, held))
    painter.end()
    bits = canvas.constBits()
    return bytes(bits.asstring(canvas.sizeInBytes()))
