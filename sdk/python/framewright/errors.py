"""Why something did not succeed: what happened, what it was about, what to do next."""

from pathlib import Path
from typing import Optional


class FramewrightError(Exception):
    """Base of every error of this package.

    `message` is one sentence for a person, `about` names the file, parameter or method that it
    is about, `hint` says what to do next; the last two may be `None`.
    """

    def __init__(
        self, message: str, about: Optional[str] = None, hint: Optional[str] = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.about = about
        self.hint = hint

    def __str__(self) -> str:
        text = self.message
        if self.about:
            text += f" ({self.about})"
        if self.hint:
            text += f"\nhint: {self.hint}"
        return text


class PackError(FramewrightError, ValueError):
    """A value cannot be written as MessagePack of this protocol."""


class ProtocolError(FramewrightError, ValueError):
    """Bytes that came in are no message. `kind` says in one word what is wrong with them."""

    kind = "malformed"


class Truncated(ProtocolError):
    """They end in the middle of a value."""

    kind = "truncated"


class TrailingBytes(ProtocolError):
    """Something follows after the value's end."""

    kind = "trailing_bytes"


class ExtensionType(ProtocolError):
    """They hold an extension type, or the byte that MessagePack never uses."""

    kind = "extension_type"


class KeyNotAString(ProtocolError):
    """A map has a key that is no string."""

    kind = "key_not_a_string"


class NotUtf8(ProtocolError):
    """A string is not UTF-8."""

    kind = "not_utf8"


class NotAMap(ProtocolError):
    """The message is no map."""

    kind = "not_a_map"


class TooManyValues(ProtocolError):
    """More values than one message may hold."""

    kind = "too_many_values"


class TooDeep(ProtocolError):
    """More containers within containers than a message may hold."""

    kind = "too_deep"


class TooLong(ProtocolError):
    """A frame is over the limit of bytes; also raised for one that was to be sent."""

    kind = "too_long"


class HalfFrame(ProtocolError):
    """The connection ended inside a frame."""

    kind = "half_frame"


class NotAMessage(ProtocolError):
    """A map that is neither request, response nor event. The connection can go on.

    `id` is the request's id where it could be read.
    """

    kind = "shape"

    def __init__(self, message: str, id: Optional[int] = None) -> None:
        super().__init__(message)
        self.id = id


class HomeError(FramewrightError):
    """The daemon's directories cannot be named."""


class Unreachable(FramewrightError):
    """There is no connection to a daemon; base of the reasons why."""


class NotRunning(Unreachable):
    """No daemon runs, and none was to be started, or could not be from here."""


class NoProgram(Unreachable):
    """The program `framewrightd` was not found. `looked` lists the paths that were tried."""

    def __init__(self, message: str, looked: list[Path], about: Optional[str], hint: str) -> None:
        super().__init__(message, about, hint)
        self.looked = looked


class StartFailed(Unreachable):
    """The daemon was started and did not come up.

    `tail` holds the last lines that it wrote to `log` meanwhile.
    """

    def __init__(self, reason: str, log: Path, tail: str = "") -> None:
        super().__init__(f"the daemon did not start: {reason}", None, f"its log: {log}")
        self.log = log
        self.tail = tail

    def __str__(self) -> str:
        return super().__str__() + (f"\n{self.tail}" if self.tail else "")


class StartsFailing(Unreachable):
    """The daemon died soon after several starts; for a while it is not started again.

    `seconds_left` is how long that while lasts.
    """

    def __init__(self, deaths: int, seconds_left: float, log: Path) -> None:
        super().__init__(
            f"the daemon was started {deaths} times and died each time within a minute; "
            f"it is not started again for {seconds_left:.0f} seconds",
            None,
            f"its log says why: {log}",
        )
        self.deaths = deaths
        self.seconds_left = seconds_left
        self.log = log


class HiddenBySandbox(Unreachable):
    """The application runs in a sandbox that hides the daemon's socket. `hint` names the
    permission that is missing."""


class ConnectFailed(Unreachable):
    """The socket is there and the system refuses it."""


class ConnectionLost(FramewrightError):
    """The connection ended before the answer came."""

    def __init__(self, message: str = "the connection to the daemon was lost") -> None:
        super().__init__(message, None, "the daemon's log may say why: framewright daemon logs")


class WrongLevel(FramewrightError):
    """The daemon does not speak this client's protocol level."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"the daemon (version {version}) speaks another protocol level",
            None,
            "stop the old daemon (framewright daemon stop), so that the new one starts",
        )
        self.version = version


class AnswerError(FramewrightError):
    """The daemon's answer is not of the expected form."""


class TimedOut(FramewrightError, TimeoutError):
    """No answer came in the time that the caller gave. `job` is the job's name, if there is one."""

    def __init__(self, method: str, seconds: float, job: Optional[str] = None) -> None:
        super().__init__(
            f"no answer came within {seconds:g} seconds",
            method,
            "give it more time; `status` tells what the daemon works on",
        )
        self.job = job


class RequestError(FramewrightError):
    """The daemon refused a request, or its job failed.

    `code` is for programs, one of the list in the protocol's specification, such as `not_found`,
    `invalid_params` or `busy`; a newer daemon may send others.
    """

    def __init__(
        self,
        code: str,
        message: str,
        about: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        super().__init__(message, about, hint)
        self.code = code


class Cancelled(RequestError):
    """The job was cancelled."""

    def __init__(
        self,
        message: str = "the job was cancelled",
        about: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        super().__init__("cancelled", message, about, hint)


class Busy(RequestError):
    """Too much is waiting already; ask again later."""

    def __init__(
        self, message: str, about: Optional[str] = None, hint: Optional[str] = None
    ) -> None:
        super().__init__("busy", message, about, hint)


def refusal(
    code: str, message: str, about: Optional[str] = None, hint: Optional[str] = None
) -> RequestError:
    """The error for a code."""
    if code == "cancelled":
        return Cancelled(message, about, hint)
    if code == "busy":
        return Busy(message, about, hint)
    return RequestError(code, message, about, hint)
