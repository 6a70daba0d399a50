"""The Lua sources."""

from kaigate.limits import budget, reservations, verdicts
from kaigate.limits.scripts import CHUNK_ENTRIES, SCRIPTS, Scripts


def test_every_script_is_the_prelude_and_its_own_file():
    every = (SCRIPTS.admit, SCRIPTS.settle, SCRIPTS.renew, SCRIPTS.expire, SCRIPTS.restore)
    assert len({script.sha1 for script in every}) == len(every)
    for script in every:
        assert script.source.startswith(b"-- What the scripts share")
        assert b"$" not in script.source
    assert f"local CHUNK_SIZE = {CHUNK_ENTRIES} *".encode() in SCRIPTS.admit.source
    assert b"local CHUNK_SIZE = 7 *" in Scripts(7).admit.source


def test_both_stores_use_the_same_times():
    source = SCRIPTS.admit.source.decode()
    assert budget.GRACE_MS == reservations.CHARGED_MS == 2 * 86_400_000
    assert "local DAY_MS = 86400000\nlocal GRACE_MS = 2 * DAY_MS " in source
    assert "local CHARGED_MS = 2 * DAY_MS " in source
    assert f"local SETTLED_MS = {reservations.SETTLED_MS} " in source
    assert f"need(position, {verdicts.PARALLEL_RETRY_MS})" in source
