"""The official `ollama` client talks to our surfaces: what it sends is understood, what it gets is what it expects."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import msgspec
import ollama
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ollama import ChatResponse, GenerateResponse

from contract.answers import TEXT, answers, batches, joined
from contract.recorded import FOLDER, Recording, recordings
from kaigate.chat.content import ImageBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock
from kaigate.chat.embeddings import EmbeddingAnswer
from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    ReasoningDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.request import ChatRequest, ResponseFormat
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers.ollama_decode import OllamaDecoder
from kaigate.providers.openai_decode import CompletionDecoder, StreamDecoder
from kaigate.providers.registry import build
from kaigate.surfaces import ollama_embeddings
from kaigate.surfaces.ollama_chat import OllamaChat
from kaigate.surfaces.ollama_generate import OllamaGenerate
from kaigate.surfaces.ollama_models import OllamaModel, decode_show, ps_body, show_body, tags_body

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SURFACES: dict[str, OllamaChat | OllamaGenerate] = {"/api/chat": OllamaChat(), "/api/generate": OllamaGenerate()}
START = Start("ollama-1", "llama3.2", 1702388023)
CUTS = st.lists(st.integers(0, 60), max_size=8)
ARGUMENTS = st.dictionaries(TEXT, st.integers(-(2**53), 2**53) | TEXT | st.booleans() | st.lists(TEXT), max_size=3)


@st.composite
def one_choice(draw: st.DrawFn, *, tools: bool = True) -> list[ChatEvent]:
    """An answer of one choice, whose tool calls have JSON objects for arguments, cut anywhere."""
    events: list[ChatEvent] = []
    for event in draw(answers(max_choices=1)):
        if isinstance(event, ToolCallDelta | ToolCallStart) and not tools:
            continue
        if not isinstance(event, ToolCallDelta):
            events.append(event)
        if isinstance(event, ToolCallStart):
            text = msgspec.json.encode(draw(ARGUMENTS)).decode()
            cut = draw(st.integers(0, len(text)))
            events += [ToolCallDelta(event.index, text[:cut]), ToolCallDelta(event.index, text[cut:])]
    return events


Served = Callable[[httpx.Request], httpx.Response]


class _Switch:
    """Where the requests of the one client go: to make a client takes longer than a test."""

    def __init__(self) -> None:
        self.served: Served = lambda _: httpx.Response(500)
        self.client = ollama.Client(host="http://127.0.0.1:9", transport=httpx.MockTransport(self._serve))

    def _serve(self, sent: httpx.Request) -> httpx.Response:
        return self.served(sent)


SWITCH: Final = _Switch()


def client_of(served: Served) -> ollama.Client:
    """The official client, with this behind it."""
    SWITCH.served = served
    return SWITCH.client


class Gateway:
    """A client whose requests end in a surface, and whose answers are these events."""

    def __init__(self, *batch: list[ChatEvent], error: GatewayError | None = None) -> None:
        self.batches = batch
        self.error = error
        self.request: ChatRequest | None = None
        self.client = client_of(self.serve)

    def serve(self, sent: httpx.Request) -> httpx.Response:
        surface = SURFACES[sent.url.path]
        try:
            request = self.request = surface.decode(sent.content)
        except GatewayError as error:
            return httpx.Response(error.status, content=surface.error(error, "r"))
        encoder = surface.encoder(request, provider="p")
        body = b"".join(encoder.feed(events) for events in self.batches)
        body += encoder.end() if self.error is None else encoder.fail(self.error)
        return httpx.Response(200, content=body, headers={"content-type": encoder.content_type.decode()})


ANSWER: list[ChatEvent] = [START, TextDelta("Paris"), Finish("stop"), UsageReport(Usage(5, 2)), End()]


def look(what: str) -> str:
    """Look something up.

    Args:
        what: the thing

    Returns:
        what it is

    """
    return what


def test_everything_that_the_client_can_ask_for_is_understood() -> None:
    gateway = Gateway(ANSWER)
    answer = gateway.client.chat(
        model="llama3.2",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is this?", "images": [PIXEL]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "Look it up.",
                "tool_calls": [{"function": {"name": "look", "arguments": {"what": "pixel"}}}],
            },
            {"role": "tool", "content": "A pixel.", "tool_name": "look"},
        ],
        tools=[look],
        format={"type": "object", "properties": {"a": {"type": "string"}}},
        options=ollama.Options(temperature=0.2, num_ctx=4096, num_predict=64, stop=["END"], seed=7),
        think="low",
        keep_alive="5m",
        logprobs=True,
        top_logprobs=2,
    )
    assert (answer.message.content, answer.done, answer.done_reason) == ("Paris", True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (5, 2)
    request = gateway.request
    assert request is not None
    assert request.messages == (
        Message("system", (TextBlock("Be brief."),)),
        Message("user", (TextBlock("What is this?"), ImageBlock(data=PIXEL, media_type="image/png"))),
        Message("assistant", (ReasoningBlock("Look it up."), ToolCallBlock("call_2_0", "look", '{"what":"pixel"}'))),
        Message("tool", (TextBlock("A pixel."),), "look", tool_call_id="call_2_0"),
    )
    assert [(tool.name, tool.description) for tool in request.tools] == [("look", "Look something up.")]
    assert request.response_format is not None
    assert request.response_format.kind == "json_schema"
    assert (request.sampling.temperature, request.sampling.stop, request.max_output_tokens) == (0.2, ("END",), 64)
    assert (request.reasoning_effort, request.sampling.top_logprobs, request.stream) == ("low", 2, False)


def test_what_the_client_sends_reaches_ollama_as_it_would_without_us() -> None:
    gateway = Gateway(ANSWER)
    messages = [
        {"role": "user", "content": "What is this?", "images": [PIXEL]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"a": 1}}}]},
        {"role": "tool", "content": "A pixel.", "tool_name": "look"},
    ]
    options = {"temperature": 0.5, "repeat_penalty": 1.1, "num_predict": 9, "stop": ["x"]}
    gateway.client.chat(model="m", messages=messages, options=options, format="json", think=False)
    request = gateway.request
    assert request is not None
    call = build("local", "ollama").encode(request, model="m", max_output_tokens=request.max_output_tokens)
    sent = msgspec.json.decode(call.body)
    for message in sent["messages"]:
        message.pop("tool_call_id", None)
        for tool_call in message.get("tool_calls", ()):
            del tool_call["id"]
    assert sent == {
        "model": "m",
        "messages": messages,
        "stream": False,
        "truncate": False,
        "shift": False,
        "options": options,
        "format": "json",
        "think": False,
    }


def test_a_generate_request_is_understood() -> None:
    gateway = Gateway(ANSWER)
    answer = gateway.client.generate(model="m", prompt="Hi", system="s", images=[PIXEL], format="json", think=True)
    assert (answer.response, answer.done) == ("Paris", True)
    assert gateway.request is not None
    assert [message.role for message in gateway.request.messages] == ["system", "user"]
    assert gateway.request.response_format == ResponseFormat("json_object")


@pytest.mark.parametrize("call", ["chat", "generate"])
def test_a_failure_within_a_stream_is_the_client_s_error(call: str) -> None:
    gateway = Gateway([START, TextDelta("half")], error=UpstreamFailedError("upstream_error", "It broke."))
    client: Any = gateway.client
    arguments = {"messages": [{"role": "user", "content": "x"}]} if call == "chat" else {"prompt": "x"}
    stream: Iterator[Any] = getattr(client, call)(model="m", stream=True, **arguments)
    assert not next(stream).done
    with pytest.raises(ollama.ResponseError, match="It broke"):
        list(stream)


def test_a_refusal_is_the_client_s_error_with_its_status() -> None:
    with pytest.raises(ollama.ResponseError, match="operator's decision") as caught:
        Gateway(ANSWER).client.generate(model="m", prompt="x", options={"num_gpu": 5})
    assert caught.value.status_code == 400


def text_of(events: list[ChatEvent]) -> tuple[str, str, list[Any]]:
    """Text, reasoning and calls as a client of one choice must end up with them; refusals are text, in order."""
    text = "".join(getattr(event, "text", "") for event in events if not isinstance(event, ReasoningDelta))
    choice = joined(events)[0]
    calls = [(name, msgspec.json.decode(arguments)) for _, name, arguments in choice["calls"]]
    return text, choice["reasoning_content"], calls


def calls_of(message: Any) -> list[Any]:
    return [(call.function.name, dict(call.function.arguments)) for call in message.tool_calls or ()]


@given(events=one_choice(), cuts=CUTS)
def test_whatever_an_answer_has_the_client_gets_it_whole(events: list[ChatEvent], cuts: list[int]) -> None:
    text, thinking, calls = text_of(events)
    gateway = Gateway(*batches(events, cuts))
    answer = gateway.client.chat(model="m", messages=[{"role": "user", "content": "x"}])
    assert (answer.message.content, answer.message.thinking or "", calls_of(answer.message)) == (text, thinking, calls)
    assert answer.done is True


@given(events=one_choice(), cuts=CUTS)
def test_whatever_an_answer_has_the_client_gets_it_line_by_line(events: list[ChatEvent], cuts: list[int]) -> None:
    text, thinking, calls = text_of(events)
    gateway = Gateway(*batches(events, cuts))
    lines = list(gateway.client.chat(model="m", messages=[{"role": "user", "content": "x"}], stream=True))
    assert "".join(line.message.content or "" for line in lines) == text
    assert "".join(line.message.thinking or "" for line in lines) == thinking
    assert [call for line in lines for call in calls_of(line.message)] == calls
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    reports = [event.usage for event in events if isinstance(event, UsageReport)]
    assert lines[-1].eval_count == (reports[0].output_tokens if reports else None)


@given(events=one_choice(tools=False), cuts=CUTS)
def test_a_generate_client_gets_the_same(events: list[ChatEvent], cuts: list[int]) -> None:
    text, thinking, _ = text_of(events)
    gateway = Gateway(*batches(events, cuts))
    whole = gateway.client.generate(model="m", prompt="x")
    lines = list(gateway.client.generate(model="m", prompt="x", stream=True))
    assert (whole.response, whole.thinking or "") == (text, thinking)
    assert "".join(line.response or "" for line in lines) == text
    assert "".join(line.thinking or "" for line in lines) == thinking
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]


def upstream_lines(pieces: list[tuple[str, str]], created: str) -> bytes:
    """What an Ollama server sends, one line for each pair of text and thinking."""
    lines = [
        {
            "model": "llama3.2",
            "created_at": created,
            "message": {"role": "assistant", "content": text, **({"thinking": thinking} if thinking else {})},
            "done": False,
        }
        for text, thinking in pieces
    ]
    last = {
        "model": "llama3.2",
        "created_at": created,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "total_duration": 9,
        "load_duration": 1,
        "prompt_eval_count": 5,
        "eval_count": 2,
    }
    return b"".join(msgspec.json.encode(item) + b"\n" for item in [*lines, last])


@settings(max_examples=60)
@given(
    pieces=st.lists(st.tuples(TEXT, TEXT), max_size=8),
    touched=st.lists(st.booleans(), min_size=9, max_size=9),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
def test_any_mixture_of_relayed_and_encoded_lines_is_one_stream(
    pieces: list[tuple[str, str]], touched: list[bool], cuts: list[int]
) -> None:
    body = upstream_lines(pieces, "2026-11-21T10:00:00.123456789Z")
    decoder = OllamaDecoder(answer_id="ollama-1", model="m")
    edges = [0, *sorted({min(cut, len(body)) for cut in cuts}), len(body)]
    frames: list[Frame] = [f for a, b in itertools.pairwise(edges) for f in decoder.feed(body[a:b])] + decoder.end()
    assert all(frame.exact for frame in frames)
    encoder = OllamaChat().encoder(ChatRequest("m", (), stream=True), provider="p")
    out = b"".join(
        encoder.feed(list(frame.events)) if touch else encoder.relay(frame)
        for frame, touch in zip(frames, touched, strict=False)
    )
    out += encoder.end()
    lines = [ChatResponse.model_validate_json(line, strict=True) for line in out.splitlines()]
    assert "".join(line.message.content or "" for line in lines) == "".join(text for text, _ in pieces)
    assert "".join(line.message.thinking or "" for line in lines) == "".join(thinking for _, thinking in pieces)
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1].eval_count == 2
    named = ["provider" in msgspec.json.decode(line) for line in out.splitlines()]
    assert named == [index in (0, len(named) - 1) for index in range(len(named))]
    assert lines[-1].total_duration == (None if touched[len(pieces)] else 9)


def test_embeddings_as_the_client_asks_and_reads_them() -> None:
    routes: dict[str, tuple[Callable[..., Any], Callable[..., bytes]]] = {
        "/api/embed": (ollama_embeddings.decode_embed, ollama_embeddings.encode_embed),
        "/api/embeddings": (
            ollama_embeddings.decode_legacy_embeddings,
            ollama_embeddings.encode_legacy_embeddings,
        ),
    }

    def serve(sent: httpx.Request) -> httpx.Response:
        decode, encode = routes[sent.url.path]
        request = decode(sent.content, max_depth=8)
        vectors = tuple((float(index), 0.5) for index, _ in enumerate(request.inputs))
        return httpx.Response(200, content=encode(EmbeddingAnswer("m", vectors, Usage(3, 0)), request, "p"))

    client = client_of(serve)
    answer = client.embed(model="m", input=["a", "b"], truncate=True, dimensions=2, keep_alive=0)
    assert [list(vector) for vector in answer.embeddings] == [[0.0, 0.5], [1.0, 0.5]]
    assert answer.prompt_eval_count == 3
    assert list(client.embeddings(model="m", prompt="a").embedding) == [0.0, 0.5]


def test_informative_routes_as_the_client_reads_them() -> None:
    models = [OllamaModel("llama3.2:3b", 1702388023, "sha256:ab", 8192), OllamaModel("small")]

    def serve(sent: httpx.Request) -> httpx.Response:
        if sent.url.path == "/api/show":
            name = decode_show(sent.content, max_depth=8)
            return httpx.Response(200, content=show_body(next(item for item in models if item.name == name)))
        return httpx.Response(200, content={"/api/tags": tags_body, "/api/ps": ps_body}[sent.url.path](models))

    client = client_of(serve)
    assert [item.model for item in client.list().models] == ["llama3.2:3b", "small"]
    assert [item.context_length for item in client.ps().models] == [8192, None]
    shown = client.show("llama3.2:3b")
    assert shown.capabilities == ["completion"]
    assert dict(shown.modelinfo or {}) == {"general.context_length": 8192}


RECORDED = [item for item in recordings() if item.status == 200 and b"choices" in item.body] if FOLDER.is_dir() else []


@pytest.mark.skipif(not RECORDED, reason=f"no recorded traffic in {FOLDER.name}")
def test_every_recorded_answer_satisfies_the_client_in_both_forms() -> None:
    for recording in RECORDED:
        events = recorded_events(recording)
        request = ChatRequest("m", (), stream=recording.stream)
        forms = {"chat": (OllamaChat(), ChatResponse), "generate": (OllamaGenerate(), GenerateResponse)}
        calls = any(isinstance(event, ToolCallStart) for event in events)
        for name, (surface, kind) in forms.items():
            encoder = surface.encoder(request, provider="p")
            if name == "generate" and calls:
                with pytest.raises(UpstreamFailedError, match="not offered"):
                    _ = b"".join(encoder.feed([event]) for event in events) + encoder.end()
                continue
            body = b"".join(encoder.feed([event]) for event in events) + encoder.end()
            lines = [kind.model_validate_json(line, strict=True) for line in body.splitlines()]
            assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True], recording.name


def recorded_events(recording: Recording) -> list[ChatEvent]:
    kind = StreamDecoder if recording.stream else CompletionDecoder
    decoder = kind(answer_id=lambda: "none", model="m")
    return [event for frame in [*decoder.feed(recording.body), *decoder.end()] for event in frame.events]
