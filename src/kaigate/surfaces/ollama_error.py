"""Ollama's error grammar: `{"error": "..."}`, as a body and as the last line of a stream that failed."""

import msgspec

from kaigate.errors import GatewayError


def error_body(error: GatewayError) -> bytes:
    """The JSON body of a refusal; source: Ollama API documentation, "Errors"."""
    return msgspec.json.encode({"error": error.message})
