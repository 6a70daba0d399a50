"""The official `openai` client reads our verdicts in strict mode, and learns what is not judged."""

import httpx
import openai
import pytest
from openai.types import ModerationCreateResponse

from kaigate.errors import GatewayError
from kaigate.surfaces.openai_error import error_body
from kaigate.surfaces.openai_moderations import MODEL, decode_moderation, encode_moderation

KEY = "a secret"


def serve(sent: httpx.Request) -> httpx.Response:
    try:
        inputs = decode_moderation(sent.content, max_depth=8)
    except GatewayError as error:
        return httpx.Response(error.status, content=error_body(error))
    body = encode_moderation(inputs, lambda text: KEY in text, "r-1")
    ModerationCreateResponse.model_validate_json(body, strict=True)
    return httpx.Response(200, content=body, headers={"content-type": "application/json"})


def client() -> openai.OpenAI:
    transport = httpx.Client(transport=httpx.MockTransport(serve))
    return openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0, http_client=transport)


def test_the_client_reads_every_verdict() -> None:
    answer = client().moderations.create(model=MODEL, input=["fine", f"not {KEY}"])
    assert [result.flagged for result in answer.results] == [False, True]
    categories = answer.results[1].categories
    assert (categories.model_extra or {})["secrets"] is True
    assert categories.hate is False
    assert answer.results[1].category_applied_input_types.hate == []


@pytest.mark.parametrize("fields", [{}, {"model": "omni-moderation-latest"}])
def test_the_client_is_told_which_model_there_is(fields: dict[str, str]) -> None:
    with pytest.raises(openai.BadRequestError, match=MODEL) as caught:
        client().moderations.create(input="x", **fields)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "model")
