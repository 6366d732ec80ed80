"""Reading the manifests of the library as far as a client needs them.

The daemon checks manifests, and gives their text. `tomllib` came with Python 3.11, and
applications still ship older ones; what a client shows stands at a manifest's beginning, as
strings and lists of strings, so that much of TOML is read here.
"""

import re
from typing import Union

Value = Union[str, list[str]]

_KEY = re.compile(r"[ \t]*(?:([A-Za-z0-9_-]+)|\"([^\"\\\n]*)\"|'([^'\n]*)')[ \t]*=[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'([^'\n]*)'")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def strings(text: str) -> dict[str, Value]:
    """The strings and lists of strings before the first table of a manifest, by their keys.

    Values of other kinds are passed over. Text that is no TOML gives what stands before it.
    """
    found: dict[str, Value] = {}
    at = 0
    while True:
        at = _after(_BLANK, text, at)
        key = _KEY.match(text, at)
        if key is None:
            # A dotted key, whose value is never shown; else the first table or the end.
            if text[at : at + 1] in ("", "["):
                return found
            at = _next_line(text, at)
            continue
        value, at = _value(text, key.end())
        if value is None:
            at = _next_line(text, at)
        else:
            found[key.group(1) or key.group(2) or key.group(3) or ""] = value


def _value(text: str, at: int) -> tuple[Union[Value, None], int]:
    if text.startswith(('"""', "'''"), at):
        end = text.find(text[at : at + 3], at + 3)
        return None, len(text) if end < 0 else end + 3
    string = _STRING.match(text, at)
    if string is not None:
        return _plain(string), string.end()
    if text[at : at + 1] != "[":
        return None, at
    items: list[str] = []
    at = _after(_BLANK, text, at + 1)
    while text[at : at + 1] != "]":
        string = _STRING.match(text, at)
        if string is None:
            return None, at
        items.append(_plain(string))
        at = _after(_BLANK, text, string.end())
        if text[at : at + 1] == ",":
            at = _after(_BLANK, text, at + 1)
        elif text[at : at + 1] != "]":
            return None, at
    return items, at + 1


def _plain(string: "re.Match[str]") -> str:
    if string.group(2) is not None:
        return string.group(2)
    return _ESCAPE.sub(_escaped, string.group(1))


def _escaped(escape: "re.Match[str]") -> str:
    what = escape.group(1)
    if len(what) > 1:
        code = int(what[1:], 16)
        return chr(code) if code <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"
    return _ESCAPES.get(what, what)


def _after(pattern: "re.Pattern[str]", text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
