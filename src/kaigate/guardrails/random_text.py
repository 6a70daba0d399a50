"""How random a piece of text looks."""

import math
from collections import Counter


def entropy(text: str) -> float:
    """Shannon entropy in bits a character; 0 for an empty text."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())


def is_mixed(text: str) -> bool:
    """Whether there are both ASCII letters and digits, as in hardly any word of prose."""
    return any("0" <= char <= "9" for char in text) and any("A" <= char <= "Z" or "a" <= char <= "z" for char in text)


def is_masked(text: str) -> bool:
    """Whether this stands for a secret in documentation: `xxxxxxxx`."""
    return not text.strip("xX.-_")
