"""A Lua script and the digest that the server knows it by."""

import hashlib
from typing import Final


class Script:
    """Source text of a Lua script, with the SHA-1 that EVALSHA asks for."""

    __slots__ = ("sha1", "source")

    def __init__(self, source: str) -> None:
        self.source: Final = source.encode()
        # Not for security: it is how Redis names scripts.
        self.sha1: Final = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()
