"""What tests of several rooms run on."""

import pytest

from support.redis_servers import MAKES, Make


@pytest.fixture(scope="module", params=MAKES, ids=lambda make: make.name)
def make(request: pytest.FixtureRequest) -> Make:
    """Each server program that is installed here."""
    return request.param
