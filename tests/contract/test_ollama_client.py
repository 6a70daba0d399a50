"""What the Ollama adapter sends and understands, judged by the official `ollama` client's own models."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from ollama import ChatResponse
from ollama._types import ChatRequest as OllamaChatRequest
from ollama._types import Message as OllamaMessage
from ollama._types import Options as OllamaOptions

from contract.answers import TEXT
from kaigate.chat.events import ChatEvent, Finish, ReasoningDelta, Start, TextDelta, ToolCallDelta, UsageReport
from kaigate.providers.ollama_decode import OllamaDecoder
from kaigate.providers.registry import build
from kaigate.surfaces.openai_chat import OpenAIChat

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ARGUMENTS = st.dictionaries(TEXT, st.integers() | TEXT | st.booleans(), max_size=3)


def responses(text: str, thinking: str, arguments: dict[str, object], counts: tuple[int, int]) -> list[ChatResponse]:
    """A stream as the official client understands one."""
    call = OllamaMessage.ToolCall(function=OllamaMessage.ToolCall.Function(name="get_weather", arguments=arguments))
    created = "2026-11-21T10:00:00.123456789Z"
    pieces = [
        OllamaMessage(role="assistant", content="", thinking=thinking),
        OllamaMessage(role="assistant", content=text),
        OllamaMessage(role="assistant", content="", tool_calls=[call]),
    ]
    return [
        *(ChatResponse(model="llama3.2", created_at=created, message=piece, done=False) for piece in pieces),
        ChatResponse(
            model="llama3.2",
            created_at=created,
            message=OllamaMessage(role="assistant", content=""),
            done=True,
            done_reason="stop",
            total_duration=5,
            prompt_eval_count=counts[0],
            eval_count=counts[1],
        ),
    ]


@given(
    text=TEXT,
    thinking=TEXT,
    arguments=ARGUMENTS,
    counts=st.tuples(st.integers(0, 9999), st.integers(0, 9999)),
    cut=st.integers(0, 2000),
)
def test_what_the_client_would_read_is_what_the_adapter_reads(
    text: str, thinking: str, arguments: dict[str, object], counts: tuple[int, int], cut: int
) -> None:
    lines = "".join(item.model_dump_json() + "\n" for item in responses(text, thinking, arguments, counts)).encode()
    decoder = OllamaDecoder(answer_id="ollama-1", model="m")
    frames = [*decoder.feed(lines[:cut]), *decoder.feed(lines[cut:]), *decoder.end()]
    events: list[ChatEvent] = [event for frame in frames for event in frame.events]
    assert events[0] == Start("ollama-1", "llama3.2", 1795255200)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == text
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == thinking
    calls = [event.arguments for event in events if isinstance(event, ToolCallDelta)]
    assert [msgspec.json.decode(call) for call in calls] == [arguments]
    assert [event.reason for event in events if isinstance(event, Finish)] == ["tool_calls"]
    (usage,) = [event.usage for event in events if isinstance(event, UsageReport)]
    assert (usage.input_tokens, usage.output_tokens) == counts


def test_a_request_with_everything_is_one_that_the_client_could_have_sent() -> None:
    body = {
        "model": "llama3.2",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Look it up.",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"what": "pixel"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "A pixel."},
        ],
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 20,
        "seed": 7,
        "stop": ["END"],
        "repeat_penalty": 1.1,
        "max_tokens": 64,
        "tools": [
            {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        "reasoning_effort": "low",
        "logprobs": True,
        "top_logprobs": 2,
    }
    request = OpenAIChat().decode(msgspec.json.encode(body))
    call = build("local", "ollama").encode(request, model="gpt-oss:20b", max_output_tokens=64)
    sent = msgspec.json.decode(call.body)
    judged = OllamaChatRequest.model_validate(sent)
    assert sent.keys() - {"truncate", "shift"} <= OllamaChatRequest.model_fields.keys()
    assert sent["options"].keys() - {"repeat_penalty", "min_p"} <= OllamaOptions.model_fields.keys()
    known = OllamaMessage.model_fields.keys() | {"tool_call_id"}
    assert all(message.keys() <= known for message in sent["messages"])
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][1]["images"] == [PIXEL]
    assert sent["messages"][3]["tool_name"] == "look"
    assert judged.stream is False
    assert judged.think == "low"
    assert judged.format == {"type": "object"}
