"""What the driver asks of a provider."""

from kaigate.providers.provider import AnswerDecoder, Provider, UpstreamCall
from kaigate.providers.registry import build
from kaigate.surfaces.openai_chat import OpenAIChat


def test_both_wire_formats_keep_the_protocol() -> None:
    request = OpenAIChat().decode(b'{"model":"m","messages":[{"role":"user","content":"x"}]}')
    for kind in ("openai", "ollama"):
        provider: Provider = build("p", kind)
        decoder: AnswerDecoder = provider.decoder(request)
        assert decoder.feed(b"") == []
        assert provider.name == "p"


def test_a_call_is_a_post_that_drops_nothing_by_default() -> None:
    assert UpstreamCall("/x", (), b"") == UpstreamCall("/x", (), b"", "POST", ())


def test_frames_are_relayed_only_between_equal_formats() -> None:
    assert build("p", "openai").format == OpenAIChat().format
    assert build("p", "ollama").format != OpenAIChat().format
