"""Type errors are told in the client's words, and never with the client's values."""

import pytest

from kaigate.surfaces.field_errors import field_error, unknown_parameter


@pytest.mark.parametrize(
    ("message", "param", "said"),
    [
        ("Expected `str`, got `int` - at `$.messages[2].content[0].text`", "messages[2].content[0].text", "string"),
        ("Expected `float` <= 2.0 - at `$.temperature`", "temperature", "expected number <= 2.0"),
        ("Expected `int | null`, got `bool` - at `$.n`", "n", "expected integer or null, got boolean"),
        ("Object missing required field `model`", "model", "model is required"),
        ("Object missing required field `url` - at `$.messages[0].image_url`", "messages[0].image_url.url", "required"),
        ("Expected `str` matching regex '^x$' - at `key` in `$.logit_bias`", "logit_bias", "a key of logit_bias"),
        ("Expected `object`, got `array`", None, "must be a JSON object"),
        ("Number out of range - at `$.temperature`", "temperature", "number out of range"),
    ],
)
def test_the_path_and_the_expectation_are_named(message: str, param: str | None, said: str) -> None:
    error = field_error(message, {})
    assert error.param == param
    assert said in error.message
    assert error.code == "invalid_request"


def test_a_value_that_is_not_allowed_is_not_repeated() -> None:
    error = field_error("Invalid value 'hunter2' - at `$.messages[3].role`", {"messages[].role": "user or system"})
    assert error.message == "messages[3].role has a value that is not allowed; use user or system."


def test_an_unknown_field_is_named_only_where_it_is_an_identifier() -> None:
    error = field_error("Object contains unknown field `cache_control` - at `$.messages[0]`", {})
    assert (error.code, error.param) == ("unsupported_parameter", "messages[0].cache_control")
    error = field_error("Object contains unknown field `my secret` - at `$.messages[0]`", {})
    assert error.param == "messages[0]"
    assert "my secret" not in error.message


@pytest.mark.parametrize(
    ("name", "said"),
    [("temprature", "did you mean 'temperature'?"), ("zzz", "remove it"), ("a secret", "(not an identifier)")],
)
def test_an_unknown_parameter_names_the_nearest(name: str, said: str) -> None:
    error = unknown_parameter(name, ["temperature", "model"])
    assert error.code == "unsupported_parameter"
    assert said in error.message
