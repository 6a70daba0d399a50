"""Error replies of the server, and what each means for the connection and the call."""

import re
from typing import Final

from kaigate.store.errors import StoreRefused
from kaigate.store.redis.url import Address

CODE: Final = re.compile(r"[A-Z][A-Z0-9]{1,31}(?= |$)")
REDIRECTION: Final = re.compile(r"(MOVED|ASK) (\d{1,5}) (.{0,255}):(\d{1,5})(?: |$)")
MAX_DETAIL: Final = 300
# The node can't serve anybody now; another one may (or the same one, found again).
UNFIT: Final = frozenset({"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN"})


class ErrorReply(StoreRefused):
    """The server's error reply. `code` is its first word; `detail`, never printed, is its text, cut to 300 characters.

    The text may repeat keys and arguments, so it does not belong into a log.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"the store refused: {code}")
        self.code = code
        self.detail = detail


class Redirection(ErrorReply):
    """MOVED or ASK of a cluster: `slot` is served by `address`; an empty host means the host that answered."""

    def __init__(self, code: str, slot: int, address: Address) -> None:
        super().__init__(code)
        self.slot = slot
        self.address = address


def error_reply(text: str) -> ErrorReply:
    """The error for an error reply's text, without its leading `-`."""
    code = CODE.match(text)
    if code is None:
        return ErrorReply("ERR", text[:MAX_DETAIL])
    redirection = REDIRECTION.match(text)
    if redirection is not None and 0 < int(redirection[4]) < 65_536:
        address = Address(redirection[3].strip("[]"), int(redirection[4]))
        return Redirection(redirection[1], int(redirection[2]), address)
    return ErrorReply(code[0], text[:MAX_DETAIL])
