"""A document of bytes: what the studio sees of one, without Krita."""

from framewright_krita.bounds import Bounds
from framewright_krita.history import History
from framewright_krita.pixels import Pixels
from framewright_krita.scaling import scaled


class Paper:
    """One opaque grey picture; `layers` lists what was put into it."""

    def __init__(self, width=96, height=64, depth="U8", id="paper"):
        self.id = self.name = id
        self.bounds = Bounds(0, 0, width, height)
        self.depth = depth
        self.trouble = ""
        self.selection = None
        self.history = History()
        self.takes_transparency_masks = True
        self.preview = None
        self.kept = []
        self.layers = []
        self.reads = 0
        pixel = b"\x80\x80\x80\xff" if depth == "U8" else b"\x80" * 6 + b"\xff\xff"
        self.picture = Pixels(self.bounds, depth, pixel * self.bounds.area)

    @property
    def previewing(self):
        return self.preview is not None

    def insert(self, name, pixels):
        self.layers.append((name, pixels, None))

    def insert_group(self, name, layers):
        self.layers.append((name, layers, None))

    def insert_masked(self, name, pixels, mask):
        self.layers.append((name, pixels, mask))

    def select(self, mask):
        self.selection = mask

    def show_preview(self, pixels):
        self.preview = pixels

    def hide_preview(self):
        self.preview = None

    def keep(self, history):
        self.kept.append(history.to_bytes())


class Desk:
    """Where papers come from."""

    def __init__(self, *papers):
        self.papers = list(papers)

    def active(self):
        return self.papers[0] if self.papers else None

    def open(self):
        return self.papers

    def read(self, canvas, bounds, size):
        canvas.reads += 1
        yield
        part = canvas.picture.part(bounds)
        yield
        return scaled(part, *size)
