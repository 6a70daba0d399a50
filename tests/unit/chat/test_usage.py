"""Usage adds up."""

from kaigate.chat.usage import Usage


def test_the_total_is_input_and_output() -> None:
    assert Usage(3, 4, cached_input_tokens=2, reasoning_tokens=1).total_tokens == 7


def test_figures_of_a_provider_are_not_estimates() -> None:
    assert Usage(0, 0).estimated is False
