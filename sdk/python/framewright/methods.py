"""The methods' parameters for type checkers, and which of them may be asked again."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Optional, TypedDict

from .errors import ConnectionLost, FramewrightError, RequestError
from .picture import Picture

ATTEMPTS = 5
"""How often a request is sent in all when the daemon goes away over it: one that the daemon dies
of must not be sent for ever."""

# Asking again changes nothing that the first time has not: they only look, or they say what is
# to be in the end. The job of `frame.…` ends with its connection unless it has a key, and with a
# key the daemon finds it again.
_REPEATABLE = frozenset(
    [
        "ping",
        "status",
        "describe",
        "model.list",
        "model.inspect",
        "lora.list",
        "lora.inspect",
        "library.folders",
        "document.list",
        "document.get",
        "prompt.lint",
        "prompt.recast",
        "prompt.tokens",
        "planner.list",
        "scene.plan",
        "scene.read",
        "mask.segment",
        "mask.segmenters",
        "mask.refine",
        "mask.box",
        "mask.polygon",
        "board.open",
        "board.pick",
        "board.render",
        "board.stop",
        "inpaint.context",
        "frame.generate",
        "frame.inpaint",
        "frame.again",
        "job.cancel",
        "job.wait",
        "job.list",
        "job.show",
        "job.events",
        "job.watch",
        "job.prune",
        "blob.get",
        "events.subscribe",
    ]
)


# Each makes a job that is found again by its key.
_KEYED = ("frame.generate", "frame.inpaint", "frame.again", "job.submit")


def may_be_asked_again(method: str, params: Mapping[str, Any]) -> bool:
    """Whether a request whose answer was lost can be sent again without doing things twice."""
    return method in _REPEATABLE or method == "job.submit" and key_of(method, params) is not None


def key_of(method: str, params: Mapping[str, Any]) -> Optional[str]:
    """The idempotency key of a request that makes a job; an inpainting's is its frame's."""
    place: Mapping[str, Any] = params.get("frame", {}) if method == "frame.inpaint" else params
    return place.get("key")


def with_key(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with a key of their own where the method makes a job and they have none."""
    if method not in _KEYED or key_of(method, params) is not None:
        return dict(params)
    key = uuid.uuid4().hex
    if method == "frame.inpaint":
        return {**params, "frame": {**params.get("frame", {}), "key": key}}
    return {**params, "key": key}


def went_away(error: FramewrightError) -> bool:
    """Whether a request failed because its daemon went away, so that another may answer it."""
    stopping = isinstance(error, RequestError) and error.code == "stopping"
    return stopping or isinstance(error, ConnectionLost)


def pause(attempt: int) -> float:
    """Seconds to wait after that many attempts: a daemon takes a moment to go."""
    return 0.02 * 2**attempt


class GenerateOptions(TypedDict, total=False):
    """Options of `frame.generate`; what is left out comes from the model's manifest.

    Sizes are in pixels, `guidance_scale` 1 means none, `guidance_rescale` is 0 to 1, `strength`
    above 0 to 1. Candidate k has `seed` + k. `format` is `png` (the default), `rgba8`, `bgra8` or
    `rgba16`. `priority` is `interactive`, `batch` or `training`. A job with a `key` outlives its
    connection: asking again with the same key gives the same job's result.

    `hires` has `scale`, and where wanted `strength` and `loras`: the frame is drawn so many times
    smaller first, enlarged and drawn over.

    `loras` have `name`, and where wanted `weight` and `text_weight`. `regions` have `area` (left,
    top, right, bottom as shares of the frame) or `mask`, and where wanted `prompt`, `feather`,
    `strength`, `loras` and `characters`; `auto_regions` divides the frame by the places of the
    characters. Unless `activate` is false, shot and characters of the prompt bring the LoRAs and
    negative prompts that the library has for them.
    """

    negative_prompt: str
    model: str
    width: int
    height: int
    steps: int
    guidance_scale: float
    guidance_rescale: float
    guidance_mode: str
    sampler: str
    seed: int
    candidates: int
    image: Picture
    strength: float
    hires: Mapping[str, Any]
    clip_skip: int
    loras: Sequence[Mapping[str, Any]]
    partial_loras: bool
    regions: Sequence[Mapping[str, Any]]
    auto_regions: bool
    activate: bool
    preview_every: int
    format: str
    key: str
    priority: str


class AgainOptions(TypedDict, total=False):
    """Options of `frame.again`: the picture that the frame was made from, another model; `key`
    and `priority` as in `GenerateOptions`."""

    image: Picture
    model: str
    preview_every: int
    key: str
    priority: str
