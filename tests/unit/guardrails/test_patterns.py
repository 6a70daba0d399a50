"""Both engines say the same; compiled patterns are kept, and recompiled whenever the kept ones can't be used."""

import threading
import time

import pytest

from kaigate.guardrails import pattern_cache
from kaigate.guardrails.patterns import compile_patterns
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import AWS_KEY, BENIGN, FAMILIES

PATTERNS = ["AKIA[A-Z0-9]{16}", "(?i)bearer[ ]", "[0-9a-f]{4}"]


@pytest.mark.parametrize("use_hyperscan", [True, False])
def test_each_pattern_that_occurs_is_named_once(use_hyperscan):
    found = compile_patterns(PATTERNS, use_hyperscan=use_hyperscan)
    assert sorted(found.hits(f"BEARER {AWS_KEY} {AWS_KEY}".encode())) == [0, 1]
    assert list(found.hits(b"nothing")) == []
    assert list(found.hits(b"")) == []


def test_re2_redacts_what_hyperscan_redacts():
    settings = RedactionSettings(literals=("wörd (x)",))
    usual, fallback = Redactor.build(settings), Redactor.build(settings, use_hyperscan=False)
    for text in (*(text for text, _ in FAMILIES.values()), *BENIGN, "a wörd (x)"):
        assert fallback.redact(text) == usual.redact(text)


def test_a_start_with_the_cache_takes_milliseconds(tmp_path):
    cache = tmp_path / "cache"
    Redactor.build(RedactionSettings(), cache_dir=cache)
    (stored,) = cache.iterdir()
    assert cache.stat().st_mode & 0o077 == 0
    assert stored.stat().st_mode & 0o077 == 0
    start = time.process_time()
    redactor = Redactor.build(RedactionSettings(), cache_dir=cache)
    assert time.process_time() - start < 0.05
    assert redactor.redact(AWS_KEY).text == "[REDACTED_AWS_KEY]"
    Redactor.build(RedactionSettings(literals=("another",)), cache_dir=cache)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_corrupt_cache_is_compiled_again(tmp_path, damage):
    compile_patterns(PATTERNS, cache_dir=tmp_path)
    (stored,) = tmp_path.iterdir()
    good = stored.read_bytes()
    stored.write_bytes(good[:-1] + bytes([good[-1] ^ 1]) if damage is None else damage)
    assert list(compile_patterns(PATTERNS, cache_dir=tmp_path).hits(AWS_KEY.encode())) == [0]
    assert stored.read_bytes() == good


def test_a_database_that_the_library_refuses_is_compiled_again(tmp_path):
    compile_patterns(PATTERNS, cache_dir=tmp_path)
    (stored,) = tmp_path.iterdir()
    good = stored.read_bytes()
    pattern_cache.store(tmp_path, stored.stem.removeprefix("patterns-"), b"no database")
    assert list(compile_patterns(PATTERNS, cache_dir=tmp_path).hits(AWS_KEY.encode())) == [0]
    assert stored.read_bytes() == good


def test_threads_may_share_patterns():
    found = compile_patterns(PATTERNS)
    data = (b"x" * 100_000) + AWS_KEY.encode()
    wrong: list[object] = []

    def scan() -> None:
        wrong.extend(hits for _ in range(200) if (hits := list(found.hits(data))) != [0])

    threads = [threading.Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
