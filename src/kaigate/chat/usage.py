"""Token usage."""

import msgspec


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer. `input_tokens` includes cached ones; 0 is a count, never "unknown".

    `estimated` marks figures counted here because the provider reported none.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens
