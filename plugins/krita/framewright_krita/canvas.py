"""One open document: reading its pixels and selection, and putting layers into it.

The only module beside `colours` that touches Krita's documents. Everything is called on Krita's
main thread. What changes a document inserts new layers and changes none of the painter's: only
insertion can be undone.
"""

from collections.abc import Generator, Sequence
from typing import Any, Optional

from krita import Document, Krita, Node, Selection

from . import colours
from .bounds import Bounds
from .history import ANNOTATION, DESCRIPTION, History
from .mask import Mask
from .pixels import BYTES_OF_DEPTH, Pixels
from .qt import QtCore
from .scaling import scaled

PREVIEW = "Framewright preview"
"""The name of the layer that shows what is being made, or tried."""

# Bytes that are read between two turns of the event loop: some milliseconds.
_STRIP_BYTES = 2 << 20

# By then Krita has noticed an inserted layer, and activated it.
_ACTIVATE_MILLISECONDS = 60

# A finer outline takes longer than it is worth: Krita unites one rectangle after the other.
_OUTLINE_BANDS = 96
_OUTLINE_RECTANGLES = 400

Reading = Generator[None, None, Pixels]
"""Gives way after each piece; returns the pixels."""


class Canvas:
    """A document of Krita."""

    def __init__(self, document: Document) -> None:
        self._document = document

    @classmethod
    def active(cls) -> "Optional[Canvas]":
        """The document that the painter works on."""
        document = Krita.instance().activeDocument()
        return cls(document) if document is not None else None

    @classmethod
    def all(cls) -> "list[Canvas]":
        """Every open document."""
        return [cls(document) for document in Krita.instance().documents()]

    @property
    def id(self) -> str:
        """Tells documents apart for as long as they are open."""
        return str(self._document.rootNode().uniqueId().toString())

    @property
    def name(self) -> str:
        """What the painter calls it."""
        file = self._document.fileName()
        return file.replace("\\", "/").rsplit("/", 1)[-1] if file else self._document.name()

    @property
    def bounds(self) -> Bounds:
        """The whole canvas."""
        return Bounds(0, 0, self._document.width(), self._document.height())

    @property
    def depth(self) -> str:
        """The depth of its channels, as Krita names it."""
        return str(self._document.colorDepth())

    @property
    def trouble(self) -> str:
        """Why nothing can be painted into it, and what to do; empty when it can."""
        return colours.trouble(self._document.colorModel(), self.depth)

    @property
    def selection(self) -> Optional[Mask]:
        """What is selected; none where nothing is."""
        selection = self._document.selection()
        if selection is None:
            return None
        bounds = Bounds(selection.x(), selection.y(), selection.width(), selection.height())
        if bounds.empty:
            return None
        # A selection may reach beyond the canvas, and what is there can never be seen.
        bounds = bounds.intersection(self.bounds)
        if bounds.empty:
            return Mask(Bounds(0, 0, 0, 0), b"")
        data = selection.pixelData(bounds.x, bounds.y, bounds.width, bounds.height)
        return Mask(bounds, bytes(data.data()))

    # Reading.

    def read(self, bounds: Bounds, size: tuple[int, int], layers: "Sequence[Node]" = ()) -> Reading:
        """What can be seen in `bounds`, or these layers alone, as sRGB of `size` pixels.

        It is read in strips, so that neither the largest canvas nor the loop has to wait.
        """
        width, height = size
        profile = self._document.colorProfile()
        depth = self.depth
        # What is being painted must be seen, and Krita's own threads take a moment for it.
        while not self._document.tryBarrierLock():
            yield
        self._document.unlock()
        line = bounds.width * BYTES_OF_DEPTH[depth]
        rows = max(_STRIP_BYTES // max(line, 1), 1)
        # Strips of whole rows of the smaller picture.
        strips = min(-(-bounds.height // rows), height)
        data = bytearray()
        for strip in range(strips):
            to_top, to_bottom = (at * height // strips for at in (strip, strip + 1))
            top, bottom = (at * bounds.height // height for at in (to_top, to_bottom))
            part = Bounds(bounds.x, bounds.y + top, bounds.width, max(bottom - top, 1))
            pixels = Pixels(part, depth, self._strip(part, layers))
            data += scaled(pixels, width, to_bottom - to_top).data
            yield
        made = Pixels(Bounds(bounds.x, bounds.y, width, height), depth, data)
        return colours.to_srgb(made, profile)

    def _strip(self, part: Bounds, layers: "Sequence[Node]") -> bytes:
        place = (part.x, part.y, part.width, part.height)
        if not layers:
            return bytes(self._document.pixelData(*place).data())
        if len(layers) == 1:
            return bytes(layers[0].projectionPixelData(*place).data())
        return colours.over(
            [
                (bytes(layer.projectionPixelData(*place).data()), layer.opacity())
                for layer in layers
            ],
            part,
            self.depth,
        )

    # Layers.

    def insert(self, name: str, pixels: Pixels) -> None:
        """Puts pixels of sRGB into a new layer above the active one. Undoing it is one step."""
        parent, above = self._place()
        node = self._painted(name, pixels)
        parent.addChildNode(node, above)

    def insert_group(self, name: str, layers: Sequence[tuple[str, Pixels]]) -> None:
        """Puts several layers, the first on top and alone visible, into a new group."""
        parent, above = self._place()
        group = self._document.createGroupLayer(name)
        parent.addChildNode(group, above)
        for position, (title, pixels) in reversed(list(enumerate(layers))):
            node = self._painted(title, pixels)
            node.setVisible(position == 0)
            group.addChildNode(node, None)

    @property
    def takes_transparency_masks(self) -> bool:
        """Whether this Krita can make them for a plugin: from 5.2."""
        return hasattr(self._document, "createTransparencyMask")

    def insert_masked(self, name: str, pixels: Pixels, mask: Mask) -> None:
        """Puts pixels into a new layer that is seen through a transparency mask, so that its
        edge can be painted on."""
        parent, above = self._place()
        node = self._painted(name, pixels)
        selection = _selection(mask)
        masked: Any = self._document
        through = masked.createTransparencyMask(name)
        through.setSelection(selection)
        parent.addChildNode(node, above)
        node.addChildNode(through, None)

    def select(self, mask: Mask) -> None:
        """Makes a mask the document's selection."""
        self._document.setSelection(_selection(mask))

    def _painted(self, name: str, pixels: Pixels) -> Node:
        node = self._document.createNode(name, "paintlayer")
        self._fill(node, pixels)
        return node

    def _fill(self, node: Node, pixels: Pixels) -> None:
        place = pixels.bounds
        fitted = colours.from_srgb(pixels, self.depth, self._document.colorProfile())
        data = QtCore.QByteArray(bytes(fitted.data))
        node.setPixelData(data, place.x, place.y, place.width, place.height)

    def _place(self) -> "tuple[Node, Optional[Node]]":
        """Parent and neighbour of a new layer: above the active one, where it would be seen."""
        root = self._document.rootNode()
        node = self._document.activeNode()
        while node is not None:
            parent = node.parentNode()
            if parent is None:
                break
            if node.type().endswith("mask") or node.name() == PREVIEW:
                node = parent
                continue
            if not _hidden(parent):
                return parent, node
            # In a hidden or locked group nobody would see it.
            node = parent
        return root, None

    # The preview.

    def show_preview(self, pixels: Pixels) -> None:
        """Shows pixels of sRGB in a locked layer on top of everything, which is used again."""
        node = self._preview()
        if node is None:
            active = self._document.activeNode()
            node = self._painted(PREVIEW, pixels)
            node.setLocked(True)
            self._document.rootNode().addChildNode(node, None)
            self._keep_active(active)
            return
        place = pixels.bounds
        held = node.bounds()
        shown = Bounds(held.x(), held.y(), held.width(), held.height())
        node.setLocked(False)
        if not place.contains(shown):
            self._clear(node)
        self._fill(node, pixels)
        node.setLocked(True)
        node.setVisible(True)
        self.refresh()

    def hide_preview(self) -> None:
        """Takes the preview away."""
        node = self._preview()
        if node is None:
            return
        # Undoing may bring it back: there must be nothing to be seen then.
        node.setLocked(False)
        self._clear(node)
        node.setVisible(False)
        node.remove()

    @property
    def previewing(self) -> bool:
        """Whether the preview is there and can be seen."""
        node = self._preview()
        return node is not None and node.visible()

    def _preview(self) -> Optional[Node]:
        for node in self._document.topLevelNodes():
            if node.name() == PREVIEW and node.type() == "paintlayer":
                return node
        return None

    def _clear(self, node: Node) -> None:
        held = node.bounds()
        if held.width() > 0 and held.height() > 0:
            size = held.width() * held.height() * BYTES_OF_DEPTH[self.depth]
            nothing = QtCore.QByteArray(bytes(size))
            node.setPixelData(nothing, held.x(), held.y(), held.width(), held.height())

    def _keep_active(self, node: Optional[Node]) -> None:
        # Krita makes an inserted layer the active one a little later, by itself.
        if node is not None:
            document = self._document
            QtCore.QTimer.singleShot(_ACTIVATE_MILLISECONDS, lambda: document.setActiveNode(node))

    def refresh(self) -> None:
        """Computes anew what can be seen, in Krita's own threads."""
        self._document.refreshProjection()

    # What is kept in the document.

    @property
    def history(self) -> History:
        """The history that the document brought with it."""
        if ANNOTATION not in self._document.annotationTypes():
            return History()
        return History.from_bytes(bytes(self._document.annotation(ANNOTATION).data()))

    def keep(self, history: History) -> None:
        """Keeps the history in the document; it is on the disk when the painter saves it."""
        data = QtCore.QByteArray(history.to_bytes())
        self._document.setAnnotation(ANNOTATION, DESCRIPTION, data)


def _selection(mask: Mask) -> Selection:
    # Krita draws the outline of the rectangles that a selection was made of, whatever pixels it is
    # given later: so it is first made of rectangles that come near the mask.
    selection = Selection()
    place = mask.bounds
    for part in mask.rectangles(_OUTLINE_BANDS, _OUTLINE_RECTANGLES) or [place]:
        selection.select(part.x, part.y, part.width, part.height, 255)
    data = QtCore.QByteArray(mask.data)
    selection.setPixelData(data, place.x, place.y, place.width, place.height)
    return selection


def _hidden(node: Node) -> bool:
    """Whether a group, or one around it, is hidden or locked."""
    parent = node.parentNode()
    if parent is None:
        # The root of the document.
        return False
    return not node.visible() or node.locked() or _hidden(parent)


def selected_layers() -> list[Node]:
    """The layers that are chosen in the layer docker, the lowest first."""
    window = Krita.instance().activeWindow()
    view = window.activeView() if window is not None else None
    nodes = view.selectedNodes() if view is not None else []
    layers = [node for node in nodes if node.type().endswith("layer")]
    return [node for node in reversed(layers) if node.name() != PREVIEW]
