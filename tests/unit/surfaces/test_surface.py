"""What every surface and its encoders provide is what the driver uses."""

from kaigate.surfaces.openai_chat_answer import CompleteAnswer
from kaigate.surfaces.openai_chat_stream import StreamedAnswer
from kaigate.surfaces.surface import AnswerEncoder


def test_the_encoders_keep_the_protocol() -> None:
    encoders: list[AnswerEncoder] = [
        CompleteAnswer(provider="p"),
        StreamedAnswer(provider="p", include_usage=False),
    ]
    assert [encoder.content_type for encoder in encoders] == [b"application/json", b"text/event-stream; charset=utf-8"]
