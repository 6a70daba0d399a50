"""The version is pinned unless the client speaks the format; betas pass by a list."""

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_headers import VERSION, betas_of, version_of

MESSAGES = (Message("user", (TextBlock("Hi"),)),)
KNOWN = "interleaved-thinking-2025-05-14"


def request(*tools: HostedTool, **hints: str) -> ChatRequest:
    named = {f"anthropic-{name}": value for name, value in hints.items()}
    return ChatRequest("m", MESSAGES, hosted_tools=tools, hints=named)


def test_the_version_is_pinned_or_the_client_s() -> None:
    assert version_of(request(), VERSION) == "2023-06-01"
    assert version_of(request(), "2099-01-01") == "2099-01-01"
    assert version_of(request(version="2026-10-21"), VERSION) == "2026-10-21"


@pytest.mark.parametrize("version", ["", "a\r\nx-api-key: b", "ü", "1" * 65])
def test_a_version_that_is_none_is_refused(version: str) -> None:
    with pytest.raises(RequestInvalidError):
        version_of(request(version=version), VERSION)


@pytest.mark.parametrize(
    ("configured", "wanted", "expected", "dropped"),
    [
        ((), None, None, []),
        (("a", "b"), None, "a,b", []),
        ((), KNOWN, KNOWN, []),
        (("a",), f"a, {KNOWN} ,{KNOWN}", f"a,{KNOWN}", []),
        ((), "files-api-2025-04-14", None, ["anthropic-beta"]),
        ((), f"x,{KNOWN},y", KNOWN, ["anthropic-beta"]),
        ((), "code-execution-2025-08-25", None, ["anthropic-beta"]),
        ((), ",", None, []),
    ],
)
def test_betas_pass_by_a_list(
    configured: tuple[str, ...], wanted: str | None, expected: str | None, dropped: list[str]
) -> None:
    names: list[str] = []
    assert betas_of(request(**{} if wanted is None else {"beta": wanted}), configured, names) == expected
    assert names == dropped


def test_betas_of_the_provider_s_tools_pass_with_the_tool() -> None:
    tool = HostedTool("code_interpreter", "anthropic_messages", {})
    beta = "code-execution-2025-08-25"
    assert betas_of(request(tool, beta=beta), (), []) == beta
    assert betas_of(request(tool, beta="mcp-client-2025-11-20"), (), []) is None
    assert betas_of(request(tool, beta=f"{beta}\r\nx: y"), (), []) is None
    assert betas_of(request(HostedTool("image_generation", "x", {}), beta=beta), (), []) is None
