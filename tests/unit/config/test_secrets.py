import copy
import os
import pickle

import pytest

from kaigate.config.secrets import MAX_SECRET_BYTES, Secret, SecretError, SecretRef, resolve

VALUE = "canary-" + "0123456789"


@pytest.mark.parametrize("text", ["env:OPENAI_API_KEY", "env:_X9", "file:/run/secrets/openai", "file:/a b/c"])
def test_references_read_and_print_as_written(text):
    assert str(SecretRef.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        "",
        "env:",
        "env:1X",
        "env:A B",
        "env:A-B",
        "env:" + "A" * 200,
        "ENV:X",
        "file:",
        "file:relative",
        "file:/a\nb",
        "vault:x",
    ],
)
def test_what_is_no_reference_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match=r"env:|file:") as caught:
        SecretRef.parse(text)
    assert VALUE not in str(caught.value)


def test_a_secret_never_shows_its_value():
    secret = Secret(VALUE)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", repr([secret]), repr({"a": secret})):
        assert VALUE not in text
    assert not hasattr(secret, "__dict__")
    assert secret.reveal() == VALUE


@pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy, hash])
def test_a_secret_is_neither_copied_out_nor_hashed(leak):
    with pytest.raises(TypeError):
        leak(Secret(VALUE))


def test_secrets_compare_by_value_and_with_nothing_else():
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert Secret(VALUE) != VALUE
    assert Secret("é") == Secret("é")


def test_an_environment_variable_gives_the_value():
    assert resolve(SecretRef("env", "KEY"), {"KEY": VALUE}).reveal() == VALUE


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_gives_its_text_without_the_trailing_newline(tmp_path, ending):
    path = tmp_path / "key"
    path.write_bytes((VALUE + ending).encode())
    assert resolve(SecretRef("file", str(path)), {}).reveal() == VALUE


def test_a_rotated_file_is_read_anew(tmp_path):
    path = tmp_path / "key"
    reference = SecretRef("file", str(path))
    path.write_text("one")
    first = resolve(reference, {})
    path.write_text("two")
    assert (first.reveal(), resolve(reference, {}).reveal()) == ("one", "two")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"a\nb\n", "line break"),
        (b"a\x00b", "line break"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * (MAX_SECRET_BYTES + 1), "larger than"),
    ],
)
def test_an_unusable_file_is_refused_by_name_without_its_content(tmp_path, content, reason):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretError, match=reason) as caught:
        resolve(SecretRef("file", str(path)), {})
    assert f"file:{path}" in str(caught.value)


@pytest.mark.timeout(5)
def test_a_pipe_or_a_directory_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(SecretError, match=r"regular file|cannot be read"):
            resolve(SecretRef("file", str(tmp_path / name)), {})


@pytest.mark.parametrize(("env", "reason"), [({}, "not set"), ({"KEY": ""}, "not set"), ({"KEY": "a\nb"}, "line")])
def test_an_unusable_variable_is_refused_by_name(env, reason):
    with pytest.raises(SecretError, match=rf"env:KEY: .*{reason}"):
        resolve(SecretRef("env", "KEY"), env)
