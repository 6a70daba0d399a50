import msgspec

from bench import messages


def test_request_and_answer_are_about_a_kilobyte() -> None:
    assert 800 <= len(messages.request_body(stream=False)) <= 1200
    assert 800 <= len(messages.answer_body()) <= 1400


def test_a_stream_has_its_chunks_a_usage_and_an_end() -> None:
    *chunks, end = messages.stream_frames()
    decoded = [msgspec.json.decode(chunk.removeprefix(b"data: ")) for chunk in chunks]
    texts = [choice["delta"].get("content") for chunk in decoded for choice in chunk["choices"]]

    assert end == b"data: [DONE]\n\n"
    assert len([text for text in texts if text]) == messages.CHUNKS
    assert "".join(text for text in texts if text) == messages.STREAM_TEXT
    assert [chunk["usage"] is None for chunk in decoded] == [True] * (messages.CHUNKS + 2) + [False]
