"""The benchmark's answers in Anthropic's format say what those in OpenAI's say."""

import msgspec

from bench import anthropic, messages


def test_a_complete_answer_has_the_same_text_and_counts() -> None:
    answer = msgspec.json.decode(anthropic.answer_body())

    assert answer["content"] == [{"type": "text", "text": messages.ANSWER_TEXT}]
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (152, messages.CHUNKS)


def test_a_stream_has_as_many_chunks_and_the_same_text() -> None:
    frames = anthropic.stream_frames()
    events = [
        msgspec.json.decode(line.removeprefix(b"data: "))
        for line in b"".join(frames).split(b"\n")
        if line.startswith(b"data: ")
    ]
    texts = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]

    assert "".join(texts) == messages.STREAM_TEXT
    assert len(texts) == messages.CHUNKS == len(frames) - 2
    assert [event["type"] for event in events if event["type"] != "content_block_delta"] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
