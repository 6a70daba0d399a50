"""The administration port's pages."""

import re

import httpx
import pytest

from kaigate.admin.api import admin_app
from kaigate.admin.openapi import description


@pytest.fixture(scope="module")
def app():
    """Made outside of the event loop, as when the process starts: it looks for its files."""
    return admin_app()


@pytest.fixture
async def client(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as made:
        yield made


async def test_its_health(client):
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy"})


async def test_it_describes_the_api_port(client):
    assert (await client.get("/openapi.json")).json() == description()


async def test_the_documentation_loads_nothing_from_elsewhere(client):
    page = (await client.get("/docs")).text
    assert "swagger" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*""", page)
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"'#]+)""", page)
    assert loaded
    for path in loaded:
        asset = await client.get(path)
        assert asset.status_code == 200, path
        assert len(asset.content) > 100, path


@pytest.mark.parametrize("path", ["/redoc", "/config", "/v1/models", "/metrics", "/"])
async def test_nothing_else_is_served(client, path):
    assert (await client.get(path)).status_code == 404
