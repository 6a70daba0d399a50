"""What Anthropic's models differ in (source: Anthropic docs, "Models overview", "Structured outputs", "Thinking")."""

from typing import Final, Literal

import msgspec


class Abilities(msgspec.Struct, frozen=True, gc=False):
    """What one model can do.

    `thinking`: not at all, with a budget of tokens, or as much as it decides (`adaptive`, steered by an effort);
    `schema`: answers are held to a JSON Schema by the server; `xhigh`: that effort is known.
    """

    thinking: Literal["none", "budget", "adaptive"]
    schema: bool
    xhigh: bool = False


# Names begin so; the first that fits counts. A name that is none of them is a newer model.
_TABLE: Final[tuple[tuple[tuple[str, ...], Abilities], ...]] = (
    (("claude-3-7",), Abilities("budget", schema=False)),
    (("claude-2", "claude-3", "claude-instant"), Abilities("none", schema=False)),
    (
        ("claude-opus-4-0", "claude-opus-4-2", "claude-opus-4@", "claude-sonnet-4-0", "claude-sonnet-4-2"),
        Abilities("budget", schema=False),
    ),
    (("claude-sonnet-4@",), Abilities("budget", schema=False)),
    (
        ("claude-opus-4-1", "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"),
        Abilities("budget", schema=True),
    ),
    (("claude-opus-4-6", "claude-sonnet-4-6"), Abilities("adaptive", schema=True)),
)
_BARE: Final = frozenset({"claude-opus-4", "claude-sonnet-4"})
_FIRST_FOUR: Final = Abilities("budget", schema=False)
_NEWER: Final = Abilities("adaptive", schema=True, xhigh=True)
_FOREIGN: Final = Abilities("budget", schema=False)


def abilities(model: str) -> Abilities:
    """The abilities of an upstream model name; of a model that is not Claude (llama.cpp's), what every server has."""
    at = model.find("claude-")
    if at < 0:
        return _FOREIGN
    name = model[at:]
    if name in _BARE:
        return _FIRST_FOUR
    for beginnings, found in _TABLE:
        if name.startswith(beginnings):
            return found
    return _NEWER
