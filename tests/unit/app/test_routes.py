"""The route table agrees with what other places say is served."""

from typing import get_args

from kaigate.admin.openapi import description
from kaigate.app.routes import MODEL_PREFIX, PROBES, ROUTES, PipelineName
from kaigate.surfaces.not_served import SERVED


def test_no_route_is_listed_twice():
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_pipeline_has_a_route():
    assert {route.pipeline for route in ROUTES} | {"model"} == set(get_args(PipelineName))


def test_the_help_of_unknown_paths_names_what_is_served():
    served = {route.path.decode(): route.method.decode() for route in ROUTES}
    probes = dict.fromkeys((path.decode() for path in PROBES if path != b"/health/liveness"), "GET")
    assert served | probes == dict(SERVED)


def test_the_api_description_has_every_route():
    described = {(path, method) for path, methods in description()["paths"].items() for method in methods}
    served = {(route.path.decode(), route.method.decode().lower()) for route in ROUTES}
    probes = {(path.decode(), "get") for path in PROBES if path != b"/health/liveness"}
    assert described == served | probes | {(MODEL_PREFIX.decode() + "{model}", "get")}


def test_only_probes_need_no_key():
    assert not {route.path for route in ROUTES} & set(PROBES)
    assert all(path.startswith(b"/health") for path in PROBES)
