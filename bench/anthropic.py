"""The benchmark's answer in Anthropic's format, whole and as a stream: what a translating gateway reads.

Shapes follow Anthropic's API reference ("Messages", "Streaming messages"); text and counts are those of
`bench.messages`, so that the same client can check them.
"""

from typing import Final

import msgspec

from bench import messages

PATH: Final = "/v1/messages"

_INPUT: Final = {
    "input_tokens": 152,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "service_tier": "standard",
}
_COMMON: Final = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": messages.MODEL,
    "stop_sequence": None,
}


def answer_body() -> bytes:
    """A complete answer with the text of `messages.answer_body`."""
    content = [{"type": "text", "text": messages.ANSWER_TEXT}]
    usage = {**_INPUT, "output_tokens": messages.CHUNKS}
    return msgspec.json.encode({**_COMMON, "content": content, "stop_reason": "end_turn", "usage": usage})


def stream_frames() -> tuple[bytes, ...]:
    """Server-sent events of a stream: its head, as many text deltas as `messages.stream_frames` has, its end."""
    head: dict[str, object] = {**_COMMON, "content": [], "stop_reason": None, "usage": {**_INPUT, "output_tokens": 1}}
    begin = _event("message_start", message=head) + _event(
        "content_block_start", index=0, content_block={"type": "text", "text": ""}
    )
    texts = [
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in messages.WORDS
    ]
    end = (
        _event("content_block_stop", index=0)
        + _event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": messages.CHUNKS},
        )
        + _event("message_stop")
    )
    return (begin + _event("ping"), *texts, end)


def _event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))
