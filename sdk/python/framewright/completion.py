"""Completing a prompt while it is typed: shots at its beginning, characters everywhere."""

from collections.abc import Iterator
from dataclasses import dataclass

from .catalogue import Catalogue, Character, Shot


@dataclass(frozen=True)
class Suggestion:
    """What may stand in place of `prompt[start:end]`: `replacement`. `label` and `detail` are
    for a person."""

    label: str
    detail: str
    start: int
    end: int
    replacement: str


def suggestions(prompt: str, cursor: int, catalogue: Catalogue) -> list[Suggestion]:
    """What may be meant at a place of the prompt, the likeliest first; nothing where nothing
    was begun."""
    before = prompt[:cursor]
    return [*_shots(before, catalogue), *_characters(before, catalogue)]


def _shots(before: str, catalogue: Catalogue) -> Iterator[Suggestion]:
    begun = before.lstrip()
    start = len(before) - len(begun)
    if not begun or "\n" in begun:
        return
    typed = begun.lower()
    complete = {shot.phrase.lower() for shot in catalogue.shots}
    if typed.strip() in complete:
        return
    for shot in catalogue.shots:
        if any(_begins(name, typed) for name in (shot.phrase, *shot.aliases)):
            yield _of_shot(shot, start, len(before))


def _of_shot(shot: Shot, start: int, end: int) -> Suggestion:
    return Suggestion(shot.phrase, shot.holds, start, end, shot.phrase + " ")


def _characters(before: str, catalogue: Catalogue) -> Iterator[Suggestion]:
    start = len(before)
    while start and (before[start - 1].isalnum() or before[start - 1] in "_-'"):
        start -= 1
    typed = before[start:].lower()
    if not typed:
        return
    for character in catalogue.characters:
        names = (character.token, character.name, *character.aliases)
        whole = typed == character.token.lower() and not character.class_word
        if not whole and any(_begins(name, typed) for name in names):
            yield _of_character(character, start, len(before))


def _of_character(character: Character, start: int, end: int) -> Suggestion:
    mention = character.mention
    return Suggestion(mention, character.description, start, end, mention)


def _begins(name: str, typed: str) -> bool:
    return name.lower().startswith(typed)
