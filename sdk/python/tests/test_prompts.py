"""What applications offer while a prompt is written: manifests, completion, marks, remedies."""

import sys

import pytest
from framewright import Cancelled, Catalogue, Character, Remedy, RequestError, Shot, suggestions
from framewright.errors import Busy, ConnectionLost, NoProgram, NotRunning
from framewright.lint import from_utf16, mark, utf16
from framewright.manifest import strings
from framewright.results import PromptEdit, PromptFinding
from hypothesis import given
from hypothesis import strategies as st

CLOSE = Shot("close-up", "close up of", ("close-up", "closeup", "CU"), "the face")
EXTREME = Shot("extreme-close-up", "extreme close up of", ("ECU",), "part of the face")
MEDIUM = Shot("medium-shot", "medium shot picture of", ("medium shot", "MS"), "the waist up")
KAITO = Character("kaitoyosuke", "kaitoyosuke", "man", ("Kaito",), "glasses")
JIYEON = Character("jiyeonmun", "jiyeonmun", "woman", (), "red hair")
CATALOGUE = Catalogue((EXTREME, CLOSE, MEDIUM), (KAITO, JIYEON))

MANIFEST = """\
# A shot.
phrase = "close up of"   # with a comment
aliases = [
    "close-up",  # one
    'CU', "\\u00fcber",
]
number = 2
family.sd15 = { lora = "close-up" }
"quoted key" = "a \\"b\\" \\\\ c"
long = \"\"\"
phrase = "not this"
\"\"\"
holds = "the face"

[figure]
holds = "not this either"
"""


def test_a_manifest_is_read_up_to_its_first_table():
    assert strings(MANIFEST) == {
        "phrase": "close up of",
        "aliases": ["close-up", "CU", "über"],
        "quoted key": 'a "b" \\ c',
        "holds": "the face",
    }


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_manifests_are_read_as_tomllib_reads_them():
    import tomllib

    held = tomllib.loads(MANIFEST)
    for key, value in strings(MANIFEST).items():
        assert held[key] == value


@given(st.text(max_size=80))
def test_any_text_is_read_to_its_end(text):
    assert isinstance(strings(text), dict)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40))
def test_every_string_comes_back(text):
    escaped = "".join(f"\\U{ord(character):08x}" for character in text)
    assert strings(f'a = "{escaped}"\nb = ["{escaped}"]') == {"a": text, "b": [text]}


def test_shots_and_characters_are_read():
    shot = Shot.read("close-up", 'phrase = "close up of"\naliases = ["CU"]\nholds = "x"')
    assert (shot.phrase, shot.aliases, shot.holds) == ("close up of", ("CU",), "x")
    assert shot.title == "Close up"
    assert Shot.read("long-shot", "broken").phrase == "long shot of"
    who = Character.read("k", 'token = "kaitoyosuke"\nclass = "man"')
    assert who.mention == "kaitoyosuke man"
    assert Character.read("k", "").mention == "k"


@pytest.mark.parametrize(
    ("prompt", "shot"),
    [
        ("close up of a man", CLOSE),
        ("Close-up a man", CLOSE),
        ("extreme close up of a man", EXTREME),
        ("closeups of things", None),
        ("a man", None),
        ("", None),
    ],
)
def test_a_prompts_shot_is_found(prompt, shot):
    assert CATALOGUE.shot_of(prompt) is shot


@pytest.mark.parametrize(
    ("prompt", "rewritten"),
    [
        ("a man in the rain", "medium shot picture of a man in the rain"),
        ("close up of a man", "medium shot picture of a man"),
        ("closeup of a man", "medium shot picture of a man"),
        ("", "medium shot picture of "),
        ("medium shot picture of a man", "medium shot picture of a man"),
    ],
)
def test_a_shot_takes_anothers_place(prompt, rewritten):
    assert CATALOGUE.with_shot(prompt, MEDIUM) == rewritten


@pytest.mark.parametrize(
    ("prompt", "rewritten"),
    [
        ("close up of kaitoyosuke man in a park", "close up of jiyeonmun woman in a park"),
        ("close up of kaitoyosuke in a park", "close up of jiyeonmun woman in a park"),
        ("close up of ", "close up of jiyeonmun woman"),
        ("in a park", "in a park, jiyeonmun woman"),
        ("", "picture of jiyeonmun woman"),
        ("kaitoyosukes man", "kaitoyosukes man, jiyeonmun woman"),
    ],
)
def test_a_character_takes_anothers_place(prompt, rewritten):
    assert CATALOGUE.with_character(prompt, JIYEON) == rewritten


def offered(prompt, cursor=None):
    at = len(prompt) if cursor is None else cursor
    return [held.label for held in suggestions(prompt, at, CATALOGUE)]


def test_shots_are_offered_at_the_beginning_and_characters_everywhere():
    assert offered("clo") == ["close up of"]
    assert offered("ec") == ["extreme close up of"]
    assert offered("a man, kai") == ["kaitoyosuke man"]
    assert offered("Kaito") == ["kaitoyosuke man"]
    assert offered("") == offered("a man ") == offered("close up of ") == []
    assert offered("m") == ["medium shot picture of"]


@given(st.text("clokai 🦊é", max_size=12), st.data())
def test_a_suggestion_replaces_what_was_begun(prompt, data):
    cursor = data.draw(st.integers(0, len(prompt)))
    for held in suggestions(prompt, cursor, CATALOGUE):
        assert 0 <= held.start <= held.end == cursor
        begun = prompt[held.start : held.end].strip().lower()
        names = [*CLOSE.aliases, *KAITO.aliases, held.replacement, KAITO.token]
        assert any(name.lower().startswith(begun) for name in names)


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.data())
def test_positions_are_those_of_the_same_character(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    in_bytes = [len(text[:at].encode()) for at in (start, end)]
    finding = PromptFinding("S1", "hint", *in_bytes, "why", PromptEdit(*in_bytes, "new"))
    found = mark(text, finding)
    assert (found.start, found.end) == (start, end)
    assert found.fixed(text) == text[:start] + "new" + text[end:]
    assert from_utf16(text, utf16(text, start)) == start


def test_positions_beyond_the_end_are_the_end():
    found = mark("añb", PromptFinding("S1", "hint", 2, 99, "why"))
    assert (found.start, found.end, found.fixed("añb")) == (1, 3, "añb")


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (NotRunning("the daemon is not running"), "start"),
        (ConnectionLost(), "start"),
        (NoProgram("not found", [], None, "install it"), "locate"),
        (Busy("too many jobs wait"), "retry"),
        (RequestError("model_unusable", "a key is missing", "x.safetensors"), "models"),
        (RequestError("not_found", "there is no model", "nobody"), "models"),
        (RequestError("not_found", "there is no such job", "j7"), None),
        (RequestError("internal", "a fault"), "log"),
        (RequestError("storage", "the disk is full"), "retry"),
        (RequestError("invalid_params", "the prompt is empty"), None),
    ],
)
def test_errors_come_with_what_to_press(error, fix):
    remedy = Remedy.of(error)
    assert remedy.fix == fix and bool(remedy.label) == (fix is not None)
    assert remedy.message[0].isupper() and remedy.message.endswith(".")


def test_what_was_asked_for_is_no_error():
    assert Remedy.of(Cancelled()) is None
