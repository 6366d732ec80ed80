"""What captions tell: which words speak of which thing, and which attributes they name."""

import numpy as np
from attributes import UNKNOWN, Attributes
from captions import BODY, HAIR, NONE, SETTING, TOP, TROUSERS, WORD, groups_of_ids, word_groups


def person(position: str, **changes: object) -> dict:
    return {
        "class": "man",
        "hair": "red",
        "hair_length": "short",
        "top": "blue",
        "trousers": "white",
        "pose": "standing",
        "mood": "neutral",
        "held": None,
        "facing": "front",
        "position": position,
        "visible": {"head": 90, "hair": 90, "top": 90, "trousers": 90, "held": 0},
    } | changes


# The people stand in the list in the other order than in the picture, on purpose.
PAIR = {
    "people": [person("right", **{"class": "woman", "top": "green"}), person("left")],
    "setting": "park",
    "light": "low light",
}
CAPTION = (
    "two people: a man with red hair in a blue top is on the left; "
    "a woman in a green top and white trousers is on the right, in a park, low light"
)


def test_words_are_given_to_the_person_and_the_part_that_they_speak_of():
    words = WORD.findall(CAPTION)
    groups = dict(zip(words, word_groups(words, PAIR)))
    left, right = 4, 0  # by the place of each in the scene's list
    assert groups["man"] == left + BODY
    assert groups["red"] == groups["hair"] == left + HAIR
    assert groups["blue"] == left + TOP
    assert groups["woman"] == right + BODY
    assert groups["green"] == right + TOP
    assert groups["white"] == groups["trousers"] == right + TROUSERS
    assert groups["park"] == SETTING


def test_words_of_framing_belong_to_nothing():
    words = WORD.findall("medium shot picture of a man in a blue top, in a park, low light")
    scene = PAIR | {"people": [person("centre")]}
    groups = dict(zip(words, word_groups(words, scene)))
    assert {groups[w] for w in ("medium", "shot", "picture")} == {NONE}
    assert groups["blue"] == TOP


def test_pixels_have_the_groups_of_their_ids():
    table = groups_of_ids()
    assert table.dtype == np.uint8
    assert table[0] == table[140] == SETTING
    assert [table[1 + 16 * p + 2] for p in (0, 1)] == [TOP, 4 + TOP]
    assert table[1 + 16 + 5] == 4 + BODY


def test_a_caption_tells_what_it_says_and_no_more():
    attributes = Attributes.of([PAIR])
    told = attributes.of_caption(PAIR, CAPTION)
    values = {n: attributes.values[n][v] for n, v in told.items()}
    assert values["top.0"] == "blue" and values["top.1"] == "green"
    assert values["hair.0"] == "red" and "hair.1" not in values
    assert values["trousers.1"] == "white" and "trousers.0" not in values
    assert "setting" in values and "pose.0" not in values


def test_an_image_does_not_tell_what_it_hides():
    hidden = {"head": 90, "hair": 90, "top": 90, "trousers": 0, "held": 0}
    scene = PAIR | {"people": [person("left", visible=hidden), PAIR["people"][0]]}
    told = Attributes.of([PAIR]).of_image(scene)
    assert "trousers.0" not in told and "trousers.1" in told
    assert Attributes({"top": ["blue"]}).number("top", "pink") == UNKNOWN
