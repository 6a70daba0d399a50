"""The client surface `POST /v1/moderations` (source: OpenAI API reference, "Create moderation").

Only the gateway's own category is judged: `secrets`. OpenAI's categories are in the answer, because its clients'
types require them, with false, 0 and no input type that they were applied to. Who asks has to name the model, so that
nobody takes that for a verdict of OpenAI's.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.strict_struct import StrictDecoder

MODEL: Final = "kaigate-secrets"
SECRETS: Final = "secrets"
MAX_INPUTS: Final = 256
MAX_CHARACTERS: Final = 1_000_000
"""Of all inputs together: they are searched while nothing else is served."""

_NOT_JUDGED: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)

_encode: Final = msgspec.json.Encoder().encode


class ModerationPart(msgspec.Struct, forbid_unknown_fields=True):
    """A part of one input; images are refused."""

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: Any = None


class ModerationBody(msgspec.Struct, forbid_unknown_fields=True):
    """`input` is one text, texts with a verdict each, or the parts of one input."""

    input: str | list[str | ModerationPart]
    model: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


_BODY: Final = StrictDecoder(ModerationBody, allowed={"input.type": "text or image_url"})


def decode_moderation(body: bytes, *, max_depth: int) -> list[list[str]]:
    """The texts of each input, of which there is at least one; raises `RequestInvalidError` with the remedy."""
    wire = _BODY.decode(body, max_depth=max_depth)
    if wire.model != MODEL:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"The only moderation here is of secrets such as keys and passwords: send model '{MODEL}'. Hate, "
            "violence and the like are not judged.",
            param="model",
        )
    inputs = [[wire.input]] if isinstance(wire.input, str) else _inputs(wire.input)
    if sum(len(text) for texts in inputs for text in texts) > MAX_CHARACTERS:
        raise RequestInvalidError(
            "request_too_large", f"The inputs have more than {MAX_CHARACTERS} characters; send less.", param="input"
        )
    return inputs


def _inputs(given: list[str | ModerationPart]) -> list[list[str]]:
    if not 0 < len(given) <= MAX_INPUTS:
        raise RequestInvalidError("invalid_request", f"input must have 1 to {MAX_INPUTS} items.", param="input")
    texts = [each for each in given if isinstance(each, str)]
    if len(texts) == len(given):
        return [[text] for text in texts]
    return [[_text(each, f"input[{index}]") for index, each in enumerate(given)]]


def _text(part: str | ModerationPart, path: str) -> str:
    if isinstance(part, str):
        raise RequestInvalidError("invalid_request", "input must be texts or parts, not both.", param=path)
    if part.type == "image_url":
        raise RequestInvalidError(
            "unsupported_parameter", f"{path} is an image; only texts are searched.", param=f"{path}.type"
        )
    if part.text is None or part.image_url is not None:
        raise RequestInvalidError("invalid_request", f"{path} must have text and nothing else.", param=f"{path}.text")
    return part.text


def encode_moderation(inputs: list[list[str]], has_secret: Callable[[str], bool], request_id: str) -> bytes:
    """The body of the answer: a verdict for each input, in their order."""
    results = [_result(flagged=any(has_secret(text) for text in texts)) for texts in inputs]
    return _encode({"id": f"modr-{request_id}", "model": MODEL, "results": results})


def _result(*, flagged: bool) -> dict[str, Any]:
    return {
        "flagged": flagged,
        "categories": {SECRETS: flagged, **dict.fromkeys(_NOT_JUDGED, False)},
        "category_scores": {SECRETS: float(flagged), **dict.fromkeys(_NOT_JUDGED, 0.0)},
        "category_applied_input_types": {SECRETS: ["text"], **dict.fromkeys(_NOT_JUDGED, ())},
    }
