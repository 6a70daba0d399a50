"""No method, path, name or value can add a header or a second request."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.transport.errors import InvalidRequest
from kaigate.transport.request import RESERVED, HeadEncoder


def encode(
    method: str = "POST", path: str = "/v1/x", headers: list[tuple[bytes, bytes]] | None = None, length: int = 3
) -> bytes:
    return HeadEncoder("h:80").encode(method, path, headers or [], length)


def test_a_head_has_the_clients_own_framing_headers() -> None:
    assert encode(headers=[(b"Authorization", b"Bearer x")]) == (
        b"POST /v1/x HTTP/1.1\r\nhost: h:80\r\naccept-encoding: identity\r\nAuthorization: Bearer x\r\n"
        b"content-length: 3\r\n\r\n"
    )


@pytest.mark.parametrize(("method", "length", "present"), [("POST", 0, True), ("GET", 0, False), ("GET", 2, True)])
def test_the_length_is_written_where_a_body_is_or_could_be(method: str, length: int, present: bool) -> None:
    assert (b"content-length: %d\r\n" % length in encode(method, length=length)) is present


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"a", b"b\r\nevil: 1"), (b"a", b"b\nevil: 1"), (b"a", b"b\rc"), (b"a", b"b\x00"), (b"a", b"b\x7f"),
        (b"a", b"\x01"), (b"a", b"b\r\n\r\nGET / HTTP/1.1"), (b"a\r\nx", b"b"), (b"a:b", b"c"), (b"a b", b"c"),
        (b"", b"c"), (b"a\x00", b"c"), ("\u00e9".encode(), b"c"), (b" a", b"c"), (b"a\n", b""),
    ],
)  # fmt: skip
def test_a_header_that_could_split_the_request_is_refused_without_repeating_it(name: bytes, value: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode(headers=[(b"ok", b"fine"), (name, value)])
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_framing_headers_are_the_clients_alone(name: bytes) -> None:
    with pytest.raises(InvalidRequest):
        encode(headers=[(name.title(), b"1")])


@pytest.mark.parametrize("path", ["", "x", "/a b", "/a\r\nx: y", "/\x00", "/\u00e9", "/a#b", "http://other/", "/a\tb"])
def test_a_path_that_could_split_the_request_line_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest):
        encode(path=path)


@pytest.mark.parametrize("method", ["", "post", "CONNECT", "TRACE", "GET /x HTTP/1.1\r\n", "PO ST"])
def test_a_method_that_is_not_listed_is_refused(method: str) -> None:
    with pytest.raises(InvalidRequest):
        encode(method)


def test_the_kept_block_never_serves_another_request() -> None:
    encoder = HeadEncoder("h:80")
    first = encoder.encode("POST", "/a", [(b"authorization", b"one")], 1)
    assert encoder.encode("POST", "/a", [(b"authorization", b"two")], 1) == first.replace(b"one", b"two")
    assert encoder.encode("POST", "/b", [(b"authorization", b"two")], 2).startswith(b"POST /b ")
    with pytest.raises(InvalidRequest):
        encoder.encode("POST", "/b", [(b"authorization", b"two\r\n")], 2)
    assert encoder.encode("POST", "/a", [(b"authorization", b"one")], 1) == first


@given(
    st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=4),
    st.text(max_size=12).map(lambda text: "/" + text),
)
def test_whatever_is_accepted_reads_back_as_the_same_request(headers: list[tuple[bytes, bytes]], path: str) -> None:
    try:
        head = encode(path=path, headers=headers, length=1)
    except InvalidRequest:
        return
    server = h11.Connection(h11.SERVER)
    server.receive_data(head + b"x")
    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert request.target == path.encode()
    sent = [(name.lower(), value.strip(b" \t")) for name, value in headers]
    assert list(request.headers)[2:-1] == sent
    assert isinstance(server.next_event(), h11.Data)
    assert isinstance(server.next_event(), h11.EndOfMessage)
