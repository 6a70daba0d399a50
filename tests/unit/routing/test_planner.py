"""Plans: who may serve a request, in which order, and what excluded the others."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.content import ImageBlock, Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool, Tool
from kaigate.pipeline.principal import Principal
from kaigate.routing.catalogue import MAX_REMEMBERED
from support.exchanges import chat_request
from support.routes import ANYONE, PROVIDERS, Routes, kinds, names, on

IMAGE = ChatRequest(model="m", messages=(Message("user", (TextBlock("see"), ImageBlock(url="https://x/y.png"))),))
TOOLS = ChatRequest(model="m", messages=(), tools=(Tool("f"),))
SEARCH = ChatRequest(model="m", messages=(), hosted_tools=(HostedTool("web_search", "openai_responses", {}),))


def caller(**rights) -> Principal:
    return Principal(key_id="k", name="n", **rights)


def test_candidates_are_the_deployments_in_the_files_order():
    routes = Routes({"m": on("far/a", "near/b")})
    assert names(routes.plan()) == names(routes.quick()) == ["far/a", "near/b"]


def test_lower_orders_come_first_whatever_the_strategy():
    models = {"m": on("far/a", "near/b", "near2/c", "far2/d", strategy="cheapest")}
    for item, order in zip(models["m"]["deployments"], (1, 0, 1, 0), strict=True):
        item["order"] = order
    prices = {"far/a": 2, "near/b": 9, "near2/c": 1, "far2/d": 8}
    assert names(Routes(models, prices=prices).plan()) == ["far2/d", "near/b", "near2/c", "far/a"]


def test_the_strategy_is_the_models_own_or_the_general_one():
    models = {"m": on("far/a", "near/b"), "n": on("far/a", "near/b", strategy="ordered")}
    routes = Routes(models, prices={"far/a": 2, "near/b": 1}, strategy="cheapest")
    assert names(routes.plan("m")) == ["near/b", "far/a"]
    assert names(routes.plan("n")) == ["far/a", "near/b"]


# Zone, key, weight.


def test_a_private_request_keeps_only_private_providers():
    routes = Routes({"m": on("far/a", "near/b")})
    plan = routes.plan(private=True)
    assert (names(plan), kinds(plan)) == (["near/b"], {"far/a": "zone"})
    assert names(routes.quick(private=True)) == ["near/b"]


def test_a_private_model_is_private_whatever_is_asked():
    routes = Routes({"m": on("far/a", "near/b", private=True)})
    assert names(routes.plan()) == names(routes.quick()) == ["near/b"]


def test_a_key_keeps_its_own_providers():
    routes = Routes({"m": on("far/a", "near/b")})
    assert kinds(routes.plan(caller=caller(providers=("near",)))) == {"far/a": "provider"}
    assert names(routes.quick(caller=caller(providers=("near",)))) == ["near/b"]
    assert names(routes.quick(caller=caller(providers=("far",)))) == ["far/a"]


def test_a_weight_of_nothing_takes_a_deployment_out_of_use():
    models = {"m": on("far/a", "near/b")}
    models["m"]["deployments"][0]["weight"] = 0
    plan = Routes(models).plan()
    assert (names(plan), kinds(plan)) == (["near/b"], {"far/a": "drained"})


@given(
    st.lists(st.sampled_from(sorted(PROVIDERS)), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(sorted(PROVIDERS)), max_size=3, unique=True),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["ordered", "weighted", "cheapest", "fastest"]),
)
def test_no_plan_leaves_the_zone(own, others, of_model, asked, strategy):
    models = {
        "m": on(*(f"{name}/x" for name in own), private=of_model, strategy=strategy, fallbacks=["n"]),
        "n": on(*(f"{name}/y" for name in others or own), strategy=strategy),
    }
    routes = Routes(models)
    plans = [routes.plan(private=asked), routes.quick(private=asked)]
    for plan in plans:
        zones = {item.zone for item in plan.candidates} if plan is not None else set()
        assert zones <= {"private"} or not (of_model or asked)


# Fallbacks.


def test_fallbacks_follow_their_model_each_with_its_own_deployments():
    models = {
        "m": on("far/a", fallbacks=["n", "q"]),
        "n": on("near/b", fallbacks=["p"]),
        "p": on("near2/c"),
        "q": on("far2/d", fallbacks=["p"]),
    }
    routes = Routes(models)
    assert names(routes.plan()) == names(routes.quick()) == ["far/a", "near/b", "near2/c", "far2/d"]


def test_a_fallback_must_be_allowed_to_the_key_and_the_zone():
    models = {"m": on("near/a", fallbacks=["n", "p"]), "n": on("near/b"), "p": on("far/c", "near/d")}
    routes = Routes(models)
    plan = routes.plan(caller=caller(models=("m", "p")), private=True)
    assert names(plan) == ["near/a", "near/d"]
    assert kinds(plan) == {"near/b": "model", "far/c": "zone"}
    assert names(routes.quick(caller=caller(models=("m", "n")))) == ["near/a", "near/b"]
    assert names(routes.quick(caller=caller(models=("m", "p")))) == ["near/a", "far/c", "near/d"]


def test_a_private_fallback_stays_private():
    models = {"m": on("far/a", fallbacks=["n"]), "n": on("far/b", "near/c", private=True)}
    assert names(Routes(models).plan()) == ["far/a", "near/c"]


def test_a_fallback_keeps_its_own_ceilings():
    models = {"m": on("far/a", fallbacks=["n"]), "n": on("near/b", max_tokens=7, max_input_tokens=50)}
    routes = Routes(models)
    assert [item.max_tokens for item in routes.plan(tokens=50).candidates] == [None, 7]
    assert routes.quick() is None
    assert kinds(routes.plan(tokens=51)) == {"near/b": "context"}


# Context windows.


def window(**models):
    return Routes(
        {
            "m": on("near/small", context_tokens=100, context_fallbacks=["big"], fallbacks=["n"]),
            "big": on("far/big", context_tokens=1000),
            "n": on("near2/other"),
            **models,
        }
    )


def test_what_fits_goes_to_the_model_itself():
    assert names(window().plan(tokens=100)) == ["near/small", "near2/other"]


def test_what_is_too_long_goes_to_the_larger_model():
    plan = window().plan(tokens=101)
    assert names(plan) == ["far/big", "near2/other"]
    assert kinds(plan) == {"near/small": "context"}
    assert "101" in plan.excluded[0].reason


def test_a_larger_model_stands_in_only_once():
    routes = Routes(
        {
            "m": on("near/small", context_tokens=100, context_fallbacks=["big"], fallbacks=["big"]),
            "big": on("far/big"),
        }
    )
    assert names(routes.plan(tokens=101)) == ["far/big"]
    assert names(routes.plan(tokens=99)) == ["near/small", "far/big"]


def test_a_window_of_one_deployment_is_its_own():
    models = {"m": on("near/a", "far/b", context_tokens=100)}
    models["m"]["deployments"][1]["context_tokens"] = 500
    assert names(Routes(models).plan(tokens=300)) == ["far/b"]


def test_tokens_are_counted_only_where_they_matter():
    def never() -> int:
        raise AssertionError

    assert names(Routes({"m": on("far/a", "near/b")}).plan(tokens=never)) == ["far/a", "near/b"]


# Capabilities, parts, hosted tools.


@pytest.mark.parametrize(("request_", "lacking"), [(IMAGE, "vision"), (TOOLS, "tools")])
def test_what_a_model_cannot_do_excludes_it(request_, lacking):
    models = {"m": on("near/a", "far/b", capabilities={lacking: False})}
    models["m"]["deployments"][1]["capabilities"] = {lacking: True}
    routes = Routes(models)
    plan = routes.plan(request=request_)
    assert (names(plan), kinds(plan)) == (["far/b"], {"near/a": "capability"})
    assert plan.excluded[0].need == lacking
    assert names(routes.plan()) == ["near/a", "far/b"], "plain text needs nothing"
    assert routes.quick() is None


@pytest.mark.parametrize(
    ("providers", "routing"),
    [
        ({"far": {"type": "openai", "block_parts": ["image"]}}, {}),
        ({"far": {"type": "openai", "allow_parts": ["audio"]}}, {}),
        ({}, {"zones": {"external": {"block_parts": ["image"]}}}),
    ],
)
def test_parts_may_be_kept_from_a_provider_or_a_zone(providers, routing):
    routes = Routes({"m": on("far/a", "near/b")}, providers={**PROVIDERS, **providers}, **routing)
    plan = routes.plan(request=IMAGE)
    assert (names(plan), kinds(plan)) == (["near/b"], {"far/a": "part"})
    assert names(routes.plan()) == ["far/a", "near/b"]


def test_hosted_tools_are_off_unless_the_models_entry_allows_their_kind():
    models = {"m": on("far/a", fallbacks=["n"]), "n": on("far/b", hosted_tools=["web_search"])}
    routes = Routes(models)
    plan = routes.plan(request=SEARCH)
    assert (names(plan), kinds(plan)) == (["far/b"], {"far/a": "hosted_tool"})
    assert routes.planner.quick(routes.catalogue.resolve("m"), SEARCH, ANYONE, private=False) is None


@pytest.mark.parametrize(("tools", "allowed"), [(None, True), (("web_*",), True), (("lookup",), False), ((), False)])
def test_a_key_whose_tools_are_listed_may_have_only_those_run(tools, allowed):
    routes = Routes({"m": on("far/a", hosted_tools=["web_search"])})
    assert bool(names(routes.plan(request=SEARCH, caller=caller(tools=tools)))) is allowed


# Cost.

PRICES = {"far/a": 20, "near/b": 1, "far2/c": None}


def test_what_may_cost_more_than_the_ceiling_is_excluded():
    routes = Routes({"m": on("far/a", "near/b", "far2/c")}, prices=PRICES)
    plan = routes.plan(max_cost=1000)
    assert (names(plan), kinds(plan)) == (["near/b"], {"far/a": "cost", "far2/c": "cost"})
    assert "$0.000004" in plan.excluded[0].reason
    assert "not known" in plan.excluded[1].reason


@pytest.mark.parametrize(("of_model", "general"), [(0.000001, None), (None, 0.000001), (0.5, 0.000001)])
def test_the_ceiling_may_be_configured_and_a_client_can_only_lower_it(of_model, general):
    models = {"m": on("far/a", "near/b", max_cost_usd=of_model)}
    routes = Routes(models, prices=PRICES, max_cost_usd=general)
    assert names(routes.plan()) == names(routes.plan(max_cost=10**12)) == ["near/b"]
    assert names(routes.plan(max_cost=10)) == []
    assert routes.quick() is None


def test_no_price_is_asked_for_where_cost_does_not_matter():
    routes = Routes({"m": on("far/a", "near/b")}, prices=PRICES)
    routes.plan()
    assert not routes.priced


def test_a_candidates_own_ceiling_of_output_bounds_its_cost():
    routes = Routes({"m": on("far/a", max_tokens=10)}, prices={"far/a": 1})
    assert names(routes.plan(tokens=10, output_tokens=4096, max_cost=20)) == ["far/a"]


# Health.


def test_an_open_breaker_excludes_until_its_time_is_over():
    routes = Routes({"m": on("far/a", "near/b")}, breaker={"failures": 1})
    routes.health.failed(routes.deployment("far/a"))
    assert routes.quick() is None
    plan = routes.plan()
    assert (names(plan), kinds(plan)) == (["near/b"], {"far/a": "circuit"})
    assert plan.excluded[0].wait_s
    routes.clock.advance(13)
    assert names(routes.plan()) == ["far/a", "near/b"]


def test_a_provider_whose_check_fails_gets_nothing():
    routes = Routes({"m": on("far/a", "near/b")})
    routes.health.checked("far", well=False)
    assert routes.quick() is None
    assert kinds(routes.plan()) == {"far/a": "unhealthy"}
    routes.health.checked("far", well=True)
    assert names(routes.quick()) == ["far/a", "near/b"]


# Memory and speed.


def test_plans_are_remembered_within_bounds():
    routes = Routes({"m-*": on("near/a")})
    for number in range(MAX_REMEMBERED + 10):
        assert routes.quick(f"m-{number}")
    assert len(routes.planner._routes) == MAX_REMEMBERED


def test_the_usual_plan_costs_next_to_nothing():
    routes = Routes({"m": on("near/a")})
    entry, request = routes.catalogue.resolve("m"), chat_request()

    def work() -> None:
        routes.planner.quick(entry, request, ANYONE, private=False)

    assert routes.quick() is routes.quick()
    # About half a microsecond; the bound leaves room for a busy machine.
    assert min(timeit.repeat(work, number=2000, repeat=5)) / 2000 < 20e-6


# Pinned models.

ONE, TWO = "1" * 64, "2" * 64
NEAR = "http://127.0.0.1:11434"


def pinned(**changes) -> Routes:
    first = {"provider": "near", "model": "llama3.2:3b", "digest": f"sha256:{ONE}"}
    return Routes({"m": {"deployments": [first, {"provider": "far", "model": "a"}], **changes}})


@pytest.mark.parametrize(
    ("reported", "excluded"),
    [
        (None, {"near/llama3.2:3b": "digest"}),
        ({}, {"near/llama3.2:3b": "digest"}),
        ({"llama3.2:3b": TWO}, {"near/llama3.2:3b": "digest"}),
        ({"llama3.2:3b": ONE}, {}),
    ],
)
def test_a_pinned_deployment_is_a_candidate_while_its_digest_is_reported(reported, excluded):
    routes = pinned()
    if reported is not None:
        routes.digests.take(NEAR, reported, ["llama3.2:3b"])
    plan, quick = routes.plan(), routes.quick()
    assert kinds(plan) == excluded
    assert (quick is None) == bool(excluded)
    assert names(plan) == (["far/a"] if excluded else names(quick))


def test_a_plan_that_was_remembered_ends_with_its_digest():
    routes = pinned()
    routes.digests.take(NEAR, {"llama3.2:3b": ONE}, ["llama3.2:3b"])
    assert names(routes.quick()) == ["near/llama3.2:3b", "far/a"]
    routes.digests.take(NEAR, {"llama3.2:3b": TWO}, ["llama3.2:3b"])
    assert routes.quick() is None
    assert names(routes.plan()) == ["far/a"]


def test_a_pinned_fallback_is_checked_like_a_model():
    models = {
        "m": on("far/a", fallbacks=["n"]),
        "n": on("near/llama3.2:3b", digest=ONE),
    }
    routes = Routes(models)
    assert routes.quick() is None
    assert names(routes.plan()) == ["far/a"]
    routes.digests.take(NEAR, {"llama3.2:3b": ONE}, ["llama3.2:3b"])
    assert names(routes.quick()) == ["far/a", "near/llama3.2:3b"]
