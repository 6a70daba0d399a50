"""Output items of a response and the parts of a message, while their text arrives."""

from typing import Any, Final, Literal

Status = Literal["in_progress", "completed", "incomplete"]


class TextPart:
    """The text of a message; `index` is its place in the message."""

    __slots__ = ("annotations", "index", "logprobs", "texts")

    def __init__(self, index: int) -> None:
        self.index: Final = index
        self.texts: list[str] = []
        self.annotations: list[dict[str, Any]] = []
        self.logprobs: list[dict[str, Any]] = []

    def wire(self) -> dict[str, Any]:
        """OpenAI's `output_text`."""
        text = "".join(self.texts)
        return {"type": "output_text", "text": text, "annotations": self.annotations, "logprobs": self.logprobs}


class RefusalPart:
    """The refusal of a message; `index` is its place in the message."""

    __slots__ = ("index", "texts")

    def __init__(self, index: int) -> None:
        self.index: Final = index
        self.texts: list[str] = []

    def wire(self) -> dict[str, Any]:
        """OpenAI's `refusal`."""
        return {"type": "refusal", "refusal": "".join(self.texts)}


class MessageOutput:
    """The message of an answer; `at` is its place in the output."""

    __slots__ = ("at", "id", "parts")

    def __init__(self, item_id: str, at: int) -> None:
        self.id: Final = item_id
        self.at: Final = at
        self.parts: list[TextPart | RefusalPart] = []

    def wire(self, status: Status) -> dict[str, Any]:
        """OpenAI's `message`."""
        content = [part.wire() for part in self.parts]
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}


class ReasoningOutput:
    """One block of reasoning; its text stands in a summary, which is where clients look for it."""

    __slots__ = ("at", "encrypted", "id", "texts")

    def __init__(self, item_id: str, at: int) -> None:
        self.id: Final = item_id
        self.at: Final = at
        self.texts: list[str] = []
        self.encrypted: str | None = None

    def wire(self, status: Status) -> dict[str, Any]:  # noqa: ARG002 -- in a response this type has no status
        """OpenAI's `reasoning`."""
        summary = [self.summary()] if self.texts else []
        item: dict[str, Any] = {"id": self.id, "type": "reasoning", "summary": summary}
        if self.encrypted is not None:
            item["encrypted_content"] = self.encrypted
        return item

    def summary(self) -> dict[str, Any]:
        """The only part of its summary."""
        return {"type": "summary_text", "text": "".join(self.texts)}


class CallOutput:
    """One call of a function."""

    __slots__ = ("arguments", "at", "call_id", "id", "name")

    def __init__(self, item_id: str, at: int, call_id: str, name: str) -> None:
        self.id: Final = item_id
        self.at: Final = at
        self.call_id: Final = call_id
        self.name: Final = name
        self.arguments: list[str] = []

    def wire(self, status: Status) -> dict[str, Any]:
        """OpenAI's `function_call`."""
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": "".join(self.arguments),
        }


OutputItem = MessageOutput | ReasoningOutput | CallOutput
