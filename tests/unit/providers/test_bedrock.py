"""One configured Bedrock endpoint."""

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.chat.events import Start
from kaigate.chat.request import ChatRequest
from kaigate.errors import UpstreamFailedError
from kaigate.providers.bedrock import Bedrock
from kaigate.providers.bedrock_decode import ConverseDecoder, ConverseStreamDecoder
from kaigate.providers.bedrock_signer import BedrockSigner
from kaigate.transport.aws.credentials import AwsCredentials
from kaigate.transport.aws.static import StaticCredentials
from tests.support.aws_event_stream import event
from tests.support.clocks import ManualClock

REQUEST = ChatRequest("m", (Message("user", (TextBlock("Hi"),)),))
STREAM = ChatRequest("m", REQUEST.messages, stream=True)
ARN = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-micro-v1:0"
SIGNER = BedrockSigner(StaticCredentials(AwsCredentials("a", "b")), region="r", clock=ManualClock())


def test_the_model_is_url_encoded_once() -> None:
    call = Bedrock("b").encode(REQUEST, model=ARN, max_output_tokens=5)
    encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova-micro-v1%3A0"
    assert (call.method, call.path) == ("POST", f"/model/{encoded}/converse")
    assert b'"maxTokens":5' in call.body
    assert dict(call.headers)[b"accept"] == b"application/json"


def test_a_stream_is_another_operation() -> None:
    call = Bedrock("b").encode(STREAM, model="m", max_output_tokens=None)
    assert call.path == "/model/m/converse-stream"
    assert dict(call.headers)[b"accept"] == b"application/vnd.amazon.eventstream"


def test_a_bedrock_key_is_a_bearer_token_and_needs_no_signature() -> None:
    provider = Bedrock("b", api_key="k", signer=SIGNER, headers={"X-A": "b"})
    headers = dict(provider.encode(REQUEST, model="m", max_output_tokens=None).headers)
    assert (headers[b"authorization"], headers[b"x-a"]) == (b"Bearer k", b"b")
    assert provider.signer is None


def test_without_a_key_calls_are_signed() -> None:
    provider = Bedrock("b", signer=SIGNER)
    assert provider.signer is SIGNER
    assert b"authorization" not in dict(provider.encode(REQUEST, model="m", max_output_tokens=None).headers)


def test_answers_have_ids_and_times_of_ours() -> None:
    provider = Bedrock("b", clock=ManualClock(1_790_000_000.5))
    assert isinstance(provider.decoder(REQUEST), ConverseDecoder)
    found = set()
    for _ in range(2):
        decoder = provider.decoder(STREAM)
        assert isinstance(decoder, ConverseStreamDecoder)
        start = decoder.feed(event("messageStart", {"role": "assistant"}))[0].events[0]
        assert isinstance(start, Start)
        assert (start.model, start.created) == ("m", 1_790_000_000)
        assert start.id.startswith("bedrock-")
        found.add(start.id)
    assert len(found) == 2


def test_a_failure_is_told_by_its_type() -> None:
    error = Bedrock("b").failure(400, {"x-amzn-errortype": "ThrottlingException"}, b"")
    assert isinstance(error, UpstreamFailedError)
    assert error.code == "upstream_unavailable"


def test_embeddings_are_invocations_of_the_model() -> None:
    provider = Bedrock("b")
    request = EmbeddingRequest("m", ("a", "b"))
    calls = provider.encode_embeddings(request, model="amazon.titan-embed-text-v2:0")
    assert [call.path for call in calls] == ["/model/amazon.titan-embed-text-v2%3A0/invoke"] * 2
    answer = provider.decode_embeddings([b'{"embedding":[1.0],"inputTextTokenCount":2}'] * 2, request)
    assert answer.vectors == ((1.0,), (1.0,))
