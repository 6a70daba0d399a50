"""Decoding the pieces of a body one by one, up to the first that can't be."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from kaigate.chat.events import Frame
from kaigate.errors import GatewayError

T = TypeVar("T")


def decode_each(pieces: Iterable[T], decode: Callable[[T], Frame]) -> list[Frame]:
    """A frame for each piece; a failure behind other frames is a frame of its own, else it is raised."""
    frames: list[Frame] = []
    for piece in pieces:
        try:
            frames.append(decode(piece))
        except GatewayError as error:
            if not frames:
                raise
            frames.append(Frame([], failure=error))
            break
    return frames
