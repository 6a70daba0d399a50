"""Cache points stand behind what they cache."""

from typing import Any

from kaigate.providers.bedrock_cache import CachePoints


def test_a_point_is_a_block_of_its_own() -> None:
    dropped: list[str] = []
    blocks: list[dict[str, Any]] = [{"text": "a"}]
    points = CachePoints(dropped, supported=True)
    points.add(blocks, None)
    points.add(blocks, "5m")
    points.add(blocks, "1h")
    assert blocks == [
        {"text": "a"},
        {"cachePoint": {"type": "default"}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]
    assert dropped == []


def test_nothing_is_no_prompt_to_cache() -> None:
    blocks: list[dict[str, Any]] = []
    CachePoints([], supported=True).add(blocks, "5m")
    assert blocks == []


def test_a_fifth_point_is_left_out_and_named() -> None:
    dropped: list[str] = []
    blocks: list[dict[str, Any]] = [{"text": "a"}]
    points = CachePoints(dropped, supported=True)
    for _ in range(6):
        points.add(blocks, "5m")
    assert len(blocks) == 5
    assert dropped == ["cache_control"]


def test_a_model_without_them_gets_none() -> None:
    dropped: list[str] = []
    blocks: list[dict[str, Any]] = [{"text": "a"}]
    CachePoints(dropped, supported=False).add(blocks, "5m")
    assert (blocks, dropped) == ([{"text": "a"}], ["cache_control"])
