"""An attempt is authorised by itself, whatever was planned."""

import pytest
from msgspec.structs import replace

from kaigate.chat.request import ChatRequest, HostedTool
from kaigate.pipeline.principal import Principal
from kaigate.routing.eligibility import may_attempt
from support.exchanges import chat_request, deployment

NEAR, FAR = deployment("near"), deployment("far", zone="external")
SEARCH = ChatRequest(model="m", messages=(), hosted_tools=(HostedTool("web_search", "f", {}),))


def caller(**rights) -> Principal:
    return Principal(key_id="k", name="n", **rights)


@pytest.mark.parametrize(
    ("where", "private", "who", "request_", "allowed"),
    [
        (NEAR, False, None, chat_request(), True),
        (FAR, False, caller(), chat_request(), True),
        (FAR, True, caller(), chat_request(), False),
        (NEAR, True, caller(), chat_request(), True),
        (FAR, False, caller(private_only=True), chat_request(), False),
        (FAR, False, caller(providers=("near",)), chat_request(), False),
        (NEAR, False, caller(providers=("near",)), chat_request(), True),
        (replace(NEAR, weight=0), False, caller(), chat_request(), False),
        (NEAR, False, caller(), SEARCH, False),
        (replace(NEAR, hosted_tools=frozenset({"web_search"})), False, caller(), SEARCH, True),
        (replace(NEAR, hosted_tools=frozenset({"web_search"})), False, caller(tools=("x",)), SEARCH, False),
        # What the plan calls private must be so where the socket opens, too.
        (replace(FAR, zone="private"), True, caller(), chat_request(), False),
    ],
)
def test_zone_key_and_hosted_tools_are_asked_again(where, private, who, request_, allowed):
    assert may_attempt(where, request_, who, private=private) is allowed
