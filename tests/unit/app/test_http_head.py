"""Bytes of response heads."""

import time

import pytest

from kaigate.app.http_head import STATUS_LINES, DateLine, whole


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK\r\n"),
        (404, b"HTTP/1.1 404 Not Found\r\n"),
        (429, b"HTTP/1.1 429 Too Many Requests\r\n"),
        (431, b"HTTP/1.1 431 Request Header Fields Too Large\r\n"),
        (504, b"HTTP/1.1 504 Gateway Timeout\r\n"),
    ],
)
def test_status_lines_carry_their_phrase(status, line):
    assert STATUS_LINES[status] == line


def test_a_whole_response_is_framed_by_its_length():
    assert whole(200, b"date: d\r\n", b"a: b\r\n", b"body", close=False) == (
        b"HTTP/1.1 200 OK\r\ndate: d\r\na: b\r\ncontent-length: 4\r\n\r\nbody"
    )
    assert b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" in whole(200, b"", b"a: b\r\n", b"", close=True)


def test_the_date_changes_with_the_second_and_only_then(monkeypatch):
    now = [1_000_000_000.25]
    monkeypatch.setattr(time, "time", lambda: now[0])
    date = DateLine()
    first = date.now()
    assert first == b"date: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
    now[0] += 0.7
    assert date.now() is first
    now[0] += 0.1
    assert date.now() == b"date: Sun, 09 Sep 2001 01:46:41 GMT\r\n"
