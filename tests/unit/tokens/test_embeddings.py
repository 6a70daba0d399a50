"""Tokens of what is to be embedded, and the two ceilings that they have."""

import pytest

from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.errors import GatewayError
from kaigate.tokens.embeddings import check_ceilings, measure
from kaigate.tokens.estimate import estimate_text
from kaigate.tokens.exact import ExactCounter

HALF = ExactCounter(lambda text: [0] * (estimate_text(text) // 2))


def request(*inputs: str | tuple[int, ...]) -> EmbeddingRequest:
    return EmbeddingRequest(model="m", inputs=inputs)


def test_texts_are_estimated_and_tokens_counted() -> None:
    assert measure(request((1, 2, 3), (4,))) == (4, 3)
    assert measure(request("hello there", "x" * 100)) == (
        estimate_text("hello there") + estimate_text("x" * 100),
        estimate_text("x" * 100),
    )
    assert measure(request("aa", "bbbb"), len) == (6, 4)


@pytest.mark.parametrize(
    ("of_all", "of_one", "kept"),
    [
        (None, None, True),
        (30, 20, True),
        (30, 19, False),
        (29, 20, False),
        (None, 20, True),
        (30, None, True),
        (None, 19, False),
        (29, None, False),
    ],
)
def test_a_ceiling_of_all_and_one_of_each(of_all: int | None, of_one: int | None, *, kept: bool) -> None:
    asked = request((0,) * 20, (0,) * 10)
    if kept:
        assert check_ceilings(asked, of_all=of_all, of_one=of_one) == (30, 20)
        return
    with pytest.raises(GatewayError) as refused:
        check_ceilings(asked, of_all=of_all, of_one=of_one)
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "input")
    figure = "20 tokens" if of_one == 19 else "30 tokens"
    assert figure in refused.value.message


def test_near_a_ceiling_the_exact_count_decides() -> None:
    asked = request("word " * 100)
    estimated = measure(asked).total
    for ceiling in ({"of_all": estimated // 2 + 1, "of_one": None}, {"of_all": None, "of_one": estimated // 2 + 1}):
        assert check_ceilings(asked, **ceiling, counter=HALF).total == estimated // 2
        with pytest.raises(GatewayError) as refused:
            check_ceilings(asked, **ceiling)
        assert "about" in refused.value.message


def test_far_beyond_a_ceiling_nothing_is_counted() -> None:
    def never(_text: str) -> list[int]:
        raise AssertionError

    with pytest.raises(GatewayError):
        check_ceilings(request("word " * 1000), of_all=None, of_one=10, counter=ExactCounter(never))
