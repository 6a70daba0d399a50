"""The plan is computed once, may be looked at with the master key, and refuses with the reason."""

import msgspec
import pytest

from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.pipeline.principal import Principal
from kaigate.stages.plan import Plan
from support.exchanges import chat_request, exchange
from support.routes import ANYONE, Routes, names, on

MASTER = Principal(key_id="k", name="master", master=True)
PRICES = {"far/a": 20, "near/b": 1}


def planned(routes=None, *, caller=ANYONE, headers=(), private=False, model="m"):
    routes = routes or Routes({"m": on("far/a", "near/b")}, prices=PRICES)
    made = exchange(chat_request("hello"), headers=headers)
    made.principal, made.private = caller, private
    made.entry = routes.catalogue.resolve(model)
    Plan(routes.planner, default_output_tokens=1000).enter(made)
    return made


def test_the_usual_exchange_gets_the_remembered_plan():
    made = planned()
    assert names(made.plan) == ["far/a", "near/b"]
    assert made.input_tokens == 0, "nothing was counted"


def test_nobody_left_is_refused():
    with pytest.raises(GatewayError) as caught:
        planned(Routes({"m": on("far/a")}), private=True)
    assert caught.value.code == "no_private_provider"


@pytest.mark.parametrize(("usd", "expected"), [(b"0.00001", ["near/b"]), (b"1", ["far/a", "near/b"])])
def test_a_client_may_limit_the_cost_of_its_request(usd, expected):
    made = planned(headers=[(b"x-kaigate-max-cost-usd", usd)])
    assert names(made.plan) == expected
    assert made.input_tokens > 0, "it was counted once, for everybody"


def test_a_ceiling_that_nobody_keeps_is_told():
    with pytest.raises(RequestInvalidError) as caught:
        planned(headers=[(b"x-kaigate-max-cost-usd", b"0")])
    assert (caught.value.code, caught.value.param) == ("invalid_request", "x-kaigate-max-cost-usd")


@pytest.mark.parametrize("value", [b"", b"-1", b"cheap", b"NaN", b"inf", b"1e99", b"0.0000000001", b"1" * 40, b"\xff"])
def test_a_ceiling_that_is_no_amount_is_refused(value):
    with pytest.raises(RequestInvalidError, match="x-kaigate-max-cost-usd"):
        planned(headers=[(b"x-kaigate-max-cost-usd", value)])


@pytest.mark.parametrize(
    ("caller", "value", "shown"), [(MASTER, b"true", True), (ANYONE, b"true", False), (MASTER, b"false", False)]
)
def test_the_master_key_may_look_at_the_plan(caller, value, shown):
    made = planned(caller=caller, headers=[(b"x-kaigate-route-debug", value)], private=True)
    headers = dict(made.response_headers)
    assert (b"x-kaigate-route" in headers) is shown
    if shown:
        told = msgspec.json.decode(headers[b"x-kaigate-route"])
        assert [item["provider"] for item in told["candidates"]] == ["near"]
        assert [item["kind"] for item in told["excluded"]] == ["zone"]
