"""What looks random."""

import pytest

from kaigate.guardrails.random_text import entropy, is_masked, is_mixed


@pytest.mark.parametrize(("text", "bits"), [("", 0), ("aaaa", 0), ("abab", 1), ("abcd", 2)])
def test_entropy_is_shannons(text, bits):
    assert entropy(text) == pytest.approx(bits)


def test_letters_and_digits_make_a_mix():
    assert is_mixed("a1")
    assert not any(map(is_mixed, ["ab", "12", "-_", "", "é1", "a٣"]))


def test_crosses_are_a_mask():
    assert is_masked("xxxx-XXXX")
    assert not is_masked("xxxx1")
