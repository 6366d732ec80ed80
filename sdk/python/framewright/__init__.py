"""Client of the Framewright daemon.

`Client` waits for answers: for scripts. `Background` does not: for applications with an event
loop. `Conversation` is the protocol alone, for another kind of socket or loop.
"""

from .background import Background, Ticket
from .client import Call, Client
from .connection import ConnectOptions
from .conversation import Conversation
from .errors import (
    AnswerError,
    Busy,
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    FramewrightError,
    HiddenBySandbox,
    HomeError,
    NoProgram,
    NotRunning,
    PackError,
    ProtocolError,
    RequestError,
    StartFailed,
    StartsFailing,
    TimedOut,
    Unreachable,
    WrongLevel,
)
from .home import Home
from .messages import Event
from .picture import Picture, PictureError, swap_red_and_blue
from .results import Frame, Generated, JobOutcome, JobTicket, MadeAgain, Model, Models, Status
from .transport import SocketTransport, Transport

__version__ = "0.1.0"

__all__ = [
    "AnswerError",
    "Background",
    "Busy",
    "Call",
    "Cancelled",
    "Client",
    "ConnectFailed",
    "ConnectOptions",
    "ConnectionLost",
    "Conversation",
    "Event",
    "Frame",
    "FramewrightError",
    "Generated",
    "HiddenBySandbox",
    "Home",
    "HomeError",
    "JobOutcome",
    "JobTicket",
    "MadeAgain",
    "Model",
    "Models",
    "NoProgram",
    "NotRunning",
    "PackError",
    "Picture",
    "PictureError",
    "ProtocolError",
    "RequestError",
    "SocketTransport",
    "StartFailed",
    "StartsFailing",
    "Status",
    "Ticket",
    "TimedOut",
    "Transport",
    "Unreachable",
    "WrongLevel",
    "swap_red_and_blue",
]
