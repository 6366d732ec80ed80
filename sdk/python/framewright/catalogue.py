"""What a prompt may name, as an application offers it: shots and characters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from .manifest import Value, strings


@dataclass(frozen=True)
class Shot:
    """A shot type. `phrase` opens a prompt; `holds` says what the frame shows."""

    name: str
    phrase: str
    aliases: tuple[str, ...] = ()
    holds: str = ""

    @classmethod
    def read(cls, name: str, manifest: str) -> "Shot":
        """The shot that a manifest describes, as `document.get` gives it."""
        keys = strings(manifest)
        phrase = _string(keys, "phrase") or f"{name.replace('-', ' ')} of"
        return cls(name, phrase, _list(keys, "aliases"), _string(keys, "holds"))

    @property
    def title(self) -> str:
        """The name as a person reads it."""
        return self.name.replace("-", " ").capitalize()


@dataclass(frozen=True)
class Character:
    """A character: prompts name it by `token` and `class_word`."""

    name: str
    token: str
    class_word: str
    aliases: tuple[str, ...] = ()
    description: str = ""

    @classmethod
    def read(cls, name: str, manifest: str) -> "Character":
        """The character that a manifest describes, as `document.get` gives it."""
        keys = strings(manifest)
        return cls(
            name,
            _string(keys, "token") or name,
            _string(keys, "class"),
            _list(keys, "aliases"),
            _string(keys, "description"),
        )

    @property
    def mention(self) -> str:
        """How a prompt names it: token and class."""
        return f"{self.token} {self.class_word}".strip()


@dataclass(frozen=True)
class Catalogue:
    """The shots, nearest framing first where their manifests say so, and the characters."""

    shots: Sequence[Shot] = field(default_factory=tuple)
    characters: Sequence[Character] = field(default_factory=tuple)

    def shot_of(self, prompt: str) -> Optional[Shot]:
        """The shot whose phrase or alias opens a prompt; the longest one that fits."""
        found: tuple[int, Optional[Shot]] = (0, None)
        for shot in self.shots:
            length = _opening(prompt, shot)
            if length > found[0]:
                found = (length, shot)
        return found[1]

    def with_shot(self, prompt: str, shot: Shot) -> str:
        """The prompt with this shot's phrase at its beginning, in place of another's."""
        bare = prompt.lstrip()
        longest = max((_opening(bare, other) for other in self.shots), default=0)
        rest = bare[longest:].lstrip()
        if longest and rest.lower().startswith("of "):
            rest = rest[3:].lstrip()
        return f"{shot.phrase} {rest}" if rest else f"{shot.phrase} "

    def characters_in(self, prompt: str) -> list[Character]:
        """The characters whose token is a word of the prompt, in the order of the text."""
        found = [(_word_at(prompt, held.token), held) for held in self.characters]
        return [held for at, held in sorted(found, key=lambda pair: pair[0]) if at >= 0]

    def with_character(self, prompt: str, character: Character) -> str:
        """The prompt with this character in place of the first one that it names; added where
        it names none."""
        named = self.characters_in(prompt)
        if named:
            first = named[0]
            at = _word_at(prompt, first.token)
            end = at + len(first.token)
            behind = prompt[end:].lstrip()
            if first.class_word and _starts_with_word(behind, first.class_word):
                end = len(prompt) - len(behind) + len(first.class_word)
            return prompt[:at] + character.mention + prompt[end:]
        bare = prompt.rstrip()
        if not bare:
            return f"picture of {character.mention}"
        joint = " " if bare.lower().endswith(" of") else ", "
        return f"{bare}{joint}{character.mention}"


def _opening(prompt: str, shot: Shot) -> int:
    """How much of a prompt's beginning names the shot."""
    lower = prompt.lower()
    names = (shot.phrase, *shot.aliases)
    return max((len(name) for name in names if _starts_with_word(lower, name.lower())), default=0)


def _starts_with_word(text: str, word: str) -> bool:
    return text.startswith(word) and not text[len(word) : len(word) + 1].isalnum()


def _word_at(text: str, word: str) -> int:
    lower, sought = text.lower(), word.lower()
    at = lower.find(sought)
    while at >= 0:
        before, after = lower[at - 1 : at] if at else "", lower[at + len(sought) :][:1]
        if not before.isalnum() and not after.isalnum():
            return at
        at = lower.find(sought, at + 1)
    return -1


def _string(keys: dict[str, Value], key: str) -> str:
    value = keys.get(key, "")
    return value if isinstance(value, str) else ""


def _list(keys: dict[str, Value], key: str) -> tuple[str, ...]:
    value = keys.get(key, ())
    return () if isinstance(value, str) else tuple(value)
