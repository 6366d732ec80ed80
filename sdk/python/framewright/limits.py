"""What a message may hold at most, the same on both sides of the socket."""

FRAME_BYTES = 64 << 20
"""Bytes in one frame, without its length prefix."""

FRAME_VALUES = 1 << 18
"""MessagePack values in one frame, containers counted too."""

FRAME_DEPTH = 32
"""Containers within containers, the outermost counted too."""

PROTOCOL_LEVEL = 1
"""The protocol level that this package speaks."""
