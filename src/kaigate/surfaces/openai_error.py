"""OpenAI's error grammar: `{"error": {"message", "type", "param", "code"}}`."""

import msgspec

from kaigate.errors import GatewayError


def error_body(error: GatewayError) -> bytes:
    """The JSON body of a refusal; source: OpenAI API reference, "Error codes"."""
    return msgspec.json.encode(
        {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}
    )
