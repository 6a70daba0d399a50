"""Error replies become errors that say no more than their code."""

import pytest

from kaigate.store.errors import StoreRefused
from kaigate.store.redis.replies import MAX_DETAIL, Redirection, error_reply
from kaigate.store.redis.url import Address


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "OOM"),
        ("NOSCRIPT No matching script.", "NOSCRIPT"),
        ("ERR unknown command", "ERR"),
        ("READONLY", "READONLY"),
        ("lower case", "ERR"),
        ("", "ERR"),
        ("user_script:1: Script attempted", "ERR"),
    ],
)
def test_the_code_is_the_first_word(text, code):
    refusal = error_reply(text)
    assert isinstance(refusal, StoreRefused)
    assert refusal.code == code
    assert refusal.detail == text


def test_what_the_server_says_is_not_printed_and_is_cut():
    refusal = error_reply("ERR unknown command 'AUTH', with args beginning with: 'hunter2'" + "x" * 1000)
    assert "hunter2" not in f"{refusal} {refusal!r}"
    assert len(refusal.detail) == MAX_DETAIL


@pytest.mark.parametrize(
    ("text", "code", "slot", "address"),
    [
        ("MOVED 3999 127.0.0.1:6381", "MOVED", 3999, Address("127.0.0.1", 6381)),
        ("ASK 1 node.example:7000", "ASK", 1, Address("node.example", 7000)),
        ("MOVED 5 ::1:7000", "MOVED", 5, Address("::1", 7000)),
        ("MOVED 5 :7000", "MOVED", 5, Address("", 7000)),
    ],
)
def test_a_redirection_names_slot_and_node(text, code, slot, address):
    refusal = error_reply(text)
    assert isinstance(refusal, Redirection)
    assert (refusal.code, refusal.slot, refusal.address) == (code, slot, address)


@pytest.mark.parametrize(
    "text", ["MOVED", "MOVED x y", "MOVED 1 host", "ASK 1 host:", "MOVED 1 host:0", "ASK 1 h:70000"]
)
def test_a_broken_redirection_is_a_refusal(text):
    assert not isinstance(error_reply(text), Redirection)
