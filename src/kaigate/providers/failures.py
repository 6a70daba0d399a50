"""Upstream failures in the words of the gateway's own contract.

An upstream's message may repeat the prompt, a key or an internal address, so only facts are taken from it: its
status, a `Retry-After`, and a parameter name or code made of safe characters.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.errors import GatewayError, RequestInvalidError, UpstreamFailedError
from kaigate.transport.retry_after import retry_after

MAX_RETRY_AFTER_S: Final = 3600.0

_SAFE: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_CONTEXT: Final = (
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context length is only",
    "exceeds the available context size",
    "exceeds the context window",
    "input length exceeds",
    "prompt is too long",
)
"""Phrases of OpenAI, llama.cpp, vLLM and Ollama for a prompt that does not fit."""


def failure(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What an upstream's error answer means for the caller.

    400, 404, 409, 413 and 422 are the request's own fault; 401, 402 and 403 are the gateway's credential; 408 and 504
    a timeout; 429 and 503 overload; the rest is the upstream's.
    """
    detail = _detail(body)
    if status in (400, 413, 422) and any(phrase in detail.text for phrase in _CONTEXT):
        return RequestInvalidError(
            "context_length_exceeded",
            "The request does not fit into the model's context window; shorten the messages or lower max_tokens.",
            param="messages",
        )
    if status in (400, 404, 409, 413, 422):
        return _request_fault(status, detail)
    if status in (401, 402, 403):
        return UpstreamFailedError("upstream_error", "The model server refused the gateway's own credential.")
    if status in (408, 504):
        return UpstreamFailedError("upstream_timeout", "The model server timed out.")
    if status in (429, 503, 529):
        return UpstreamFailedError(
            "upstream_unavailable",
            "The model server is overloaded; try again later.",
            retry_after=retry_after(headers, now=None, most=MAX_RETRY_AFTER_S),
        )
    return UpstreamFailedError("upstream_error", f"The model server failed with status {status}.")


def stream_failure(error: Any) -> GatewayError:
    """What an error object inside a stream that began with status 200 means."""
    code = error.get("code") if isinstance(error, Mapping) else None
    status = code if type(code) is int and 400 <= code <= 599 else 500
    body = msgspec.json.encode({"error": error})
    if status == 500 and any(phrase in _detail(body).text for phrase in _CONTEXT):
        status = 400
    return failure(status, {}, body)


class _Detail(msgspec.Struct, frozen=True, gc=False):
    text: str
    param: str | None = None
    code: str | None = None


def _detail(body: bytes) -> _Detail:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Detail("")
    error = raw.get("error", raw) if isinstance(raw, dict) else None
    if not isinstance(error, dict):
        return _Detail(error.lower() if isinstance(error, str) else "")  # Ollama's errors are plain text
    text = " ".join(str(error.get(name)) for name in ("message", "type", "code")).lower()
    return _Detail(text, _safe(error.get("param")), _safe(error.get("code")))


def _safe(value: Any) -> str | None:
    return value if isinstance(value, str) and _SAFE.fullmatch(value) else None


def _request_fault(status: int, detail: _Detail) -> GatewayError:
    if status == 404:
        # The model is on the allowlist: that the server does not have it is the operator's to mend.
        return UpstreamFailedError("upstream_error", "The model server does not have the configured model.")
    reason = f" (its code: {detail.code})" if detail.code else ""
    if detail.param:
        return RequestInvalidError(
            "invalid_request", f"The model server refused the parameter {detail.param}{reason}.", param=detail.param
        )
    return RequestInvalidError("invalid_request", f"The model server refused the request as invalid{reason}.")
