"""The vocabulary: how merges are learned, and that the one which ships is what they make."""

import json
import re
from collections import Counter
from pathlib import Path

from tokenizer import END, EXTRA, START, byte_alphabet, learn_merges

SHIPPED = Path(__file__).parents[1] / "weights" / "sketch" / "tokenizer"


def pieces(word: str, merges: list[tuple[str, str]]) -> list[str]:
    """A word's tokens by the rule of BPE: the earliest merge that fits comes first."""
    rank = {pair: number for number, pair in enumerate(merges)}
    parts = [*word[:-1], word[-1] + "</w>"]
    while len(parts) > 1:
        pairs = list(zip(parts, parts[1:]))
        best = min(pairs, key=lambda pair: rank.get(pair, len(rank)))
        if best not in rank:
            break
        at = pairs.index(best)
        parts[at : at + 2] = ["".join(best)]
    return parts


def test_every_learned_word_becomes_one_token():
    words = Counter({"library": 9, "librarian": 2, "brown": 5, "crown": 4, "a": 7})
    merges = learn_merges(words)
    assert len(set(merges)) == len(merges)
    for word in words:
        assert pieces(word, merges) == [word + "</w>"]
    assert len(pieces("kaitoyosuke", merges)) > 1


def test_the_alphabet_has_a_sign_for_every_byte():
    alphabet = byte_alphabet()
    assert len(alphabet) == len(set(alphabet)) == 256
    assert not any(sign.isspace() for sign in alphabet)


def test_the_shipped_vocabulary_holds_the_grammar_whole():
    vocabulary = json.loads((SHIPPED / "vocab.json").read_text())
    lines = (SHIPPED / "merges.txt").read_text().splitlines()[1:]
    merges = [tuple(line.split()) for line in lines]
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert {START, END} <= set(vocabulary) and set(byte_alphabet()) <= set(vocabulary)
    for word in set(re.findall("[a-z]+", EXTRA)):
        assert pieces(word, merges) == [word + "</w>"]
    for first, second in merges:
        assert first + second in vocabulary
