"""Token counts of Anthropic's answers: told in parts, each cumulative."""

from kaigate.chat.usage import Usage
from kaigate.providers.anthropic_wire import WireUsage


class UsageSoFar:
    """Keeps the latest figure of each kind: a later one replaces, an absent or null one leaves what was said before."""

    __slots__ = ("_cache_read", "_cache_write", "_input", "_output", "_thinking")

    def __init__(self) -> None:
        self._input: int | None = None
        self._output: int | None = None
        self._cache_read: int | None = None
        self._cache_write: int | None = None
        self._thinking: int | None = None

    def take(self, usage: WireUsage) -> None:
        """Set, never add: `message_delta` repeats what `message_start` counted."""
        if usage.input_tokens is not None:
            self._input = usage.input_tokens
        if usage.output_tokens is not None:
            self._output = usage.output_tokens
        if usage.cache_read_input_tokens is not None:
            self._cache_read = usage.cache_read_input_tokens
        if usage.cache_creation_input_tokens is not None:
            self._cache_write = usage.cache_creation_input_tokens
        details = usage.output_tokens_details
        if details is not None and details.thinking_tokens is not None:
            self._thinking = details.thinking_tokens

    def usage(self) -> Usage | None:
        """All tokens that were read count as input, cached ones too; None while a side is unknown."""
        if self._input is None or self._output is None:
            return None
        read, written = self._cache_read or 0, self._cache_write or 0
        return Usage(self._input + read + written, self._output, read, written, self._thinking or 0)
