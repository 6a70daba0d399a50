import pytest

from kaigate.config.problems import ConfigError, Problem, nearest, render, shown, suggestion


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("server", "port"), "server.port"),
        (("models", "gpt-3.5", "aliases", 0), 'models["gpt-3.5"].aliases[0]'),
        (("models", "llama*"), 'models["llama*"]'),
        (("a b",), '["a b"]'),
        (("providers", "sk-" + "abcdefghijkl"), 'providers["..."]'),
    ],
)
def test_paths_are_rendered_so_that_each_step_can_be_told(path, text):
    assert render(path) == text


def test_problem_names_file_line_column_path_and_message():
    assert str(Problem("gateway.yaml", 3, 7, "server.port", "is wrong")) == "gateway.yaml:3:7: server.port: is wrong"


def test_problem_without_a_position_still_names_its_file():
    assert str(Problem("gateway.yaml", 0, 0, "", "cannot be read")) == "gateway.yaml: cannot be read"


def test_an_error_lists_each_problem_once_in_the_order_of_the_file():
    later, earlier = Problem("f", 9, 1, "", "b"), Problem("f", 2, 1, "", "a")
    error = ConfigError([later, earlier, later])
    assert error.problems == (earlier, later)
    assert str(error) == "f:2:1: a\nf:9:1: b"


@pytest.mark.parametrize(
    ("wrong", "valid", "expected"),
    [
        ("prot", ["host", "port"], "port"),
        ("PORT", ["host", "port"], "port"),
        ("zzz", ["host", "port"], None),
        ("x", [], None),
    ],
)
def test_nearest_finds_what_was_meant(wrong, valid, expected):
    assert nearest(wrong, valid) == expected


def test_suggestion_lists_the_valid_names_where_none_is_near():
    assert suggestion("prot", ["port"]) == ' (did you mean "port"?)'
    assert suggestion("zzz", ["host", "port"]) == " (valid: host, port)"
    assert suggestion("zzz", []) == ""
    assert suggestion("zzz", [f"name{i}" for i in range(30)]).endswith("name19, ...)")


def test_what_looks_like_a_credential_or_a_control_sequence_is_not_shown():
    assert shown("kg-" + "a" * 20) == "..."
    assert shown("a" * 81) == "..."
    assert shown("a\x1b[31mb") == "a?[31mb"
    assert shown("llama3.2:3b") == "llama3.2:3b"
