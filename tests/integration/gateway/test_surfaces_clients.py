"""The official clients of three vendors, the strict ones in strict mode, talk to every surface over real sockets."""

import json

import anthropic
import ollama
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from support.dialects import SCHEMA
from support.gateway import KEY, running, settings
from support.openai_upstream import DONE, STREAM_HEAD, chunk, completion, delta, http, stream_of
from support.upstream_faults import Connection, upstream

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
CALLS = [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}}]
BROKEN = "break off"


async def model_server(connection: Connection) -> None:
    """Answers with text, with a tool call where a tool is offered, with vectors; breaks off where it is told to."""
    while (request := await connection.request()) is not None:
        head, _, raw = request.partition(b"\r\n\r\n")
        body = json.loads(raw)
        if b" /v1/embeddings " in head:
            vectors = [{"index": index, "embedding": [0.5, -1.0]} for index in range(len(body["input"]))]
            await connection.send(http(json.dumps({"data": vectors, "usage": {"prompt_tokens": 4}}).encode()))
        elif BROKEN in raw.decode():
            texts = ["The capital of France ", "is, as everybody ", "knows, Par"]
            await connection.send(STREAM_HEAD + b"".join(chunk(delta(text)) for text in texts))
            connection.reset()
            return
        elif body.get("stream"):
            events = stream_of(["Par", "is"]) if not body.get("tools") else called()
            await connection.send(STREAM_HEAD + b"".join(map(chunk, events)) + DONE)
        elif body.get("tools"):
            message = {"role": "assistant", "content": None, "tool_calls": CALLS}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            await connection.send(http(completion(choices=[choice])))
        else:
            await connection.send(http(completion("Paris")))


