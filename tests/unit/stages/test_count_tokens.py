"""Counting tokens: exactly where that is possible and cheap."""

import msgspec
import pytest

from kaigate.errors import UnavailableError
from kaigate.stages import count_tokens
from kaigate.stages.count_tokens import CountTokens
from kaigate.surfaces.anthropic_messages import count_answer
from kaigate.tokens.estimate import estimate
from kaigate.tokens.exact import ExactCounter
from support.exchanges import chat_request, exchange

COUNTER = ExactCounter(str.split)


def counted(text: str, counter: ExactCounter | None) -> int:
    made = exchange(chat_request(text))
    CountTokens(lambda: counter, count_answer).enter(made)
    assert made.static_body is not None
    return int(msgspec.json.decode(made.static_body)["input_tokens"])


def test_the_exact_counter_counts_once_it_is_there():
    text = "one two three"
    assert counted(text, COUNTER) == COUNTER.count(chat_request(text))
    assert counted(text, None) == estimate(chat_request(text))
    assert counted(text, COUNTER) != counted(text, None)


def test_what_would_take_long_is_estimated(monkeypatch):
    monkeypatch.setattr(count_tokens, "MAX_EXACT", 10)
    text = "word " * 100
    assert counted(text, COUNTER) == estimate(chat_request(text))


def test_what_was_not_parsed_is_not_counted():
    with pytest.raises(UnavailableError):
        CountTokens(lambda: None, count_answer).enter(exchange())
