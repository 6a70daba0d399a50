"""Refusals name parameters as the client does."""

import pytest

from kaigate.errors import LimitExceededError, RequestInvalidError
from kaigate.surfaces.own_words import in_own_words

QUOTED = "The model does not support the parameter '{}'; remove it."


@pytest.mark.parametrize(
    ("surface", "param", "own"),
    [
        ("openai_responses", "response_format", "text.format"),
        ("openai_responses", "reasoning_effort", "reasoning.effort"),
        ("openai_completions", "messages", "prompt"),
        ("anthropic_messages", "stop", "stop_sequences"),
        ("anthropic_messages", "response_format", "output_config.format"),
        ("ollama_chat", "stop", "options.stop"),
        ("ollama_chat", "reasoning_effort", "think"),
        ("ollama_generate", "messages", "prompt"),
    ],
)
def test_a_name_becomes_the_clients_own(surface: str, param: str, own: str) -> None:
    error = in_own_words(RequestInvalidError("unsupported_parameter", QUOTED.format(param), param=param), surface)
    assert (error.code, error.param, error.message) == ("unsupported_parameter", own, QUOTED.format(own))


def test_a_message_that_begins_with_the_name_is_told_so_too() -> None:
    path = "response_format.json_schema.schema"
    error = RequestInvalidError("unsupported_parameter", f"{path} is not that of an object.", param=path)
    assert in_own_words(error, "ollama_chat").message == "format is not that of an object."


def test_a_time_to_wait_is_kept() -> None:
    error = LimitExceededError("rate_limit_exceeded", "Wait.", param="max_tokens", retry_after=3)
    assert in_own_words(error, "openai_responses").retry_after == 3


@pytest.mark.parametrize(
    ("surface", "param"),
    [
        ("openai_chat", "response_format"),
        ("ollama_chat", "messages[0].content"),
        ("ollama_chat", None),
        ("new", "stop"),
    ],
)
def test_what_is_called_the_same_is_left_as_it_is(surface: str, param: str | None) -> None:
    error = RequestInvalidError("invalid_request", "stop it", param=param)
    assert in_own_words(error, surface) is error
