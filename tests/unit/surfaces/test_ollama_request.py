"""Requests of Ollama's chat and generate API become canonical ones, or are refused with a remedy."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import ImageBlock, Message, TextBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Thinking, Tool
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_request import decode_chat, decode_generate

USER = {"role": "user", "content": "Hi"}
PNG = "iVBORw0KGgoAAAANSUhE"


def chat(**fields: Any) -> ChatRequest:
    return decode_chat(msgspec.json.encode({"model": "m", "messages": [USER], **fields}), max_depth=64)


def generate(**fields: Any) -> ChatRequest:
    return decode_generate(msgspec.json.encode({"model": "m", "prompt": "Hi", **fields}), max_depth=64)


def test_the_least_request_is_streamed() -> None:
    expected = ChatRequest("m", (Message("user", (TextBlock("Hi"),)),), stream=True, include_usage=True)
    assert chat() == expected
    assert generate() == expected
    assert chat(stream=True) == chat(stream=None) == expected


@pytest.mark.parametrize("make", [chat, generate])
def test_a_complete_answer_is_asked_for(make: Any) -> None:
    assert make(stream=False).stream is False


@pytest.mark.parametrize("make", [chat, generate])
def test_options_are_sampling_ceiling_and_extras(make: Any) -> None:
    request = make(
        options={
            "temperature": 0,
            "top_p": 0.5,
            "top_k": 3,
            "min_p": 0.1,
            "seed": 7,
            "stop": ["END", "x"],
            "presence_penalty": 1,
            "frequency_penalty": -1,
            "typical_p": 0.7,
            "repeat_penalty": 1.1,
            "repeat_last_n": 64,
            "mirostat": 2,
            "mirostat_tau": 5,
            "mirostat_eta": 0.1,
            "num_predict": 64,
            "num_ctx": 8192,
        }
    )
    assert request.sampling == Sampling(
        temperature=0,
        top_p=0.5,
        top_k=3,
        min_p=0.1,
        seed=7,
        stop=("END", "x"),
        presence_penalty=1,
        frequency_penalty=-1,
    )
    assert request.extra == {
        "typical_p": 0.7,
        "repeat_penalty": 1.1,
        "repeat_last_n": 64,
        "mirostat": 2,
        "mirostat_tau": 5.0,
        "mirostat_eta": 0.1,
    }
    assert request.max_output_tokens == 64


@pytest.mark.parametrize("predict", [-1, -2, None])
def test_no_limit_of_the_client_leaves_it_to_the_model_s(predict: int | None) -> None:
    assert chat(options={"num_predict": predict}).max_output_tokens is None


def test_a_single_stop_text() -> None:
    assert chat(options={"stop": "END"}).sampling.stop == ("END",)
    assert chat(options={"stop": []}).sampling.stop is None


def test_log_probabilities() -> None:
    sampling = chat(logprobs=True, top_logprobs=2).sampling
    assert (sampling.logprobs, sampling.top_logprobs) == (True, 2)
    assert chat(logprobs=False).sampling == Sampling()


@pytest.mark.parametrize(
    ("think", "effort", "thinking"),
    [
        (None, None, None),
        (True, "medium", None),
        (False, None, Thinking("disabled")),
        ("low", "low", None),
        ("max", "max", None),
    ],
)
@pytest.mark.parametrize("make", [chat, generate])
def test_think(make: Any, think: Any, effort: str | None, thinking: Thinking | None) -> None:
    request = make(think=think)
    assert (request.reasoning_effort, request.thinking) == (effort, thinking)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("", None),
        (None, None),
        ("json", ResponseFormat("json_object")),
        ({"type": "array"}, ResponseFormat("json_schema", "answer", {"type": "array"})),
    ],
)
@pytest.mark.parametrize("make", [chat, generate])
def test_format(make: Any, wire: Any, expected: ResponseFormat | None) -> None:
    assert make(format=wire).response_format == expected


def test_tools() -> None:
    function = {"name": "look.up", "description": "d", "parameters": {"type": "object"}}
    request = chat(tools=[{"type": "function", "function": function}, {"function": {"name": "g"}}])
    assert request.tools == (Tool("look.up", "d", {"type": "object"}), Tool("g"))


def test_a_generate_request_is_a_conversation_of_one_turn() -> None:
    request = generate(system="Be brief.", images=[PNG])
    assert request.messages == (
        Message("system", (TextBlock("Be brief."),)),
        Message("user", (TextBlock("Hi"), ImageBlock(data=PNG, media_type="image/png"))),
    )
    assert generate(prompt="", images=[PNG]).messages[0].blocks == (ImageBlock(data=PNG, media_type="image/png"),)


@pytest.mark.parametrize("value", ["5m", 0, -1, 3.5, None])
@pytest.mark.parametrize("make", [chat, generate])
def test_keep_alive_is_accepted_and_ignored(make: Any, value: Any) -> None:
    assert make(keep_alive=value) == make()


def test_what_generate_has_empty_is_served() -> None:
    assert generate(raw=False, template="", suffix="", context=[], system="", truncate=False, shift=False) == generate()


@pytest.mark.parametrize(
    ("make", "fields", "code", "param"),
    [
        (chat, {"messages": []}, "invalid_request", "messages"),
        (chat, {"messages": None}, "invalid_request", "messages"),
        (generate, {"prompt": ""}, "invalid_request", "prompt"),
        (generate, {"prompt": None, "keep_alive": 0}, "invalid_request", "prompt"),
        (chat, {"model": ""}, "invalid_request", "model"),
        (chat, {"options": {"num_predict": 0}}, "invalid_request", "options.num_predict"),
        (chat, {"options": {"temperature": 3}}, "invalid_request", "options.temperature"),
        (chat, {"options": {"num_gpu": 1}}, "unsupported_parameter", "options.num_gpu"),
        (chat, {"options": {"tfs_z": 1}}, "unsupported_parameter", "options.tfs_z"),
        (chat, {"options": {"temprature": 1}}, "unsupported_parameter", "options.temprature"),
        (chat, {"temperature": 1}, "unsupported_parameter", "temperature"),
        (chat, {"mesages": []}, "unsupported_parameter", "mesages"),
        (chat, {"tool_choice": "auto"}, "unsupported_parameter", "tool_choice"),
        (chat, {"top_logprobs": 2}, "invalid_request", "top_logprobs"),
        (chat, {"think": "some"}, "invalid_request", "think"),
        (chat, {"format": "yaml"}, "invalid_request", "format"),
        (chat, {"truncate": True}, "invalid_request", "truncate"),
        (chat, {"tools": [{"function": {"name": "f"}}] * 2}, "invalid_request", "tools"),
        (chat, {"tools": [{"function": {"name": "a b"}}]}, "invalid_request", "tools[0].function.name"),
        (generate, {"raw": True}, "invalid_request", "raw"),
        (generate, {"template": "{{ .Prompt }}"}, "invalid_request", "template"),
        (generate, {"suffix": "x"}, "invalid_request", "suffix"),
        (generate, {"context": [1]}, "invalid_request", "context"),
        (generate, {"width": 5}, "unsupported_parameter", "width"),
        (generate, {"messages": [USER]}, "unsupported_parameter", "messages"),
        (generate, {"images": ["data:image/png;base64,AAAA"]}, "invalid_request", "images[0]"),
    ],
)
def test_what_is_not_served_is_refused_by_name(make: Any, fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        make(**fields)
    assert (caught.value.code, caught.value.param) == (code, param), caught.value.message
    assert caught.value.message.endswith((".", "?"))


def test_a_remedy_is_named() -> None:
    for fields, said in (
        ({"options": {"num_gpu": 1}}, "operator's decision"),
        ({"temperature": 1}, "send options.temperature"),
        ({"mesages": []}, "did you mean 'messages'?"),
    ):
        with pytest.raises(RequestInvalidError, match=said):
            chat(**fields)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}', "twice"),
        (b'{"model":"m","messages":[{"role":"user","content":"x","content":"y"}]}', "twice"),
        (b'{"model":"m","messages":[{"role":"user"}],"format":{"a":' + b"[" * 70 + b"]" * 70 + b"}}", "deeper"),
        (b"", "empty"),
        (b"[]", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"model":"m"}', "messages is empty"),
        (b'{"messages":[]}', "model is required"),
    ],
)  # fmt: skip
def test_a_body_has_one_reading_only(body: bytes, said: str) -> None:
    with pytest.raises(RequestInvalidError, match=said):
        decode_chat(body, max_depth=64)
