"""Bedrock's errors in the words of the gateway's own contract.

Source: Bedrock API reference, "Common errors" and the errors of `Converse`; the type stands in `x-amzn-errortype`, or
in an exception event of the stream. The message is only searched for known phrases, never repeated.
"""

from collections.abc import Mapping
from typing import Final

from kaigate.errors import GatewayError
from kaigate.providers.failures import failure

_STATUS: Final[Mapping[str, int]] = {
    "validationexception": 400,
    "conflictexception": 400,
    "servicequotaexceededexception": 429,
    "accessdeniedexception": 403,
    "unrecognizedclientexception": 403,
    "invalidsignatureexception": 403,
    "incompletesignatureexception": 403,
    "missingauthenticationtokenexception": 403,
    "expiredtokenexception": 403,
    "invalidclienttokenid": 403,
    "optinrequired": 403,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 504,
    "requesttimeoutexception": 504,
    "modelnotreadyexception": 503,
    "serviceunavailableexception": 503,
    "serviceunavailable": 503,
    "throttlingexception": 429,
    "throttling": 429,
    "toomanyrequestsexception": 429,
    "internalserverexception": 500,
    "internalfailure": 500,
    "modelerrorexception": 500,
    "modelstreamerrorexception": 500,
}
_OPERATOR: Final = (
    b"model identifier is invalid",
    b"on-demand throughput isn",
    b"access to the model",
    b"inference profile",
)
"""Phrases of validation errors that are the configuration's fault, not the request's."""
_CONTEXT: Final = (b"input is too long", b"prompt is too long", b"too many input tokens", b"input tokens exceed")
_CONTEXT_BODY: Final = b'{"message":"prompt is too long"}'


def bedrock_failure(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What an error answer means; a type that is not known leaves the word to the status."""
    return failure_of(headers.get("x-amzn-errortype", ""), status, headers, body)


def failure_of(kind: str, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What an error of a type means; `kind` may be a shape's full name (`a.b#ThrottlingException:http://...`)."""
    name = kind.partition(":")[0].rpartition("#")[2].strip().lower()
    status = _STATUS.get(name, status)
    if status == 400:
        text = body.lower()
        if any(phrase in text for phrase in _OPERATOR):
            status = 404
        elif any(phrase in text for phrase in _CONTEXT):
            body = _CONTEXT_BODY
    return failure(status, headers, body)
