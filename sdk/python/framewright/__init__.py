"""Client of the Framewright daemon.

`Client` waits for answers: for scripts. `Background` does not: for applications with an event
loop. `Conversation` is the protocol alone, for another kind of socket or loop.
"""

from .background import Background, Ticket
from .boards import Board, BoardFrame, BoardTake
from .catalogue import Catalogue, Character, Shot
from .client import Call, Client
from .completion import Suggestion, suggestions
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
from .lint import Mark
from .messages import Event
from .picture import Picture, PictureError, swap_red_and_blue
from .progress import Progress
from .remedy import Remedy
from .results import Frame, Generated, JobOutcome, JobTicket, MadeAgain, Model, Models, Status
from .transport import SocketTransport, Transport
from .working_size import WorkingSize

__version__ = "0.1.0"

__all__ = [
    "AnswerError",
    "Background",
    "Board",
    "BoardFrame",
    "BoardTake",
    "Busy",
    "Call",
    "Cancelled",
    "Catalogue",
    "Character",
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
    "Mark",
    "Model",
    "Models",
    "NoProgram",
    "NotRunning",
    "PackError",
    "Picture",
    "PictureError",
    "Progress",
    "ProtocolError",
    "Remedy",
    "RequestError",
    "Shot",
    "SocketTransport",
    "StartFailed",
    "StartsFailing",
    "Status",
    "Suggestion",
    "Ticket",
    "TimedOut",
    "Transport",
    "Unreachable",
    "WorkingSize",
    "WrongLevel",
    "suggestions",
    "swap_red_and_blue",
]
