"""What the model families behind Bedrock differ in, told by the model id (source: user guide, "Supported models").

An application inference profile's ARN does not name its model: it is of no family and gets what every model takes.
"""

from typing import Final, Literal

Family = Literal["claude", "nova", "openai", "qwen", "titan", "cohere", "other"]

_SIGNS: Final[tuple[tuple[str, Family], ...]] = (
    ("anthropic.", "claude"),
    ("amazon.nova", "nova"),
    ("amazon.titan", "titan"),
    ("openai.", "openai"),
    ("qwen.", "qwen"),
    ("cohere.", "cohere"),
)
_FIRST_CACHING: Final = (3, 5)
_FIRST_THINKING: Final = (3, 7)
_FIRST_ADAPTIVE: Final = (4, 6)


def family(model: str) -> Family:
    """The family of a model id, an inference profile (`us.anthropic....`) or an ARN that ends in one."""
    for sign, name in _SIGNS:
        if sign in model:
            return name
    return "other"


def claude_version(model: str) -> tuple[int, int]:
    """Major and minor version: `claude-3-7-sonnet-20250219-v1:0` is (3, 7), `claude-opus-5` is (5, 0)."""
    parts = model.partition("claude-")[2].split("-")
    numbers = [int(part) for part in parts if part.isdecimal() and len(part) <= 2]
    return (*numbers, 0, 0)[0], (*numbers, 0, 0)[1]


def caches_prompt(model: str) -> bool:
    """Whether `cachePoint` blocks are understood."""
    kind = family(model)
    return kind == "nova" or (kind == "claude" and claude_version(model) >= _FIRST_CACHING)


def can_think(model: str) -> bool:
    """Whether a Claude model has extended thinking."""
    return claude_version(model) >= _FIRST_THINKING


def thinks_adaptively(model: str) -> bool:
    """Whether a Claude model takes an effort instead of a budget of thinking tokens."""
    return claude_version(model) >= _FIRST_ADAPTIVE
