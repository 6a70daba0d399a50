"""Why nobody may serve a request, as the error that its caller gets."""

from typing import Final, get_args

from kaigate.errors import AccessDeniedError, GatewayError, RequestInvalidError, UnavailableError
from kaigate.pipeline.plan import Exclusion, ExclusionKind, Need, RoutePlan

_RANK: Final = {kind: rank for rank, kind in enumerate(get_args(ExclusionKind))}
_FIELDS: Final[dict[Need, str]] = {
    "tools": "tools",
    "json_schema": "response_format",
    "reasoning": "reasoning_effort",
}
_WHAT: Final[dict[Need, str]] = {
    "tools": "tools",
    "vision": "images",
    "json_schema": "a JSON schema for the answer",
    "reasoning": "reasoning",
    "audio": "audio",
    "documents": "files",
    "image": "images",
    "document": "files",
}


def refusal(plan: RoutePlan, *, cost_header: bool) -> GatewayError:
    """The error for a plan without candidates; `cost_header` says that the client itself limited the cost.

    Of several reasons the one told is that of the deployment that came furthest: it is the one to mend.
    """
    if not plan.excluded:
        return UnavailableError("upstream_unavailable", "No deployment is configured that could serve this model.")
    last = max(plan.excluded, key=lambda item: _RANK[item.kind])
    return (
        _forbidden(last.kind)
        or _unfit(plan, last, cost_header=cost_header)
        or _drifted(last)
        or UnavailableError(
            "upstream_unavailable",
            "Every deployment that may serve this request is out of service; try again later.",
            retry_after=_soonest(plan),
        )
    )


def _forbidden(kind: ExclusionKind) -> GatewayError | None:
    if kind == "zone":
        return UnavailableError(
            "no_private_provider", "This request may only be served by a private provider, and none serves this model."
        )
    if kind in {"model", "provider"}:
        return AccessDeniedError(
            "model_not_allowed", "This key may use none of the providers that serve this model.", param="model"
        )
    if kind == "hosted_tool":
        return AccessDeniedError(
            "tool_not_allowed",
            "Tools that the provider itself runs are off for this model or key: offer functions of your own, or ask "
            "the operator to allow them in models.<name>.hosted_tools.",
            param="tools",
        )
    return None


def _unfit(plan: RoutePlan, last: Exclusion, *, cost_header: bool) -> GatewayError | None:
    """The error where the request itself would have to change."""
    need = last.need
    if last.kind == "part" and need is not None:
        return RequestInvalidError(
            "unsupported_parameter",
            f"Messages to this model must not contain {_WHAT[need]}: the operator does not allow them to be sent "
            "to the providers that may serve this request.",
            param="messages",
        )
    if last.kind == "capability" and need is not None:
        return RequestInvalidError(
            "unsupported_parameter",
            f"No deployment of this model that may serve this request takes {_WHAT[need]}.",
            param=_FIELDS.get(need, "messages"),
        )
    if last.kind == "context":
        return RequestInvalidError(
            "context_length_exceeded",
            f"The request is too long: {last.reason}. Shorten the messages, or use a model with a larger window.",
            param="messages",
        )
    if last.kind == "cost":
        return RequestInvalidError(
            "invalid_request",
            f"No deployment can serve this request within its cost ceiling: the last one {_cost_reason(plan)}. Send "
            "less, lower max_tokens, or raise the ceiling.",
            param="x-kaigate-max-cost-usd" if cost_header else "max_tokens",
        )
    return None


def _drifted(last: Exclusion) -> GatewayError | None:
    if last.kind != "digest":
        return None
    return UnavailableError(
        "model_digest_mismatch", f"This model is pinned to a digest, and may not be served: {last.reason}."
    )


def _cost_reason(plan: RoutePlan) -> str:
    reasons = [item.reason for item in plan.excluded if item.kind == "cost"]
    return reasons[-1].replace("its price is", "has a price that is")


def _soonest(plan: RoutePlan) -> float | None:
    waits = [item.wait_s for item in plan.excluded if item.wait_s is not None]
    return min(waits) if waits else None
