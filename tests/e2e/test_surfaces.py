"""The official clients of other formats talk to a real model that knows none of them."""

import ollama
from anthropic import Anthropic
from openai import OpenAI

from support.gateway_process import KEY, GatewayProcess
from support.model_server import ModelServer

MESSAGES = [{"role": "user", "content": "What is the capital of France? One sentence."}]


def test_anthropics_client(gateway: GatewayProcess, model_server: ModelServer) -> None:
    with Anthropic(
        base_url=gateway.url, api_key=KEY, max_retries=0, timeout=60, _strict_response_validation=True
    ) as client:
        # This client no longer has the parameter; servers of the same API may still take it.
        cold = {"temperature": 0}
        asked = {"model": model_server.model, "messages": MESSAGES, "max_tokens": 40, "extra_body": cold}
        answer = client.messages.create(**asked)
        assert "Paris" in answer.content[0].text
        assert answer.usage.input_tokens > 0
        with client.messages.stream(**asked) as stream:
            assert "Paris" in "".join(stream.text_stream)


def test_openais_client_of_responses(gateway: GatewayProcess, model_server: ModelServer) -> None:
    with OpenAI(
        base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=60, _strict_response_validation=True
    ) as client:
        answer = client.responses.create(
            model=model_server.model, input=MESSAGES[0]["content"], max_output_tokens=40, temperature=0, store=False
        )
        assert "Paris" in answer.output_text


def test_ollamas_client(gateway: GatewayProcess, model_server: ModelServer) -> None:
    client = ollama.Client(host=gateway.url, headers={"authorization": f"Bearer {KEY}"})
    try:
        options = {"temperature": 0, "num_predict": 40}
        answer = client.chat(model=model_server.model, messages=MESSAGES, options=options)
        assert "Paris" in answer.message.content
        parts = client.generate(model=model_server.model, prompt=MESSAGES[0]["content"], options=options, stream=True)
        assert "Paris" in "".join(part.response for part in parts)
        assert model_server.model in [model.model for model in client.list().models]
    finally:
        client._client.close()
