"""The defaults of a row are those of a third party about which nothing is known."""

from kaigate.providers.provider_row import ProviderRow


def test_an_unknown_server_is_external_and_gets_the_older_names() -> None:
    row = ProviderRow()
    assert (row.zone, row.auth, row.max_tokens_field) == ("external", "bearer", "max_tokens")
    assert row.base_url is None
    assert row.reasoning_field is None
