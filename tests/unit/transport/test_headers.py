"""Only listed upstream headers get past the transport."""

import pytest

from kaigate.transport.headers import forwardable


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("retry-after", True),
        ("retry-after-ms", True),
        ("x-request-id", True),
        ("openai-processing-ms", True),
        ("x-ratelimit-remaining-tokens", True),
        ("anthropic-ratelimit-tokens-reset", True),
        ("set-cookie", False),
        ("server", False),
        ("location", False),
        ("openai-organization", False),
        ("openai-project", False),
        ("authorization", False),
        ("x-api-key", False),
        ("content-length", False),
        ("transfer-encoding", False),
        ("connection", False),
        ("content-type", False),
        ("via", False),
        ("access-control-allow-origin", False),
        ("strict-transport-security", False),
        ("x-kaigate-provider", False),
        ("x-unknown", False),
    ],
)
def test_a_header_passes_only_when_it_is_listed(name: str, passes: bool) -> None:
    assert forwardable({name: "1"}) == ({name: "1"} if passes else {})


@pytest.mark.parametrize("value", ["x" * 257, "a\r\nset-cookie: b", "a\x00", "caf\u00e9", "a\tb"])
def test_a_listed_header_with_a_strange_value_stays_behind(value: str) -> None:
    assert forwardable({"x-request-id": value, "retry-after": "2"}) == {"retry-after": "2"}
