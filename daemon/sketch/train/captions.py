"""Token ids of captions, and which thing in the picture each token speaks of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

LENGTH = 77
# What a token, or a pixel, belongs to: 0 the setting, then four groups for each of two people.
SETTING, BODY, HAIR, TOP, TROUSERS = 0, 1, 2, 3, 4
GROUPS = 9
NONE = 255
PARTS = {"hair": HAIR, "top": TOP, "trousers": TROUSERS}
WORD = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")
# Words between which an attribute's phrase cannot reach.
BOUNDARY = {"a", "an", "with", "and", "in", "wearing", ",", ";", ":", "is", "of", "the"}
FRAMING = {
    "extreme",
    "close",
    "up",
    "medium",
    "shot",
    "american",
    "full",
    "body",
    "long",
    "view",
    "detailed",
    "picture",
    "of",
}


def groups_of_ids() -> np.ndarray:
    """Group of each value of an id map."""
    table = np.zeros(256, np.uint8)
    for person in range(2):
        for part in range(16):
            group = {1: HAIR, 2: TOP, 3: TROUSERS}.get(part, BODY)
            table[1 + person * 16 + part] = person * 4 + group
    return table


def person_of_clause(clause: list[str], order: int, people: list[dict]) -> int:
    """Which of the scene's people a clause is about: by its side if it says one, else in order."""
    if len(people) == 2:
        for side in ("left", "right"):
            if ["on", "the", side] in (clause[at : at + 3] for at in range(len(clause))):
                for number, person in enumerate(people):
                    if person["position"] == side:
                        return number
    return min(order, 1)


def mark(words: list[str], groups: list[int], phrase: str, group: int) -> None:
    """Gives a group to every place where the phrase's words stand together."""
    sought = WORD.findall(phrase.lower())
    for at in range(len(words) - len(sought) + 1):
        if words[at : at + len(sought)] == sought:
            groups[at : at + len(sought)] = [group] * len(sought)


def word_groups(words: list[str], scene: dict) -> list[int]:
    """The group of each word of a caption."""
    people = scene["people"]
    groups = [NONE] * len(words)
    if not people:
        return [NONE if w in FRAMING or w in BOUNDARY else SETTING for w in words]
    lead = 0
    while lead < len(words) and words[lead] in FRAMING:
        lead += 1
    start = words.index(":") + 1 if ":" in words else lead
    clauses: list[tuple[int, int]] = []
    for at in range(start, len(words) + 1):
        if at == len(words) or words[at] == ";":
            clauses.append((start, at))
            start = at + 1
    for order, (first, last) in enumerate(clauses):
        person = person_of_clause(words[first:last], order, people)
        for at in range(first, last):
            if words[at] not in BOUNDARY:
                groups[at] = person * 4 + BODY
            if words[at] in PARTS:
                reach = at
                while reach > first and words[reach - 1] not in BOUNDARY:
                    reach -= 1
                groups[reach : at + 1] = [person * 4 + PARTS[words[at]]] * (at + 1 - reach)
    for phrase in (scene["setting"], scene["light"], "in the rain"):
        mark(words, groups, phrase, SETTING)
    return groups


class Captions:
    """Encodes captions word by word; a word's pieces are looked up once."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self.tokenizer = tokenizer
        self.start, self.end = tokenizer.bos_token_id, tokenizer.eos_token_id
        self.known: dict[str, list[int]] = {}

    def pieces(self, word: str) -> list[int]:
        if word not in self.known:
            self.known[word] = self.tokenizer(word)["input_ids"][1:-1]
        return self.known[word]

    def encode(self, caption: str, scene: dict) -> tuple[np.ndarray, np.ndarray]:
        """(77 ids, 77 groups) of one caption, padded with the end token as SD 1.x does."""
        ids = np.full(LENGTH, self.end, np.uint16)
        groups = np.full(LENGTH, NONE, np.uint8)
        ids[0], at = self.start, 1
        words = WORD.findall(caption.lower())
        for word, group in zip(words, word_groups(words, scene), strict=True):
            for piece in self.pieces(word):
                if at < LENGTH - 1:
                    ids[at], groups[at] = piece, group
                    at += 1
        return ids, groups
