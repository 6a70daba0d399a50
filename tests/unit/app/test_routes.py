"""The route table agrees with what other places say is served."""

from typing import get_args

import pytest

from kaigate.admin.openapi import description
from kaigate.app.routes import GREETING_PATH, MODEL_PREFIX, PROBES, ROUTES, PipelineName, grammar, manages
from kaigate.surfaces.not_served import SERVED
from kaigate.surfaces.ollama_models import MANAGEMENT_ROUTES


def test_no_route_is_listed_twice():
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_pipeline_has_a_route():
    assert {route.pipeline for route in ROUTES} | {"model", "ollama_management"} == set(get_args(PipelineName))


def test_the_help_of_unknown_paths_names_what_is_served():
    served = {route.path.decode(): route.method.decode() for route in ROUTES}
    named = [path.decode() for path in (*PROBES, GREETING_PATH) if path != b"/health/liveness"]
    probes = dict.fromkeys(named, "GET")
    assert served | probes == dict(SERVED)


def test_the_api_description_has_every_route():
    described = {(path, method) for path, methods in description()["paths"].items() for method in methods}
    served = {(route.path.decode(), route.method.decode().lower()) for route in ROUTES}
    probes = {(path.decode(), "get") for path in (*PROBES, GREETING_PATH) if path != b"/health/liveness"}
    assert described == served | probes | {(MODEL_PREFIX.decode() + "{model}", "get")}


@pytest.mark.parametrize(
    ("path", "surface"),
    [
        (b"/api", "ollama_chat"),
        (b"/api/unheard/of", "ollama_chat"),
        (b"/api/generate", "ollama_generate"),
        (b"/v1/messages", "anthropic_messages"),
        (b"/v1/messages/batches", "anthropic_messages"),
        (b"/v1/messagesx", "openai_chat"),
        (b"/apix", "openai_chat"),
        (b"/v1/responses/resp_1", "openai_chat"),
        (b"/", "openai_chat"),
    ],
)
def test_a_path_is_refused_in_the_grammar_of_those_who_ask_for_it(path, surface):
    assert grammar(path) == surface


def test_every_route_of_ollamas_that_manages_models_is_known():
    for _, path in MANAGEMENT_ROUTES:
        assert manages(path.replace("{digest}", "sha256:0").encode())
    assert not any(manages(route.path) for route in ROUTES)


def test_only_probes_need_no_key():
    assert not {route.path for route in ROUTES} & set(PROBES)
    assert all(path.startswith(b"/health") for path in PROBES)
