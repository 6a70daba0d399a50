"""Which response headers of an upstream may be passed on or learned from: an allowlist."""

from collections.abc import Mapping

FORWARDABLE = frozenset(
    {
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        # request ids, for a support case with the provider
        "x-request-id",
        "request-id",
        "apim-request-id",
        "x-ms-region",
        "x-amzn-requestid",
        "cf-ray",
        # what the provider says about its work
        "openai-processing-ms",
        "openai-version",
        "openai-model",
        "x-envoy-upstream-service-time",
        "azureml-model-session",
    }
)
FORWARDABLE_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
MAX_VALUE_CHARS = 256


def forwardable(headers: Mapping[str, str]) -> dict[str, str]:
    """The allowed ones of `headers` (names in lower case), without values that are long or not printable ASCII.

    `openai-organization`, `set-cookie`, `server`, `location` and all others stay behind.
    """
    return {
        name: value
        for name, value in headers.items()
        if (name in FORWARDABLE or name.startswith(FORWARDABLE_PREFIXES))
        and len(value) <= MAX_VALUE_CHARS
        and value.isascii()
        and value.isprintable()
    }
