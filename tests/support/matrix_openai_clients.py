"""OpenAI's three formats as its clients read them, for the compatibility matrix."""

from typing import Any

import msgspec
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from contract.response_events import check_sequence, parsed
from support.gateway import Answer
from support.matrix_clients import Client, Heard, ask_chat, ask_completions, ask_responses

ERROR_FIELDS = {"message", "type", "param", "code"}


def sse(body: bytes) -> tuple[list[Any], bool, str | None]:
    """The objects of a stream, whether `[DONE]` ends it, and the message of the error that does otherwise."""
    frames = body.split(b"\n\n")
    assert frames.pop() == b""
    assert all(frame.startswith(b"data: ") and b"\n" not in frame for frame in frames)
    done = frames[-1] == b"data: [DONE]"
    objects = [msgspec.json.decode(frame[6:]) for frame in (frames[:-1] if done else frames)]
    assert not any("error" in item for item in objects[:-1])
    if "error" in objects[-1]:
        assert not done
        return objects[:-1], False, _message(objects[-1])
    return objects, done, None


def _message(body: Any) -> str:
    assert body.keys() == {"error"}
    assert body["error"].keys() == ERROR_FIELDS
    assert body["error"]["type"]
    assert body["error"]["code"]
    return str(body["error"]["message"])


def read_error(answer: Answer) -> str:
    """The message of an answer that is an error."""
    return _message(answer.json())


def _tokens(usage: Any) -> tuple[int, int] | None:
    return None if usage is None else (usage.prompt_tokens, usage.completion_tokens)


def read_chat(body: bytes) -> Heard:
    """A complete chat completion."""
    answer = ChatCompletion.model_validate_json(body, strict=True)
    [choice] = answer.choices
    calls = [(call.function.name, msgspec.json.decode(call.function.arguments)) for call in _calls(choice.message)]
    thought = getattr(choice.message, "reasoning_content", None) or ""
    return Heard(choice.message.content or "", thought, calls, choice.finish_reason, _tokens(answer.usage))


def _calls(message: Any) -> list[Any]:
    assert all(call.type == "function" and call.id for call in message.tool_calls or ())
    return list(message.tool_calls or ())


def read_chat_stream(body: bytes) -> Heard:
    """Chat completion chunks: the role first and once, one finish reason, nothing after it but usage."""
    objects, done, error = sse(body)
    heard, calls, ids = Heard(error=error), [], set()
    for number, item in enumerate(objects):
        chunk = ChatCompletionChunk.model_validate_json(msgspec.json.encode(item), strict=True)
        ids.add((chunk.id, chunk.created, chunk.model))
        heard.tokens = _tokens(chunk.usage) or heard.tokens
        for choice in chunk.choices:
            assert heard.finish is None
            assert ("role" in item["choices"][0]["delta"]) == (number == 0)
            heard.text += choice.delta.content or ""
            heard.thought += getattr(choice.delta, "reasoning_content", None) or ""
            for call in choice.delta.tool_calls or ():
                if call.id:
                    assert call.index == len(calls)
                    calls.append([call.function.name, ""])
                calls[call.index][1] += call.function.arguments or ""
            heard.finish = choice.finish_reason
    assert len(ids) == 1
    assert done == (heard.finish is not None and error is None)
    if error is None:
        heard.calls = [(name, msgspec.json.decode(arguments)) for name, arguments in calls]
    return heard


def read_completion(body: bytes) -> Heard:
    """A complete text completion."""
    answer = Completion.model_validate_json(body, strict=True)
    [choice] = answer.choices
    return Heard(choice.text, finish=choice.finish_reason, tokens=_tokens(answer.usage))


def read_completion_stream(body: bytes) -> Heard:
    """Chunks of a text completion."""
    objects, done, error = sse(body)
    heard = Heard(error=error)
    for item in objects:
        for choice in item["choices"]:
            assert heard.finish is None
            heard.finish = choice["finish_reason"]
            heard.text += choice["text"]
            # Null until the end in OpenAI's own streams; its SDK's type, made for both forms, does not know that.
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        chunk = Completion.model_validate_json(msgspec.json.encode(item), strict=True)
        heard.tokens = _tokens(chunk.usage) or heard.tokens
    assert done == (heard.finish is not None and error is None)
    return heard


def read_response(body: bytes) -> Heard:
    """A complete response."""
    return _response(Response.model_validate_json(body, strict=True))


def _response(answer: Response) -> Heard:
    heard = Heard(answer.output_text, finish=answer.status)
    for item in answer.output:
        if item.type == "function_call":
            assert item.call_id
            heard.calls.append((item.name, msgspec.json.decode(item.arguments)))
        elif item.type == "reasoning":
            heard.thought += "".join(part.text for part in [*item.summary, *(item.content or ())])
        else:
            assert item.type == "message"
    usage = answer.usage
    heard.tokens = None if usage is None else (usage.input_tokens, usage.output_tokens)
    if heard.calls:
        heard.finish = "called"
    return heard


def read_response_stream(body: bytes) -> Heard:
    """The events of a response: numbered, each item begun and ended, the last one the whole response."""
    events = parsed(body)
    if events[-1]["type"] == "error":
        assert not any(event["type"] in ("response.completed", "response.incomplete") for event in events)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        return Heard(text, error=events[-1]["message"])
    check_sequence(body)
    heard = _response(Response.model_validate(events[-1]["response"], strict=True))
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert text == heard.text
    return heard


CHAT = Client(
    lambda feature: {**ask_chat(feature)},
    read_chat,
    read_chat_stream,
    read_error,
    ("stop", "tool_calls"),
    (b"[DONE]",),
    "text/event-stream",
)
RESPONSES = Client(
    ask_responses,
    read_response,
    read_response_stream,
    read_error,
    ("completed", "called"),
    (b"response.completed", b"response.incomplete", b"[DONE]"),
    "text/event-stream",
)
COMPLETIONS = Client(
    ask_completions,
    read_completion,
    read_completion_stream,
    read_error,
    ("stop", "stop"),
    (b"[DONE]",),
    "text/event-stream",
)
