"""The golden vectors, read into bytes and Python's values."""

import json
import math
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[2] / "protocol" / "vectors" / "vectors.json"


def load(section: str) -> list[dict[str, Any]]:
    return json.loads(PATH.read_text("utf-8"))[section]


def bytes_of(pieces: Any) -> bytes:
    if isinstance(pieces, str):
        return bytes.fromhex(pieces)
    if isinstance(pieces, dict):
        return bytes.fromhex(pieces["repeat"]) * pieces["times"]
    return b"".join(bytes_of(piece) for piece in pieces)


def value_of(meaning: Any) -> Any:
    if isinstance(meaning, list):
        return [value_of(item) for item in meaning]
    if not isinstance(meaning, dict):
        return meaning
    if len(meaning) == 1:
        ((kind, held),) = meaning.items()
        if kind == "bytes":
            return bytes_of(held)
        if kind in ("f32", "f64"):
            return float(held)
        if kind == "text":
            return held["repeat"] * held["times"]
        if kind == "list":
            return [value_of(held["repeat"])] * held["times"]
    return {key: value_of(held) for key, held in meaning.items()}


def has_f32(meaning: Any) -> bool:
    """Whether it holds a float that this package would write as float 64."""
    return "f32" in json.dumps(meaning)


def same(left, right):
    """As `==`, but a float is no integer, -0.0 is not 0.0, and nan is itself."""
    if isinstance(left, float) and isinstance(right, float):
        return (
            left == right
            and math.copysign(1, left) == math.copysign(1, right)
            or (math.isnan(left) and math.isnan(right))
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, memoryview):
        return left == right
    return type(left) is type(right) and left == right
