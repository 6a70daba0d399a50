"""Sampling and reasoning for Bedrock: what Converse names itself, and what a model family takes beside it.

Sources: Bedrock API reference, `InferenceConfiguration`; user guide, "Inference request parameters and response
fields" of each family (`additionalModelRequestFields`).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.chat.request import ChatRequest, Sampling, Thinking
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_models import Family, can_think, thinks_adaptively
from kaigate.providers.openai_encode import refuse_or_drop, supported_sampling

Fields = dict[str, Any]

_NO_SAMPLING: Final = Sampling()
_NEVER: Final = frozenset(
    {
        "seed", "min_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "n"
    }
)  # fmt: skip
_NO_TOP_K: Final = _NEVER | {"top_k"}
_MIN_THINKING_TOKENS: Final = 1024
_BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 4096,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Tokens of thinking for an effort, on Claude models that take a budget; the figures are ours."""
_EFFORTS: Final[Mapping[str, str]] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_THINKING_TOP_P: Final = 0.95
_SERVICE_TIERS: Final = frozenset({"default", "flex", "priority", "reserved"})


class Parameters:
    """The parameters of one request for one model; raises `RequestInvalidError` for what it can't honour."""

    def __init__(
        self,
        request: ChatRequest,
        *,
        model: str,
        kind: Family,
        max_output_tokens: int | None,
        dropped: list[str],
        drop_params: bool,
    ) -> None:
        self.inference: Final[Fields] = {}
        self.additional: Final[Fields] = {}
        self.response_paths: tuple[str, ...] = ()
        self.thinks = False
        self._request: Final = request
        self._model: Final = model
        self._kind: Final = kind
        self._dropped: Final = dropped
        self._drop_params: Final = drop_params
        if max_output_tokens is not None:
            self.inference["maxTokens"] = max_output_tokens
        if request.thinking is not None:
            self._add_thinking(max_output_tokens)
            if request.reasoning_effort is not None:
                self._add_effort_beside(request.thinking, request.reasoning_effort, max_output_tokens)
        elif request.reasoning_effort is not None:
            self._add_effort(request.reasoning_effort, max_output_tokens)
        if request.sampling != _NO_SAMPLING:
            self._add_sampling(self._supported())
        if kind == "claude" and request.parallel_tool_calls is False:
            self._one_call_at_a_time()

    def _refuse(self, name: str) -> None:
        refuse_or_drop(name, self._dropped, drop_params=self._drop_params)

    def _supported(self) -> Sampling:
        """The sampling without what the model does not know; one choice and no log probabilities are what it does."""
        given = self._request.sampling
        if given.n == 1 or given.logprobs is False:
            given = msgspec.structs.replace(given, n=None if given.n == 1 else given.n, logprobs=given.logprobs or None)
        refused = _NEVER if self._kind in {"claude", "nova"} else _NO_TOP_K
        return supported_sampling(given, refused, self._dropped, drop_params=self._drop_params)

    def _add_sampling(self, sampling: Sampling) -> None:
        temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
        if temperature is not None and (temperature > 1 or (self.thinks and temperature != 1)):
            self._refuse("temperature")
            temperature = None
        if top_p is not None and self.thinks and top_p < _THINKING_TOP_P:
            self._refuse("top_p")
            top_p = None
        if top_k is not None and self.thinks:
            self._refuse("top_k")
            top_k = None
        if temperature is not None:
            self.inference["temperature"] = temperature
        if top_p is not None:
            self.inference["topP"] = top_p
        if top_k is not None:
            self.additional.update({"top_k": top_k} if self._kind == "claude" else {"inferenceConfig": {"topK": top_k}})
        if sampling.stop:
            self._add_stop(sampling.stop)

    def _add_stop(self, stop: tuple[str, ...]) -> None:
        usable = [sequence for sequence in stop if sequence and not sequence.isspace()]
        if len(usable) < len(stop):
            self._refuse("stop")
        if usable:
            self.inference["stopSequences"] = usable
            if self._kind == "claude":
                self.response_paths = ("/stop_sequence",)

    def _add_thinking(self, max_output_tokens: int | None) -> None:
        thinking = self._request.thinking
        if thinking is None:
            return
        if self._kind != "claude" or not can_think(self._model):
            if thinking.mode != "disabled":
                self._refuse("thinking")
            return
        wire: Fields = {"type": thinking.mode}
        if thinking.mode == "enabled":
            budget = thinking.budget_tokens or _MIN_THINKING_TOKENS
            if max_output_tokens is not None and budget >= max_output_tokens:
                raise RequestInvalidError(
                    "invalid_request",
                    "thinking.budget_tokens must be less than max_tokens; lower it or raise max_tokens.",
                    param="thinking.budget_tokens",
                )
            wire["budget_tokens"] = budget
        if thinking.display is not None:
            wire["display"] = thinking.display
        self.additional.update({"thinking": wire})
        self.thinks = thinking.mode != "disabled"

    def _add_effort_beside(self, thinking: Thinking, effort: str, max_output_tokens: int | None) -> None:
        """An effort of a client that says how to think as well."""
        if self._kind == "claude" and can_think(self._model):
            if effort != "none" and thinks_adaptively(self._model):
                self.additional.update({"output_config": {"effort": _claude_level(effort)}})
            elif effort != "none" or thinking.mode != "disabled":
                self._refuse("reasoning_effort")
        elif thinking.mode != "disabled":
            self._add_effort(effort, max_output_tokens)  # `thinking` was left out: this says it in the family's words
        elif effort != "none":
            self._refuse("reasoning_effort")

    def _add_effort(self, effort: str, max_output_tokens: int | None) -> None:
        if effort == "none":
            if self._kind == "claude" and can_think(self._model):
                self.additional.update({"thinking": {"type": "disabled"}})
            elif self._kind in {"openai", "qwen"}:
                self._refuse("reasoning_effort")
        elif self._kind == "claude" and can_think(self._model):
            self._add_claude_effort(effort, max_output_tokens)
        elif self._kind == "openai":
            self.additional.update({"reasoning_effort": _EFFORTS[effort]})
        elif self._kind == "qwen":
            self.additional.update({"reasoning_config": _EFFORTS[effort]})
        elif self._kind == "nova" and "nova-2" in self._model:
            self.additional.update({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _EFFORTS[effort]}})
        else:
            self._refuse("reasoning_effort")

    def _add_claude_effort(self, effort: str, max_output_tokens: int | None) -> None:
        if thinks_adaptively(self._model):
            config = {"effort": _claude_level(effort)}
            self.additional.update({"thinking": {"type": "adaptive"}, "output_config": config})
            self.thinks = True
            return
        budget = _BUDGETS[effort]
        if max_output_tokens is not None:
            budget = min(budget, max_output_tokens // 2)
        if budget < _MIN_THINKING_TOKENS:
            self._refuse("reasoning_effort")
            return
        self.additional.update({"thinking": {"type": "enabled", "budget_tokens": budget}})
        self.thinks = True

    def _one_call_at_a_time(self) -> None:
        """Claude's own tool choice says it; Converse's has no word for it and must not be sent beside it."""
        choice = self._request.tool_choice
        if not self._request.tools or (choice is not None and choice.mode == "none"):
            return
        self.additional.update({"tool_choice": {"disable_parallel_tool_use": True}})


def _claude_level(effort: str) -> str:
    return effort if effort == "max" else _EFFORTS[effort]


def service_tier(request: ChatRequest, dropped: list[str]) -> str | None:
    """Bedrock's tier of the client's word; a word it lacks is left out and named."""
    tier = request.extra.get("service_tier")
    if tier in _SERVICE_TIERS:
        return str(tier)
    if tier is not None and tier != "auto":
        dropped.append("service_tier")
    return None
