"""The three kinds of message: request, response, event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union, cast

from .errors import NotAMap, NotAMessage, RequestError, refusal
from .messagepack import Buffer, unpack


@dataclass(frozen=True)
class Request:
    """`{id, method, params}`"""

    id: int
    method: str
    params: Mapping[str, Any]

    def as_map(self) -> dict[str, Any]:
        return {"id": self.id, "method": self.method, "params": self.params}


@dataclass(frozen=True)
class Answer:
    """`{id, result}`"""

    id: int
    result: Any

    def as_map(self) -> dict[str, Any]:
        return {"id": self.id, "result": self.result}


@dataclass(frozen=True)
class Refusal:
    """`{id, error}`; `id` is `None` when the request's id could not be read."""

    id: Optional[int]
    error: RequestError

    def as_map(self) -> dict[str, Any]:
        error = {"code": self.error.code, "message": self.error.message}
        if self.error.about is not None:
            error["about"] = self.error.about
        if self.error.hint is not None:
            error["hint"] = self.error.hint
        return {"id": self.id, "error": error}


@dataclass(frozen=True)
class Event:
    """`{event, seq, …}`: something that the daemon tells without being asked again.

    `seq` counts up by one within a connection; `fields` are the other keys.
    """

    name: str
    seq: int
    fields: Mapping[str, Any]

    @property
    def job(self) -> Optional[str]:
        """The job that it is about."""
        job = self.fields.get("job")
        return job if isinstance(job, str) else None

    @property
    def request(self) -> Optional[int]:
        """The id of the request that it belongs to, within this connection."""
        request = self.fields.get("request")
        return request if isinstance(request, int) else None

    def as_map(self) -> dict[str, Any]:
        return {"event": self.name, "seq": self.seq, **self.fields}


Message = Union[Request, Answer, Refusal, Event]


def parse(payload: Buffer) -> Message:
    """The message that a payload holds.

    Raises a `ProtocolError` when the bytes cannot be trusted at all, `NotAMessage` when they
    are a map, but no message.
    """
    # Told before anything else: only then is a mistaken peer told from a broken stream.
    if not payload or not (0x80 <= payload[0] <= 0x8F or 0xDE <= payload[0] <= 0xDF):
        raise NotAMap("the message is not one MessagePack map: it starts with something else")
    entries: dict[str, Any] = unpack(payload)
    id = _count(entries, "id", None)
    if "event" in entries:
        event = _text(entries, "event", id)
        seq = _count(entries, "seq", None)
        if seq is None:
            raise NotAMessage("the event has no `seq`")
        fields = {key: held for key, held in entries.items() if key not in ("event", "seq")}
        return Event(event, seq, fields)
    if entries.get("error") is not None:
        return Refusal(id, _error(entries["error"], id))
    if id is None:
        raise NotAMessage("the message has no `id`")
    if "result" in entries:
        return Answer(id, entries["result"])
    if "method" not in entries:
        raise NotAMessage("the message has no `method`", id)
    method = _text(entries, "method", id)
    params = entries.get("params")
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise NotAMessage("`params` is not a map", id)
    return Request(id, method, cast("dict[str, Any]", params))


def _count(entries: Mapping[str, Any], key: str, id: Optional[int]) -> Optional[int]:
    value = entries.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise NotAMessage(f"`{key}` is not a count", id)
    return value


def _text(entries: Mapping[str, Any], key: str, id: Optional[int]) -> str:
    value = entries.get(key)
    if not isinstance(value, str):
        raise NotAMessage(f"`{key}` is not a string", id)
    return value


def _error(value: Any, id: Optional[int]) -> RequestError:
    if not isinstance(value, dict):
        raise NotAMessage("`error` is not a map", id)
    entries = cast("dict[str, Any]", value)
    for key in ("about", "hint"):
        if entries.get(key) is not None:
            _text(entries, key, id)
    return refusal(
        _text(entries, "code", id),
        _text(entries, "message", id),
        entries.get("about"),
        entries.get("hint"),
    )
