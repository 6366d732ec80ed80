"""What the daemon answers, as dataclasses. Keys that a newer daemon adds are ignored."""

import functools
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Optional, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from .errors import AnswerError, refusal
from .picture import Picture


@dataclass(frozen=True)
class Limits:
    """What the daemon takes at most."""

    frame_bytes: int
    frame_values: int
    frame_depth: int
    prompt_chars: int
    candidates: int
    side_pixels: int
    jobs: int
    requests: int
    connections: int
    key_chars: Optional[int] = None
    blob_bytes: Optional[int] = None


@dataclass(frozen=True)
class Hello:
    """What the daemon says about itself at the beginning."""

    protocol: int
    oldest: int
    version: str
    limits: Limits
    capabilities: list[str]


@dataclass(frozen=True)
class WaitingJobs:
    """How many jobs wait, by their priority."""

    interactive: int
    batch: int
    training: int


@dataclass(frozen=True)
class Status:
    """What the daemon is doing, and where its files are.

    `suspended` names the jobs that more urgent ones have put off, the last first.
    """

    version: str
    pid: int
    uptime_seconds: float
    waiting: int
    device: str
    connections: int
    data: str
    log: str
    running: Optional[str] = None
    model: Optional[str] = None
    memory_bytes: Optional[int] = None
    suspended: Optional[list[str]] = None
    waiting_by_priority: Optional[WaitingJobs] = None
    model_idle_seconds: Optional[float] = None
    blob_bytes: Optional[int] = None


@dataclass(frozen=True)
class Frame:
    """A frame that was made. `provenance` is what is needed to make it again."""

    seed: int
    picture: Picture
    provenance: Any


@dataclass(frozen=True)
class AppliedLora:
    """A LoRA that was applied: in the `region` of that number, from 0, or in the whole frame; with
    `hires` true in the second of two passes alone, false in the first alone; for a `reason` in the
    prompt or the model's manifest, or because the request named it."""

    name: str
    weight: float
    text_weight: Optional[float] = None
    region: Optional[int] = None
    hires: Optional[bool] = None
    reason: Optional[str] = None


@dataclass(frozen=True)
class Generated:
    """Frames from a prompt, one a candidate, in order; `notices` are for a person to read."""

    job: str
    frames: list[Frame]
    notices: list[str]
    seconds: float
    loras: Optional[list[AppliedLora]] = None


@dataclass(frozen=True)
class MadeAgain:
    """A frame made again from its PNG, and how it compares with it."""

    job: str
    frame: Frame
    identical: bool
    differing_pixels: int
    differences: list[str]
    seconds: float


@dataclass(frozen=True)
class Model:
    """A model; sizes in pixels. `source` is `embedded`, `folder` or `file`."""

    name: str
    default: bool
    source: str
    path: Optional[str] = None
    family: Optional[str] = None
    width: Optional[int] = None
    height: Optional[int] = None
    steps: Optional[int] = None
    guidance_scale: Optional[float] = None
    sampler: Optional[str] = None
    clip_skip: Optional[int] = None
    vae: Optional[str] = None


@dataclass(frozen=True)
class ModelProblem:
    """A file among the models that cannot be used, and why."""

    path: str
    reason: str
    line: Optional[int] = None
    hint: Optional[str] = None


@dataclass(frozen=True)
class Models:
    """The models that can be used, what cannot be and why, and where models are looked for."""

    models: list[Model]
    problems: list[ModelProblem]
    folder: str


@dataclass(frozen=True)
class ModelReport:
    """A model, and what its files hold."""

    model: Model
    report: Any


@dataclass(frozen=True)
class Token:
    """A piece of a prompt with its weight."""

    id: int
    text: str
    weight: float


@dataclass(frozen=True)
class TokenChunk:
    """The tokens that go through the text encoder together."""

    tokens: list[Token]


@dataclass(frozen=True)
class Tokens:
    """How a prompt is read."""

    chunks: list[TokenChunk]
    count: int


@dataclass(frozen=True)
class PromptEdit:
    """What would stand in a prompt instead; positions in bytes of UTF-8."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True)
class PromptFinding:
    """What in a prompt will not be drawn as meant; positions in bytes of UTF-8.

    `severity` is `hint`, `warning` or `error`.
    """

    code: str
    severity: str
    start: int
    end: int
    reason: str
    rewrite: Optional[PromptEdit] = None


@dataclass(frozen=True)
class Lint:
    """What was found in a prompt, and the prompt with everything rewritten that can be."""

    findings: list[PromptFinding]
    rewritten: str


@dataclass(frozen=True)
class DocumentSummary:
    """A manifest of the library; without a `revision` it cannot be read."""

    name: str
    path: str
    shipped: bool
    revision: Optional[str] = None
    problem: Optional[ModelProblem] = None


@dataclass(frozen=True)
class Documents:
    """The manifests of one kind, and where they lie."""

    documents: list[DocumentSummary]
    folder: str


@dataclass(frozen=True)
class DocumentText:
    """A manifest's text, and its revision for `document.put`."""

    text: str
    revision: str
    path: str
    shipped: bool


