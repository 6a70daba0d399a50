"""Where Bedrock is asked to cache a prompt: `cachePoint` blocks behind what they cache.

Source: Bedrock user guide, "Prompt caching".
"""

from typing import Any, Final

from kaigate.chat.content import CacheMark

MAX_CACHE_POINTS: Final = 4
DROPPED_AS: Final = "cache_control"


class CachePoints:
    """The cache points of one request. A mark that can't be honoured changes no answer: it is left out and named."""

    __slots__ = ("_dropped", "_left")

    def __init__(self, dropped: list[str], *, supported: bool) -> None:
        self._dropped: Final = dropped
        self._left = MAX_CACHE_POINTS if supported else 0

    def add(self, blocks: list[dict[str, Any]], mark: CacheMark | None) -> None:
        """Put a cache point behind the last of `blocks` where it is marked."""
        if mark is None or not blocks:
            return
        if self._left == 0:
            self.drop()
            return
        self._left -= 1
        point = {"type": "default"} if mark == "5m" else {"type": "default", "ttl": mark}
        blocks.append({"cachePoint": point})

    def drop(self) -> None:
        """Note that a mark was left out."""
        if DROPPED_AS not in self._dropped:
            self._dropped.append(DROPPED_AS)
