"""The official Python client, which validates every answer strictly, talks to a real model through the gateway."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from support.gateway_process import KEY, GatewayProcess
from support.model_server import ModelServer

QUESTION = "What is the capital of France? One sentence."
MESSAGES = [{"role": "user", "content": QUESTION}]
FAKE_AWS_KEY = "AKIA" + "KAIGATEDEMO23456"
REPEAT_THE_KEY = [
    {"role": "user", "content": "Say: The AWS key is red."},
    {"role": "assistant", "content": "The AWS key is red."},
    {"role": "user", "content": f"Say: The AWS key is {FAKE_AWS_KEY}."},
]


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[OpenAI]:
    """The client in strict mode, without retries that would hide a failure."""
    strict = OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=60, _strict_response_validation=True)
    with strict:
        yield strict


def test_the_model_answers_paris(client: OpenAI, model_server: ModelServer) -> None:
    answer = client.chat.completions.create(model=model_server.model, messages=MESSAGES, temperature=0, max_tokens=40)
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer.provider == "local"


def test_the_model_answers_paris_in_a_stream(client: OpenAI, model_server: ModelServer) -> None:
    stream = client.chat.completions.create(
        model=model_server.model, messages=MESSAGES, temperature=0, max_tokens=40, stream=True
    )
    chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert "Paris" in text
    assert finishes == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks), "usage was not asked for"
    assert chunks[0].provider == chunks[-1].provider == "local"


def test_a_stream_ends_with_usage_when_asked(client: OpenAI, model_server: ModelServer) -> None:
    stream = client.chat.completions.create(
        model=model_server.model,
        messages=MESSAGES,
        max_tokens=8,
        stream=True,
        stream_options={"include_usage": True},
    )
    *_, last = stream
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens > 0


def test_structured_output_follows_the_schema(client: OpenAI, model_server: ModelServer) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=model_server.model,
        messages=MESSAGES,
        temperature=0,
        max_tokens=40,
        response_format={"type": "json_schema", "json_schema": {"name": "capital", "schema": schema, "strict": True}},
    )
    assert json.loads(answer.choices[0].message.content or "") == {"city": "Paris"}


def test_log_probabilities_pass(client: OpenAI, model_server: ModelServer) -> None:
    answer = client.chat.completions.create(
        model=model_server.model, messages=MESSAGES, temperature=0, max_tokens=8, logprobs=True, top_logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(entry.token for entry in logprobs.content or ()) == answer.choices[0].message.content


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_secret_in_the_answer_is_redacted(client: OpenAI, model_server: ModelServer, streamed: bool) -> None:
    answer = client.chat.completions.create(
        model=model_server.model, messages=REPEAT_THE_KEY, temperature=0, max_tokens=40, stream=streamed
    )
    if streamed:
        text = "".join(choice.delta.content or "" for chunk in answer for choice in chunk.choices)
    else:
        text = answer.choices[0].message.content or ""
    assert text == "The AWS key is [REDACTED_AWS_KEY]."


def test_an_alias_reaches_the_same_model(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="small", messages=MESSAGES, temperature=0, max_tokens=20)
    assert "Paris" in (answer.choices[0].message.content or "")


def test_the_models_are_listed_and_found(client: OpenAI, model_server: ModelServer) -> None:
    assert model_server.model in [model.id for model in client.models.list()]
    assert client.models.retrieve(model_server.model).id == model_server.model


def test_an_unlisted_model_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert refusal.value.code == "model_not_found"


def test_a_wrong_key_is_refused(gateway: GatewayProcess, model_server: ModelServer) -> None:
    with (
        OpenAI(base_url=gateway.base_url, api_key="kg-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as refusal,
    ):
        stranger.chat.completions.create(model=model_server.model, messages=MESSAGES)
    assert refusal.value.code == "invalid_api_key"


def test_too_long_an_input_is_refused(client: OpenAI, model_server: ModelServer) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(
            model=model_server.model, messages=[{"role": "user", "content": "word " * 4000}], max_tokens=8
        )
    assert refusal.value.code == "context_length_exceeded"
