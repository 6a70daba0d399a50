"""Pieces of an answer that both its forms share."""

from openai.types import CompletionUsage

from kaigate.chat.events import LogprobsDelta
from kaigate.chat.usage import Usage
from kaigate.surfaces.openai_chat_parts import join_logprobs, wire_usage


def test_usage_is_a_completion_usage() -> None:
    usage = CompletionUsage.model_validate(wire_usage(Usage(10, 5, 3, 2, 1)), strict=True)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 5, 15)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 3
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 1


def test_log_probabilities_add_up_and_get_the_list_that_the_sdk_requires() -> None:
    first = join_logprobs(None, LogprobsDelta([{"token": "a", "logprob": -1.0}]))
    both = join_logprobs(first, LogprobsDelta([{"token": "b", "logprob": -2.0, "top_logprobs": []}], [{"token": "r"}]))
    assert first["refusal"] is None
    assert [entry["token"] for entry in both["content"] or ()] == ["a", "b"]
    assert all(entry["top_logprobs"] == [] for entries in both.values() for entry in entries or ())
