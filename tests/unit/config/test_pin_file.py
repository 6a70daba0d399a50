"""A digest is written into a file without touching anything else of it."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.document import parse_document
from kaigate.config.pin_file import NotEditableError, with_digests
from kaigate.config.problems import ConfigError

ONE, TWO = "1" * 64, "2" * 64

FILE = """\
# The models of our gateway.
models:
  llama3.2:3b:    # small and quick
    # two ways to serve it
    deployments:
      - provider: near   # the old one
        weight: 2
      - {provider: near2, model: other}
    max_tokens: 100

  qwen3:8b: {max_tokens: 5}
  phi4:14b:   # nothing said yet
  "mistral:7b": {}
  gemma3:4b:
    max_tokens: 1
    digest: "sha256:OLD"  # from May
server:
  port: 4000
""".replace("OLD", TWO)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("models", "llama3.2:3b"), f"    digest: sha256:{ONE}"),
        (("models", "llama3.2:3b", "deployments", 0), f"      - digest: sha256:{ONE}"),
        (
            ("models", "llama3.2:3b", "deployments", 1),
            f"      - {{digest: sha256:{ONE}, provider: near2, model: other}}",
        ),
        (("models", "qwen3:8b"), f"  qwen3:8b: {{digest: sha256:{ONE}, max_tokens: 5}}"),
        (("models", "phi4:14b"), f"    digest: sha256:{ONE}"),
        (("models", "mistral:7b"), f'  "mistral:7b": {{digest: sha256:{ONE}}}'),
        (("models", "gemma3:4b"), f"    digest: sha256:{ONE}  # from May"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_one_line_is_written_and_every_comment_stays(path, line, newline):
    before = FILE.replace("\n", newline)
    after = with_digests(before, {path: ONE})
    assert line in after.split(newline)
    added = len(after.splitlines()) - len(before.splitlines())
    assert added in {0, 1}
    assert after.count("#") == before.count("#")
    assert after.count(newline) == after.count("\n")
    at = parse_document(after.encode(), "f").data
    for step in path:
        at = at[step]
    assert at["digest"] == f"sha256:{ONE}"


def test_several_are_written_at_once():
    paths = [("models", name) for name in ("llama3.2:3b", "qwen3:8b", "phi4:14b", "mistral:7b", "gemma3:4b")]
    data = yaml.safe_load(with_digests(FILE, dict.fromkeys(paths, ONE)))
    assert all(model["digest"] == f"sha256:{ONE}" for model in data["models"].values())
    assert data["server"] == {"port": 4000}


def test_a_file_without_a_last_line_break_is_edited():
    assert with_digests("models:\n  a:1:", {("models", "a:1"): ONE}) == f"models:\n  a:1:\n    digest: sha256:{ONE}\n"


@pytest.mark.parametrize(
    "text",
    [
        "models:\n  a: &x {max_tokens: 1}\n  b: *x\n",
        "models:\n  ? a\n  : *nothing\n",
    ],
)
def test_what_would_change_something_else_is_not_edited(text):
    with pytest.raises((NotEditableError, ConfigError)):
        with_digests(text, {("models", "a"): ONE})


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters=":.- #'\"{}"), min_size=1)
MODELS = st.dictionaries(
    NAMES,
    st.one_of(
        st.none(),
        st.just({}),
        st.fixed_dictionaries({"aliases": st.lists(NAMES, max_size=2)}),
        st.fixed_dictionaries({"max_tokens": st.integers(1, 9), "digest": st.just(f"sha256:{TWO}")}),
    ),
    min_size=1,
    max_size=3,
)


@given(MODELS, st.booleans() | st.none(), st.integers(2, 6), st.data())
def test_a_result_says_what_was_meant_or_there_is_none(models, flow, indent, data):
    text = yaml.safe_dump({"models": models, "zone": 1}, default_flow_style=flow, indent=indent, sort_keys=False)
    name = data.draw(st.sampled_from(sorted(models)))
    if parse_document(text.encode(), "f").data != {"models": models, "zone": 1}:
        return
    try:
        after = with_digests(text, {("models", name): ONE})
    except NotEditableError:
        return
    expected = {**models, name: {**(models[name] or {}), "digest": f"sha256:{ONE}"}}
    assert parse_document(after.encode(), "f").data == {"models": expected, "zone": 1}
