"""What a model id tells."""

import pytest

from kaigate.providers.bedrock_models import caches_prompt, can_think, claude_version, family, thinks_adaptively

PROFILE = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPAQUE = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        (PROFILE, "claude"),
        ("eu.amazon.nova-lite-v1:0", "nova"),
        ("amazon.titan-embed-text-v2:0", "titan"),
        ("cohere.embed-multilingual-v3", "cohere"),
        ("openai.gpt-oss-120b-1:0", "openai"),
        ("qwen.qwen3-32b-v1:0", "qwen"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "other"),
        (OPAQUE, "other"),
    ],
)
def test_the_family(model: str, expected: str) -> None:
    assert family(model) == expected


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("anthropic.claude-v2:1", (0, 0)),
        ("anthropic.claude-instant-v1", (0, 0)),
        ("anthropic.claude-3-haiku-20240307-v1:0", (3, 0)),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", (3, 7)),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", (4, 0)),
        (PROFILE, (4, 5)),
        ("us.anthropic.claude-sonnet-4-6", (4, 6)),
        ("global.anthropic.claude-opus-5", (5, 0)),
    ],
)
def test_the_version_of_claude(model: str, version: tuple[int, int]) -> None:
    assert claude_version(model) == version


def test_what_versions_can_do() -> None:
    assert [can_think(f"anthropic.claude-{name}") for name in ("3-5-sonnet", "3-7-sonnet")] == [False, True]
    assert [thinks_adaptively(f"anthropic.claude-{name}") for name in ("opus-4-5", "opus-4-6")] == [False, True]
    models = ("anthropic.claude-3-haiku", "anthropic.claude-sonnet-4-5", "amazon.nova-pro-v1:0", "meta.llama4", OPAQUE)
    assert [caches_prompt(model) for model in models] == [False, True, True, False, False]
