"""A request beyond the ceiling is refused with figures and a remedy; one near it gets the benefit of an exact count."""

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest
from kaigate.errors import RequestInvalidError
from kaigate.tokens.ceiling import check_ceiling
from kaigate.tokens.estimate import estimate
from kaigate.tokens.exact import ExactCounter

REQUEST = ChatRequest("m", (Message("user", (TextBlock("word " * 1000),)),))
TOKENS = estimate(REQUEST)


class Counting:
    """A tokenizer that finds this many tokens, and remembers that it was asked."""

    def __init__(self, tokens: int) -> None:
        self.asked = 0
        self.tokens = tokens

    def encode(self, text: str) -> list[int]:
        self.asked += 1
        return [0] * self.tokens


@pytest.mark.parametrize("ceiling", [None, TOKENS, TOKENS + 1])
def test_within_the_ceiling_the_estimate_is_enough(ceiling: int | None) -> None:
    counting = Counting(10**9)
    assert check_ceiling(REQUEST, ceiling, counter=ExactCounter(counting.encode)) == TOKENS
    assert counting.asked == 0


def test_beyond_the_ceiling_is_refused_with_both_figures() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        check_ceiling(REQUEST, 100)
    error = caught.value
    assert (error.code, error.status, error.param) == ("context_length_exceeded", 400, "messages")
    assert f"about {TOKENS}" in error.message
    assert "the ceiling is 100" in error.message
    assert "shorten" in error.message


def test_near_the_ceiling_the_exact_count_decides() -> None:
    assert check_ceiling(REQUEST, TOKENS - 1, counter=ExactCounter(Counting(50).encode)) < 100
    with pytest.raises(RequestInvalidError, match=r"has \d+ input tokens"):
        check_ceiling(REQUEST, TOKENS - 1, counter=ExactCounter(Counting(TOKENS).encode))


def test_far_beyond_the_ceiling_nothing_is_counted() -> None:
    counting = Counting(1)
    with pytest.raises(RequestInvalidError):
        check_ceiling(REQUEST, TOKENS // 4, counter=ExactCounter(counting.encode))
    assert counting.asked == 0