@dataclass(frozen=True)
class JobTicket:
    """A job that was submitted; `existing` when its key was known already.

    `state` is `queued`, `running`, `done`, `failed` or `cancelled`.
    """

    job: str
    state: str
    existing: bool = False


@dataclass(frozen=True)
class JobError:
    """Why a job failed."""

    code: str
    message: str
    about: Optional[str] = None
    hint: Optional[str] = None


@dataclass(frozen=True)
class JobOutcome:
    """A job that has ended. `result` is what its method answers, as it was unpacked."""

    job: str
    state: str
    result: Any = None
    error: Optional[JobError] = None

    def generated(self) -> Generated:
        """The result of a job of `frame.generate`. Raises its `RequestError` when it failed or
        was cancelled."""
        if self.error is not None:
            error = self.error
            raise refusal(error.code, error.message, error.about, error.hint)
        return decode(Generated, self.result)


@dataclass(frozen=True)
class JobSummary:
    """A job in a list. Times are seconds since 1970."""

    job: str
    method: str
    state: str
    priority: str
    client: Optional[str] = None
    title: Optional[str] = None
    key: Optional[str] = None
    created: Optional[float] = None
    started: Optional[float] = None
    ended: Optional[float] = None


@dataclass(frozen=True)
class JobList:
    """Jobs, the newest first, and whether there are `more` before the last of them."""

    jobs: list[JobSummary]
    more: bool


@dataclass(frozen=True)
class JobDetails:
    """A job with what was asked for and what came of it; pictures are named by their blobs.

    `last_seq` is the `job_seq` of its last event.
    """

    summary: JobSummary
    request: Any
    result: Any = None
    error: Optional[JobError] = None
    last_seq: Optional[int] = None


@dataclass(frozen=True)
class JobEvents:
    """The stored events of a job, each with its `job_seq`, as they were unpacked."""

    events: list[Any]


@dataclass(frozen=True)
class Pruned:
    """What was forgotten: jobs, blobs, and bytes of blobs."""

    jobs: int
    blobs: int
    bytes: int


@dataclass(frozen=True)
class Stored:
    """A blob that is complete, and on the disk."""

    hash: str


@dataclass(frozen=True)
class BlobPart:
    """A part of a blob of `total` bytes."""

    total: int
    data: memoryview


Result = TypeVar("Result")


def decode(kind: type[Result], value: Any) -> Result:
    """`value`, as it was unpacked, as a dataclass of this module.

    Raises `AnswerError`, which names the key that is missing or of the wrong type.
    """
    return cast("Result", _decode(kind, value, kind.__name__))


def _decode(kind: Any, value: Any, path: str) -> Any:
    if kind is Any:
        return value
    if get_origin(kind) is list:
        if isinstance(value, list):
            (item,) = get_args(kind)
            items = cast("list[Any]", value)
            return [_decode(item, held, f"{path}[{at}]") for at, held in enumerate(items)]
    elif is_dataclass(kind):
        if isinstance(value, dict):
            return _record(cast("type[Any]", kind), cast("dict[str, Any]", value), path)
    elif kind is float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise AnswerError(
        f"the daemon's answer cannot be understood: {type(value).__name__} stands where "
        f"another type belongs",
        path,
    )


def _record(kind: type[Any], value: dict[str, Any], path: str) -> Any:
    known: dict[str, Any] = {}
    for name, field_kind, required in _fields(kind):
        held = value.get(name)
        if type(held) is field_kind:
            known[name] = held
        elif held is not None:
            known[name] = _decode(field_kind, held, f"{path}.{name}")
        elif required and field_kind is Any:
            known[name] = None
        elif required:
            raise AnswerError(f"the daemon's answer cannot be understood: it has no `{name}`", path)
    return kind(**known)


@functools.cache
def _fields(kind: type[Any]) -> list[tuple[str, Any, bool]]:
    """The fields' names and types, `Optional` taken off, and whether they must be there."""
    hints = get_type_hints(kind)
    return [
        (
            field.name,
            get_args(hint)[0] if get_origin(hint) is Union else hint,
            field.default is MISSING,
        )
        for field in fields(kind)
        for hint in [hints[field.name]]
    ]
