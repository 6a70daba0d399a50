"""Every error of the contract has OpenAI's shape."""

import msgspec
import pytest
from openai.types.shared import ErrorObject

from kaigate.errors import CODES, GatewayError
from kaigate.surfaces.openai_error import error_body


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_is_an_error_object(code: str) -> None:
    body = msgspec.json.decode(error_body(GatewayError(code, 'It "failed".')))  # type: ignore[arg-type]
    assert set(body) == {"error"}
    error = ErrorObject.model_validate(body["error"], strict=True)
    assert (error.code, error.message, error.param) == (code, 'It "failed".', None)
