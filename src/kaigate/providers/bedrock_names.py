"""Names that Bedrock accepts for a client's names, and back: one map for each request."""

import string
from collections.abc import Iterator
from typing import Final

from kaigate.chat.content import ToolCallBlock
from kaigate.chat.request import ChatRequest

MAX_NAME: Final = 64
"""Of a tool's name and a tool call's id (source: Bedrock API reference, ToolSpecification and ToolUseBlock)."""

ANSWER_TOOL: Final = "structured_answer"

_NAME_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "_-")
_ID_CHARACTERS: Final = _NAME_CHARACTERS | {".", ":"}


class ToolNames:
    """Tool names of one request, from its tools, its tool choice and its history; the same map at every call.

    `answer_tool` is the name of the tool whose arguments are the answer, where the client asked for JSON: it is no
    tool of the client's. `offered` says whether the client lets the model call any tool.
    """

    __slots__ = ("_client", "_upstream", "answer_tool", "offered")

    def __init__(self, request: ChatRequest) -> None:
        names = dict.fromkeys(_names(request))
        self._upstream: Final = _accepted(names, _NAME_CHARACTERS)
        self._client: Final = {wire: name for name, wire in self._upstream.items()}
        choice = request.tool_choice
        self.offered: Final = bool(request.tools) and (choice is None or choice.mode != "none")
        self.answer_tool: Final = self._answer_tool(request)

    def upstream(self, name: str) -> str:
        """What Bedrock is told."""
        return self._upstream[name]

    def client(self, wire: str) -> str:
        """What the client called it; a name that nobody gave stays as it is."""
        return self._client.get(wire, wire)

    def _answer_tool(self, request: ChatRequest) -> str | None:
        wanted, choice = request.response_format, request.tool_choice
        if wanted is None or wanted.kind == "text":
            return None
        if request.tools and choice is not None and choice.mode in {"required", "named"}:
            return None  # the answer has to be a call of the client's own tool
        name = ANSWER_TOOL
        while name in self._client:
            name += "_"
        return name[:MAX_NAME]


def accepted_ids(request: ChatRequest) -> dict[str, str]:
    """An accepted id for each tool call's id of the history."""
    ids: dict[str, None] = {}
    for message in request.messages:
        if message.tool_call_id is not None:
            ids[message.tool_call_id] = None
        for block in message.blocks:
            if isinstance(block, ToolCallBlock):
                ids[block.id] = None
    return _accepted(ids, _ID_CHARACTERS)


def _names(request: ChatRequest) -> Iterator[str]:
    for tool in request.tools:
        yield tool.name
    if request.tool_choice is not None and request.tool_choice.name is not None:
        yield request.tool_choice.name
    for message in request.messages:
        for block in message.blocks:
            if isinstance(block, ToolCallBlock):
                yield block.name


def _accepted(names: dict[str, None], characters: frozenset[str]) -> dict[str, str]:
    """Names that are accepted as they are keep themselves; the others take what is left, in their order."""
    accepted = {name: name for name in names if 0 < len(name) <= MAX_NAME and characters.issuperset(name)}
    taken = set(accepted)
    for name in names:
        if name not in accepted:
            stem = "".join(char if char in characters else "_" for char in name)[:MAX_NAME] or "_"
            wire, count = stem, 2
            while wire in taken:
                ending = f"_{count}"
                wire, count = stem[: MAX_NAME - len(ending)] + ending, count + 1
            taken.add(wire)
            accepted[name] = wire
    return accepted
