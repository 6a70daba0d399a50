"""The table of parameters is consistent, and each refusal has a remedy."""

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces import openai_chat_params
from kaigate.surfaces.openai_chat_params import CARRIED, KNOWN, refuse_unknown, refuse_values

REFUSED = sorted(openai_chat_params.REFUSED)


def test_every_parameter_of_the_official_sdk_is_known_or_refused_with_a_reason() -> None:
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

    official = set(CompletionCreateParamsStreaming.__annotations__) | {
        name for base in CompletionCreateParamsStreaming.__orig_bases__ for name in getattr(base, "__annotations__", {})
    }
    assert len(official) > 30
    assert official - KNOWN - set(REFUSED) == set()


def test_no_parameter_is_both_known_and_refused() -> None:
    assert KNOWN.isdisjoint(REFUSED)
    assert CARRIED <= KNOWN


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_parameter_and_a_remedy(name: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        refuse_unknown({"model": "m", name: 1})
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", name)
    assert len(caught.value.message.partition(": ")[2]) > 10


def test_known_parameters_pass() -> None:
    refuse_unknown(dict.fromkeys(KNOWN))
    refuse_values({"model": "m", "messages": [], "store": False, "modalities": ["text"]})
