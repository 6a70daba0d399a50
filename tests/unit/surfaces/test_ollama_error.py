"""Ollama's error grammar has one field."""

from kaigate.errors import AccessDeniedError
from kaigate.surfaces.ollama_error import error_body


def test_the_message_is_all() -> None:
    assert error_body(AccessDeniedError("route_not_allowed", 'No "x".')) == b'{"error":"No \\"x\\"."}'
