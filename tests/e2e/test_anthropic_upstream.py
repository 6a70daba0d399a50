"""Official clients of other formats talk through kaigate to a real model by its Anthropic endpoint (llama.cpp's)."""

from collections.abc import Iterator

import ollama
import pytest
from anthropic import Anthropic
from openai import OpenAI

from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.model_server import ModelServer

QUESTION = "What is the capital of France? One sentence."
MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def over_anthropic(model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """kaigate with the model server as if it were Anthropic's."""
    origin = model_server.base_url.removesuffix("/v1")
    config: dict[str, object] = {
        "providers": {"claude": {"type": "anthropic", "base_url": origin, "zone": "private"}},
        "models": {model_server.model: {"deployments": [{"provider": "claude"}], "max_tokens": 200}},
    }
    with running_gateway(config, tmp_path_factory.mktemp("over-anthropic")) as running:
        yield running


@pytest.fixture
def openai_client(over_anthropic: GatewayProcess) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=over_anthropic.base_url, api_key=KEY, max_retries=0, timeout=60, _strict_response_validation=True
    ) as client:
        yield client


def test_a_chat_completion(openai_client: OpenAI, model_server: ModelServer) -> None:
    asked = {"model": model_server.model, "messages": MESSAGES, "max_tokens": 40, "temperature": 0}
    whole = openai_client.chat.completions.with_raw_response.create(**asked)
    assert whole.headers["x-kaigate-provider"] == "claude"
    answer = whole.parse()
    assert "Paris" in answer.choices[0].message.content
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens > 0
    chunks = list(openai_client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "Paris" in "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] in (
        ["stop"],
        ["length"],
    )
    assert chunks[-1].usage.prompt_tokens == answer.usage.prompt_tokens


def test_a_response(openai_client: OpenAI, model_server: ModelServer) -> None:
    asked = {"model": model_server.model, "input": QUESTION, "max_output_tokens": 40, "temperature": 0, "store": False}
    assert "Paris" in openai_client.responses.create(**asked).output_text
    with openai_client.responses.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert "Paris" in final.output_text
    assert kinds[-1] in {"response.completed", "response.incomplete"}


def test_ollamas_chat(over_anthropic: GatewayProcess, model_server: ModelServer) -> None:
    client = ollama.Client(host=over_anthropic.url, headers={"authorization": f"Bearer {KEY}"})
    try:
        asked = {"model": model_server.model, "messages": MESSAGES, "options": {"temperature": 0, "num_predict": 40}}
        assert "Paris" in client.chat(**asked).message.content
        parts = list(client.chat(**asked, stream=True))
        assert "Paris" in "".join(part.message.content or "" for part in parts)
        assert [part.done for part in parts].count(True) == 1
    finally:
        client._client.close()


def test_anthropics_own_client(over_anthropic: GatewayProcess, model_server: ModelServer) -> None:
    """The same format on both sides: what the model server sends is relayed, and still what the client expects."""
    with Anthropic(base_url=over_anthropic.url, api_key=KEY, max_retries=0, timeout=60) as client:
        asked = {"model": model_server.model, "messages": MESSAGES, "max_tokens": 40}
        answer = client.messages.create(**asked, extra_body={"temperature": 0})
        assert "Paris" in answer.content[0].text
        with client.messages.stream(**asked, extra_body={"temperature": 0}) as stream:
            assert "Paris" in "".join(stream.text_stream)
            assert stream.get_final_message().stop_reason in {"end_turn", "max_tokens"}
