from urllib.parse import urlsplit

from kaigate.config.check_providers import url_problem
from kaigate.config.provider_types import ProviderTypes
from kaigate.providers.registry import ROWS


def test_the_registry_is_what_the_cross_checks_expect():
    types: ProviderTypes = ROWS
    for row in types.values():
        assert row.zone in {"private", "external"}
        assert row.base_url is None or url_problem(row.base_url) is None


def test_no_vendor_is_called_unencrypted():
    for row in ROWS.values():
        if row.base_url is not None and row.zone == "external":
            assert urlsplit(row.base_url).scheme == "https"
