"""Routing settings mean what the rest of the gateway takes them to mean."""

from typing import get_args, get_type_hints

import pytest

from kaigate.chat.request import HostedTool
from kaigate.config.routing_settings import HostedKind, PartRules


def test_hosted_tools_are_those_of_the_chat_model():
    assert set(get_args(HostedKind)) == set(get_args(get_type_hints(HostedTool)["kind"]))


@pytest.mark.parametrize(
    ("rules", "blocked"),
    [
        (PartRules(), set()),
        (PartRules(block_parts=("image",)), {"image"}),
        (PartRules(allow_parts=("image",)), {"audio", "document"}),
        (PartRules(allow_parts=()), {"image", "audio", "document"}),
        (PartRules(allow_parts=("image", "audio"), block_parts=("document",)), {"document"}),
    ],
)
def test_parts_are_blocked_by_either_list(rules, blocked):
    assert rules.blocked() == blocked
