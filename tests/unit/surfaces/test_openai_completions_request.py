"""Bodies of text completions: every parameter reaches the canonical request, everything else is refused by name."""

from typing import Any

import msgspec
import pytest
from openai.types.completion_create_params import CompletionCreateParamsStreaming

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, Sampling
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_completions_request import REFUSED, CompletionBody, decode

HI = (Message("user", (TextBlock("Hi"),)),)


def read(**fields: Any) -> ChatRequest:
    return decode(msgspec.json.encode({"model": "m", "prompt": "Hi", **fields}), max_depth=64)


def refused(**fields: Any) -> RequestInvalidError:
    with pytest.raises(RequestInvalidError) as caught:
        read(**fields)
    return caught.value


def test_the_least_request_has_the_documented_ceiling() -> None:
    assert read() == ChatRequest("m", HI, max_output_tokens=16)
    assert read(prompt=["Hi"], max_tokens=None) == ChatRequest("m", HI, max_output_tokens=16)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"stop": "a"}, {"sampling": Sampling(stop=("a",))}),
        ({"stop": ["a", "b"]}, {"sampling": Sampling(stop=("a", "b"))}),
        ({"logprobs": 2}, {"sampling": Sampling(logprobs=True, top_logprobs=2)}),
        ({"logprobs": 0}, {"sampling": Sampling(logprobs=True, top_logprobs=0)}),
        (
            {"temperature": 0, "top_p": 0.5, "n": 2, "best_of": 2, "seed": 7, "presence_penalty": 1},
            {"sampling": Sampling(temperature=0.0, top_p=0.5, n=2, seed=7, presence_penalty=1.0)},
        ),
        ({"top_k": 4, "min_p": 0.1}, {"sampling": Sampling(top_k=4, min_p=0.1)}),
        (
            {"frequency_penalty": -1, "logit_bias": {"5": -100}},
            {"sampling": Sampling(frequency_penalty=-1.0, logit_bias={"5": -100})},
        ),
        ({"user": "u"}, {"user": "u"}),
        ({"stream": True}, {"stream": True}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True, "include_usage": True}),
        ({"echo": False, "suffix": None, "best_of": 1}, {}),
    ],
)
def test_parameters(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read(**sent) == ChatRequest("m", HI, **{"max_output_tokens": 16, **expected})


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"prompt": None}, "invalid_request", "prompt"),
        ({"prompt": []}, "invalid_request", "prompt"),
        ({"prompt": {"text": "x"}}, "invalid_request", "prompt"),
        ({"prompt": ["a", 1]}, "invalid_request", "prompt"),
        ({"prompt": ["a", "b"]}, "unsupported_parameter", "prompt"),
        ({"prompt": [1, 2]}, "unsupported_parameter", "prompt"),
        ({"prompt": [[1, 2]]}, "unsupported_parameter", "prompt"),
        ({"suffix": "x"}, "unsupported_parameter", "suffix"),
        ({"echo": True}, "unsupported_parameter", "echo"),
        ({"best_of": 2}, "unsupported_parameter", "best_of"),
        ({"best_of": 3, "n": 2}, "unsupported_parameter", "best_of"),
        ({"max_tokens": 0}, "unsupported_parameter", "max_tokens"),
        ({"logprobs": 6}, "invalid_request", "logprobs"),
        ({"logprobs": True}, "invalid_request", "logprobs"),
        ({"stream_options": {}}, "invalid_request", "stream_options"),
        ({"messages": []}, "unsupported_parameter", "messages"),
        ({"tools": []}, "unsupported_parameter", "tools"),
        ({"api_base": "x"}, "unsupported_parameter", "api_base"),
        ({"promt": "x"}, "unsupported_parameter", "promt"),
        ({"echo": False, "nonsense": 1}, "unsupported_parameter", "nonsense"),
    ],
)
def test_refusals_name_the_field(fields: dict[str, Any], code: str, param: str) -> None:
    error = refused(**fields)
    assert (error.code, error.param) == (code, param)


def test_a_key_twice_is_refused() -> None:
    with pytest.raises(RequestInvalidError, match="key 'prompt' twice"):
        decode(b'{"model":"m","prompt":"a","prompt":"b"}', max_depth=64)


def test_every_parameter_of_the_official_sdk_is_known() -> None:
    official = set(CompletionCreateParamsStreaming.__annotations__) | {
        name for base in CompletionCreateParamsStreaming.__orig_bases__ for name in getattr(base, "__annotations__", {})
    }
    assert len(official) > 15
    assert official <= set(CompletionBody.__struct_fields__)
    assert set(CompletionBody.__struct_fields__).isdisjoint(REFUSED)
