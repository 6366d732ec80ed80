"""Pixels, selections, layers and annotations of real documents, byte for byte."""

import random

import pytest
from framewright.settings import Settings
from framewright_krita.bounds import Bounds
from framewright_krita.canvas import PREVIEW, Canvas
from framewright_krita.history import ANNOTATION, Entry, History, Result
from framewright_krita.mask import Mask
from framewright_krita.order import Task
from framewright_krita.pixels import BYTES_OF_DEPTH, Pixels
from krita import Krita, Selection

P3 = "Rec2020-elle-V4-g10.icc"


def noise(bounds, depth="U8", seed=1, opaque=False):
    data = bytearray(random.Random(seed).randbytes(bounds.area * BYTES_OF_DEPTH[depth]))
    if opaque:
        step = BYTES_OF_DEPTH[depth]
        for byte in range(step - step // 4, step):
            data[byte::step] = b"\xff" * bounds.area
    return Pixels(bounds, depth, bytes(data))


class Activated:
    """A document with another active layer: without a window Krita keeps none."""

    def __init__(self, document, active):
        self._document = document
        self._active = active

    def __getattr__(self, name):
        return getattr(self._document, name)

    def activeNode(self):
        return self._active


def read(steps):
    """Runs a generator to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def layers(document):
    return [node.name() for node in document.topLevelNodes() if node.type() == "paintlayer"]


def layer(document, name):
    return next(node for node in document.topLevelNodes() if node.name() == name)


def data_of(node, bounds):
    return bytes(node.pixelData(bounds.x, bounds.y, bounds.width, bounds.height).data())


@pytest.mark.parametrize("depth", ["U8", "U16"])
def test_a_layer_holds_the_bytes_that_were_put_into_it(new_document, depth):
    document = new_document(90, 70, depth)
    place = Bounds(11, 7, 50, 40)
    pixels = noise(place, depth)
    Canvas(document).insert("made", pixels)
    assert data_of(layer(document, "made"), place) == pixels.data
    rim = place.grown(1)
    outside = Pixels(rim, depth, data_of(layer(document, "made"), rim)).alpha
    assert sum(map(bool, outside)) <= place.area


@pytest.mark.parametrize("depth", ["U8", "U16"])
@pytest.mark.parametrize("place", [Bounds(0, 0, 300, 200), Bounds(37, 21, 140, 99)])
def test_what_is_seen_is_read_byte_for_byte(new_document, depth, place):
    document = new_document(300, 200, depth)
    canvas = Canvas(document)
    pixels = noise(Bounds(0, 0, 300, 200), depth, opaque=True)
    canvas.insert("made", pixels)
    document.waitForDone()
    got = read(canvas.read(place, (place.width, place.height)))
    assert got.bounds == place
    assert got.data == pixels.part(place).data


def test_reading_gives_way_often_on_a_large_canvas(new_document):
    document = new_document(2048, 2048)
    steps = Canvas(document).read(Bounds(0, 0, 2048, 2048), (512, 512))
    turns = 0
    while True:
        try:
            next(steps)
            turns += 1
        except StopIteration as end:
            got = end.value
            break
    assert turns >= 8
    assert (got.bounds.width, got.bounds.height) == (512, 512)
    assert len(got.data) == 512 * 512 * 4


@pytest.mark.parametrize("side", [64, 8192])
def test_the_smallest_and_the_largest_canvas(new_document, side):
    document = new_document(side, side)
    canvas = Canvas(document)
    corner = Bounds(side - 40, side - 40, 40, 40)
    canvas.insert("made", noise(corner, opaque=True))
    document.waitForDone()
    got = read(canvas.read(Bounds(0, 0, side, side), (64, 64)))
    assert len(got.data) == 64 * 64 * 4
    exact = read(canvas.read(corner, (40, 40)))
    assert exact.data == noise(corner, opaque=True).data


def test_a_reduced_reading_is_the_mean_of_what_is_there(new_document):
    document = new_document(512, 512)
    canvas = Canvas(document)
    flat = bytes([10, 20, 30, 255]) * 512 * 512
    canvas.insert("flat", Pixels(Bounds(0, 0, 512, 512), "U8", flat))
    document.waitForDone()
    got = read(canvas.read(Bounds(0, 0, 512, 512), (100, 60)))
    assert got.data == bytes([10, 20, 30, 255]) * 6000


def test_chosen_layers_alone_are_read(new_document):
    document = new_document(40, 40)
    canvas = Canvas(document)
    whole = Bounds(0, 0, 40, 40)
    canvas.insert("below", noise(whole, seed=1, opaque=True))
    canvas.insert("above", noise(whole, seed=2, opaque=True))
    document.waitForDone()
    got = read(canvas.read(whole, (40, 40), [layer(document, "below")]))
    assert got.data == noise(whole, seed=1, opaque=True).data
    both = read(canvas.read(whole, (40, 40), [layer(document, "below"), layer(document, "above")]))
    assert both.data == noise(whole, seed=2, opaque=True).data


def test_a_soft_selection_is_read_as_it_is(new_document):
    document = new_document(60, 50)
    place = Bounds(5, 6, 30, 20)
    data = bytes(random.Random(3).choices(range(1, 256), k=place.area))
    Canvas(document).select(Mask(place, data))
    got = Canvas(document).selection
    assert got.on(place).data == data
    assert got.covered() == place


def test_a_selection_beyond_the_border_is_cut_there(new_document):
    document = new_document(60, 50)
    selection = Selection()
    selection.select(-10, 30, 40, 60, 255)
    document.setSelection(selection)
    got = Canvas(document).selection
    assert got.covered() == Bounds(0, 30, 30, 20)
    selection = Selection()
    selection.select(100, 100, 20, 20, 255)
    document.setSelection(selection)
    got = Canvas(document).selection
    assert got is None or got.covered() is None


def test_no_selection_is_none(new_document):
    assert Canvas(new_document()).selection is None


def test_a_group_holds_every_candidate_and_shows_the_first(new_document):
    document = new_document()
    place = Bounds(3, 4, 20, 20)
    made = [(f"candidate {at}", noise(place, seed=at)) for at in range(3)]
    Canvas(document).insert_group("batch", made)
    group = layer(document, "batch")
    children = group.childNodes()
    assert [node.name() for node in reversed(children)] == [name for name, _ in made]
    assert [node.visible() for node in reversed(children)] == [True, False, False]
    for node, (_, pixels) in zip(reversed(children), made):
        assert data_of(node, place) == pixels.data


def test_a_layer_behind_a_transparency_mask_shows_only_what_the_mask_lets_through(new_document):
    document = new_document(64, 64)
    canvas = Canvas(document)
    since_5_2 = tuple(map(int, Krita.instance().version().split(".")[:2])) >= (5, 2)
    assert canvas.takes_transparency_masks == since_5_2
    if not since_5_2:  # there is nothing to call, and the panel offers nothing
        return
    place = Bounds(8, 8, 40, 40)
    pixels = noise(place, opaque=True)
    inside = Bounds(16, 16, 10, 10)
    mask = bytearray(place.area)
    for y in range(inside.height):
        row = (inside.y - place.y + y) * place.width + inside.x - place.x
        mask[row : row + inside.width] = b"\xff" * inside.width
    canvas.insert_masked("made", pixels, Mask(place, bytes(mask)))
    document.refreshProjection()
    document.waitForDone()
    made = layer(document, "made")
    assert [node.type() for node in made.childNodes()] == ["transparencymask"]
    assert data_of(made, place) == pixels.data, "the layer itself keeps all of its pixels"
    shown = Pixels(place, "U8", bytes(made.projectionPixelData(8, 8, 40, 40).data())).alpha
    for y in range(place.height):
        for x in range(place.width):
            at = y * place.width + x
            assert (shown[at] > 0) == (mask[at] > 0), (x, y)


def test_new_layers_go_above_the_active_one_but_into_no_hidden_or_locked_group(new_document):
    document = new_document()
    for hide in (False, True):
        group = document.createGroupLayer(f"group {hide}")
        document.rootNode().addChildNode(group, None)
        inner = document.createNode("inner", "paintlayer")
        group.addChildNode(inner, None)
        group.setVisible(not hide)
        document.waitForDone()
        Canvas(Activated(document, inner)).insert(f"made {hide}", noise(Bounds(0, 0, 8, 8)))
        inside = [node.name() for node in group.childNodes()]
        assert (f"made {hide}" in inside) != hide
        assert (f"made {hide}" in layers(document)) == hide
    locked = document.createGroupLayer("locked")
    document.rootNode().addChildNode(locked, None)
    inner = document.createNode("inner", "paintlayer")
    locked.addChildNode(inner, None)
    locked.setLocked(True)
    Canvas(Activated(document, inner)).insert("made", noise(Bounds(0, 0, 8, 8)))
    assert [node.name() for node in locked.childNodes()] == ["inner"]


def test_a_locked_layer_is_left_as_it_is(new_document):
    document = new_document()
    canvas = Canvas(document)
    canvas.insert("mine", noise(Bounds(0, 0, 64, 64)))
    mine = layer(document, "mine")
    mine.setLocked(True)
    Canvas(Activated(document, mine)).insert("made", noise(Bounds(0, 0, 64, 64), seed=2))
    assert data_of(mine, Bounds(0, 0, 64, 64)) == noise(Bounds(0, 0, 64, 64)).data
    assert layers(document)[-1] == "made"


def test_the_preview_is_one_locked_layer_on_top_and_leaves_nothing(new_document):
    document = new_document()
    canvas = Canvas(document)
    before = layers(document)
    first, second = Bounds(0, 0, 40, 40), Bounds(20, 20, 30, 30)
    canvas.show_preview(noise(first, opaque=True))
    canvas.show_preview(noise(second, seed=2, opaque=True))
    assert layers(document) == [*before, PREVIEW]
    node = layer(document, PREVIEW)
    assert node.locked() and canvas.previewing
    assert data_of(node, second) == noise(second, seed=2, opaque=True).data
    assert data_of(node, Bounds(0, 0, 20, 20)) == bytes(1600)
    canvas.hide_preview()
    assert layers(document) == before and not canvas.previewing


@pytest.mark.parametrize("depth", ["U8", "U16"])
def test_other_profiles_are_converted_and_back(new_document, depth):
    document = new_document(32, 32, depth, P3)
    assert document.colorProfile() == P3
    canvas = Canvas(document)
    whole = Bounds(0, 0, 32, 32)
    one = (bytes([40, 90, 200, 255]), bytes([40, 40, 90, 90, 200, 200, 255, 255]))
    colour = one[depth == "U16"]
    canvas.insert("made", Pixels(whole, depth, colour * 1024))
    document.waitForDone()
    held = data_of(layer(document, "made"), whole)
    assert held[: len(colour)] != colour, "it was converted"
    got = read(canvas.read(whole, (32, 32)))
    # Linear channels of 8 bits hold dark colours coarsely.
    step = BYTES_OF_DEPTH[depth] // 4
    pairs = zip(got.data[-len(colour) :][step - 1 :: step], colour[step - 1 :: step])
    assert max(abs(a - b) for a, b in pairs) <= (6 if depth == "U8" else 1)


def test_frames_of_8_bits_become_layers_of_16(new_document):
    document = new_document(16, 16, "U16")
    canvas = Canvas(document)
    place = Bounds(0, 0, 16, 16)
    canvas.insert("made", noise(place, opaque=True))
    held = data_of(layer(document, "made"), place)
    assert held[0::2] == held[1::2] == noise(place, opaque=True).data


@pytest.mark.parametrize(
    ("model", "depth", "word"),
    [("GRAYA", "U8", "grayscale"), ("CMYKA", "U8", "CMYK"), ("RGBA", "F32", "floating")],
)
def test_other_colour_models_are_told_what_to_do(new_document, model, depth, word):
    trouble = Canvas(new_document(8, 8, depth, "", model)).trouble
    assert word in trouble and "Convert Image Color Space" in trouble


def test_rgb_has_no_trouble(new_document):
    assert Canvas(new_document()).trouble == ""
    assert Canvas(new_document(depth="U16")).trouble == ""


def test_the_history_is_saved_with_the_document(new_document, tmp_path):
    document = new_document()
    place = Bounds(1, 2, 3, 4)
    entry = Entry(
        "j1",
        Task.GENERATE,
        Settings("a fox, ümläut 🦊", seed=5),
        5,
        place,
        64,
        64,
        mask=Mask(place, bytes(range(12))),
        results=(Result(5, "ab" * 32),),
        applied=(0,),
    )
    Canvas(document).keep(History([entry]))
    assert ANNOTATION in document.annotationTypes()
    path = str(tmp_path / "kept.kra")
    assert document.saveAs(path)
    document.waitForDone()
    again = Krita.instance().openDocument(path)
    try:
        assert Canvas(again).history.entries == [entry]
    finally:
        again.close()
    assert Canvas(new_document()).history.entries == []


def test_documents_are_told_apart(new_document):
    one, two = new_document(), new_document()
    assert Canvas(one).id == Canvas(one).id != Canvas(two).id
    assert {canvas.id for canvas in Canvas.all()} >= {Canvas(one).id, Canvas(two).id}
