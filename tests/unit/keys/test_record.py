from kaigate.keys.record import IssuedKey, KeyChange, KeyRecord, KeyRights, LimitsChange, rights_of
from kaigate.pipeline.principal import Limits, Principal


def test_a_change_sets_what_it_says_and_null_is_a_value():
    before = KeyRights(models=("a",), tools=("t",), limits=Limits(rpm=1, tpm=2))
    after = KeyChange(models=None, limits=LimitsChange(tpm=None)).applied_to(before)
    assert after == KeyRights(models=None, tools=("t",), limits=Limits(rpm=1))
    assert KeyChange().applied_to(before) == before


def test_the_rights_of_a_caller():
    caller = Principal(
        key_id="k", name="k", team="ml", role="viewer", models=("a",), expires_at=1.5, limits=Limits(rpm=1)
    )
    rights = KeyRights(role="viewer", team="ml", models=("a",), expires_at=1500, limits=Limits(rpm=1))
    assert rights_of(caller) == rights
    assert rights_of(Principal(key_id="m", name="m", master=True)).role == "master"


def test_an_issued_key_has_no_representation():
    record = KeyRecord("id", "app", KeyRights(), "master", 1, 1, 1)
    assert repr(IssuedKey("kg-secret", record)) == "IssuedKey(id)"