def called() -> list[bytes]:
    """The events of a streamed tool call."""
    first = {"index": 0, **CALLS[0], "function": {"name": "weather", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": text}} for text in ('{"city"', ':"Bern"}')]
    calls = [delta(tool_calls=[call]) for call in (first, *pieces)]
    return [delta("", role="assistant"), *calls, delta(finish="tool_calls")]


@pytest.fixture
async def served(tmp_path):
    models = {"m": {"deployments": [{"provider": "up"}], "max_tokens": 500}}
    async with upstream(model_server) as up, running(settings(up.port, models=models), tmp_path) as gateway:
        yield gateway


@pytest.fixture
async def openai_client(served):
    async with AsyncOpenAI(
        base_url=f"{served.url}/v1", api_key=KEY, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture(params=["x-api-key", "authorization"])
async def anthropic_client(served, request):
    how = {"api_key": KEY} if request.param == "x-api-key" else {"auth_token": KEY, "api_key": None}
    async with AsyncAnthropic(base_url=served.url, max_retries=0, _strict_response_validation=True, **how) as client:
        yield client


@pytest.fixture
async def ollama_client(served):
    client = ollama.AsyncClient(host=served.url, headers={"authorization": f"Bearer {KEY}"})
    yield client
    await client._client.aclose()


async def test_openais_client_uses_responses(openai_client):
    answer = await openai_client.responses.create(model="m", input="capital?", store=False)
    assert (answer.output_text, answer.status) == ("Paris", "completed")
    async with openai_client.responses.stream(model="m", input="capital?", store=False) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert (final.output_text, kinds[-1]) == ("Paris", "response.completed")
    tool = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
    answer = await openai_client.responses.create(model="m", input="weather?", store=False, tools=[tool])
    [item] = [item for item in answer.output if item.type == "function_call"]
    assert (item.name, json.loads(item.arguments)) == ("weather", {"city": "Bern"})
    with pytest.raises(openai.NotFoundError, match="not stored"):
        await openai_client.responses.retrieve("resp_1")


def lenient(client: AsyncOpenAI) -> AsyncOpenAI:
    """The client's own type of a part of a completion can't be what OpenAI sends: no finish reason before the last."""
    return client.with_options(_extra_kwargs={"_strict_response_validation": False})


async def test_openais_client_uses_completions_and_embeddings(openai_client):
    answer = await openai_client.completions.create(model="m", prompt="The capital is")
    assert answer.choices[0].text == "Paris"
    stream = await lenient(openai_client).completions.create(model="m", prompt="The capital is", stream=True)
    assert "".join([each.choices[0].text async for each in stream if each.choices]) == "Paris"
    # Unless it is told otherwise it asks for base64, which its own type does not admit, and decodes it.
    packed = await lenient(openai_client).embeddings.create(model="m", input=["a", "b"])
    numbers = await openai_client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
    for vectors in (packed, numbers):
        assert [item.embedding for item in vectors.data] == [[0.5, -1.0]] * 2
        assert vectors.usage.prompt_tokens == 4


async def test_openais_client_is_told_that_a_stream_broke_off(openai_client):
    with pytest.raises(openai.APIError, match="broke off"):
        async for _ in await openai_client.responses.create(model="m", input=BROKEN, store=False, stream=True):
            pass
    with pytest.raises(openai.APIError, match="broke off"):
        async for _ in await lenient(openai_client).completions.create(model="m", prompt=BROKEN, stream=True):
            pass


async def test_anthropics_client_sends_messages(anthropic_client):
    answer = await anthropic_client.messages.create(model="m", max_tokens=50, messages=MESSAGES)
    assert (answer.content[0].text, answer.stop_reason) == ("Paris", "end_turn")
    assert answer.usage.output_tokens == 2
    assert answer._request_id
    async with anthropic_client.messages.stream(model="m", max_tokens=50, messages=MESSAGES) as stream:
        assert "".join([text async for text in stream.text_stream]) == "Paris"
        final = await stream.get_final_message()
    assert (final.content[0].text, final.stop_reason) == ("Paris", "end_turn")


async def test_anthropics_client_gets_tool_calls(anthropic_client):
    asked = {"model": "m", "max_tokens": 50, "messages": MESSAGES}
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    whole = await anthropic_client.messages.create(**asked, tools=tools)
    async with anthropic_client.messages.stream(**asked, tools=tools) as stream:
        streamed = await stream.get_final_message()
    for answer in (whole, streamed):
        [block] = [block for block in answer.content if block.type == "tool_use"]
        assert (block.name, block.input, answer.stop_reason) == ("weather", {"city": "Bern"}, "tool_use")


async def test_anthropics_client_counts_and_uses_betas(anthropic_client):
    counted = await anthropic_client.messages.count_tokens(model="m", messages=MESSAGES)
    assert 5 < counted.input_tokens < 40
    beta = await anthropic_client.beta.messages.create(
        model="m", max_tokens=50, messages=MESSAGES, betas=["one-2025-01-01", "two-2025-01-01"]
    )
    assert beta.content[0].text == "Paris"


async def test_anthropics_client_raises_its_own_errors(anthropic_client):
    with pytest.raises(anthropic.NotFoundError) as missing:
        await anthropic_client.messages.create(model="nope", max_tokens=5, messages=MESSAGES)
    assert missing.value.body["error"]["type"] == "not_found_error"
    assert missing.value.request_id == missing.value.body["request_id"]
    stranger = AsyncAnthropic(base_url=anthropic_client.base_url, api_key="wrong-key-0000", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        await stranger.messages.create(model="m", max_tokens=5, messages=MESSAGES)
    await stranger.close()
    broken = [{"role": "user", "content": BROKEN}]
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        async for _ in await anthropic_client.messages.create(model="m", max_tokens=5, messages=broken, stream=True):
            pass


async def test_ollamas_client_chats_and_generates(ollama_client):
    answer = await ollama_client.chat(model="m", messages=MESSAGES)
    assert (answer.message.content, answer.done, answer.done_reason) == ("Paris", True, "stop")
    parts = [part async for part in await ollama_client.chat(model="m", messages=MESSAGES, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == "Paris"
    assert [part.done for part in parts].index(True) == len(parts) - 1
    generated = await ollama_client.generate(model="m", prompt="capital?")
    assert generated.response == "Paris"
    parts = [part async for part in await ollama_client.generate(model="m", prompt="capital?", stream=True)]
    assert "".join(part.response for part in parts) == "Paris"


async def test_ollamas_client_gets_tool_calls(ollama_client):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    whole = await ollama_client.chat(model="m", messages=MESSAGES, tools=tools)
    streamed = [part async for part in await ollama_client.chat(model="m", messages=MESSAGES, tools=tools, stream=True)]
    for message in (whole.message, next(part.message for part in streamed if part.message.tool_calls)):
        [call] = message.tool_calls
        assert (call.function.name, call.function.arguments) == ("weather", {"city": "Bern"})


async def test_ollamas_client_embeds_and_looks_around(ollama_client):
    assert (await ollama_client.embed(model="m", input=["a", "b"])).embeddings == [[0.5, -1.0]] * 2
    assert (await ollama_client.embeddings(model="m", prompt="a")).embedding == [0.5, -1.0]
    assert [model.model for model in (await ollama_client.list()).models] == ["m"]
    assert [model.model for model in (await ollama_client.ps()).models] == ["m"]
    assert "completion" in (await ollama_client.show("m")).capabilities


async def test_ollamas_client_raises_its_own_errors(ollama_client):
    for refused, status in (
        (ollama_client.chat(model="nope", messages=MESSAGES), 404),
        (ollama_client.show("nope"), 404),
        (ollama_client.pull("m"), 403),
        (ollama_client.delete("m"), 403),
    ):
        with pytest.raises(ollama.ResponseError) as error:
            await refused
        assert error.value.status_code == status
    with pytest.raises(ollama.ResponseError, match="broke off"):
        async for _ in await ollama_client.generate(model="m", prompt=BROKEN, stream=True):
            pass
