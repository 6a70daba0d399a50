"""What the ledger decides without a database; the rest is in integration/ledger."""

import pytest

from kaigate.ledger.sql import _one_per_id
from support.usage_records import usage_record

GUESS, OTHER_GUESS = usage_record(estimated=True, nanodollars=1), usage_record(estimated=True, nanodollars=2)
TRUTH, OTHER_TRUTH = usage_record(nanodollars=3), usage_record(nanodollars=4)


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        ([], []),
        ([GUESS, OTHER_GUESS], [GUESS]),
        ([GUESS, TRUTH], [TRUTH]),
        ([TRUTH, GUESS], [TRUTH]),
        ([TRUTH, OTHER_TRUTH], [TRUTH]),
        ([usage_record(id="a"), TRUTH], [usage_record(id="a"), TRUTH]),
    ],
)
def test_one_record_of_an_id_is_stored(records, kept):
    assert list(_one_per_id(records).values()) == kept
