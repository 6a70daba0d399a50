"""Decides whether this key may use this model, and how private the exchange is."""

import fnmatch
from collections.abc import Sequence
from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import AccessDeniedError, RequestInvalidError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import Stage
from kaigate.routing.catalogue import Catalogue

_FLAT_TOOLS: Final = frozenset({"anthropic_messages", "openai_responses"})
"""Client formats in which a tool's name is not below `function`."""


class Authorise(Stage):
    """The model must be on the allowlist and the key's own list; privacy can only be raised."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def enter(self, exchange: Exchange) -> None:
        request, principal = exchange.request, exchange.principal
        if request is None or principal is None:
            raise AccessDeniedError("invalid_api_key", "The request was not authenticated.")
        entry = self._catalogue.resolve(request.model)
        if not principal.may_use(entry.name):
            raise AccessDeniedError(
                "model_not_allowed",
                "This key may not use this model. GET /v1/models lists the models it may use.",
                param="model",
            )
        if principal.tools is not None and request.tools:
            _check_tools(request, principal.tools, exchange.surface.format)
        exchange.entry = entry
        exchange.model = entry.name
        exchange.private = entry.private or principal.private_only or _asks_private(exchange)


def _check_tools(request: ChatRequest, allowed: Sequence[str], form: str) -> None:
    for index, tool in enumerate(request.tools):
        if not any(fnmatch.fnmatchcase(tool.name, pattern) for pattern in allowed):
            raise AccessDeniedError(
                "tool_not_allowed", "This key may not offer this tool.", param=_place(request, index, form)
            )


def _place(request: ChatRequest, index: int, form: str) -> str:
    """Where the client wrote the name of a tool."""
    if request.hosted_tools:
        return "tools"  # those of the provider stand among them, so that the client counts otherwise
    if request.legacy_functions:
        return f"functions[{index}].name"
    return f"tools[{index}].name" if form in _FLAT_TOOLS else f"tools[{index}].function.name"


def _asks_private(exchange: Exchange) -> bool:
    value = exchange.headers.get(b"x-kaigate-private")
    if value is None or value.lower() == b"false":
        return False
    if value.lower() == b"true":
        return True
    raise RequestInvalidError("invalid_request", "The header x-kaigate-private must be 'true' or 'false'.")
