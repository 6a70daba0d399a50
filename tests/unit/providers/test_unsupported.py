"""What an upstream lacks is refused by name, or dropped by name."""

import pytest

from kaigate.chat.request import Sampling
from kaigate.errors import RequestInvalidError
from kaigate.providers.unsupported import HINTS, refuse_or_drop, supported_sampling


def test_a_parameter_is_refused_unless_it_may_be_dropped() -> None:
    dropped: list[str] = []
    with pytest.raises(RequestInvalidError) as caught:
        refuse_or_drop("seed", dropped, drop_params=False)
    assert (caught.value.code, caught.value.param, dropped) == ("unsupported_parameter", "seed", [])
    refuse_or_drop("seed", dropped, drop_params=True)
    assert dropped == ["seed"]


@pytest.mark.parametrize("name", sorted(HINTS))
def test_a_hint_is_never_refused(name: str) -> None:
    dropped: list[str] = []
    refuse_or_drop(name, dropped, drop_params=False)
    assert dropped == [name]


def test_only_sampling_that_was_sent_counts() -> None:
    given = Sampling(temperature=0.0, seed=1)
    dropped: list[str] = []
    assert supported_sampling(given, frozenset(), dropped, drop_params=False) is given
    assert supported_sampling(given, frozenset({"top_k"}), dropped, drop_params=False) is given
    assert dropped == []
    left = supported_sampling(given, frozenset({"top_k", "temperature"}), dropped, drop_params=True)
    assert (left, dropped) == (Sampling(seed=1), ["temperature"])
