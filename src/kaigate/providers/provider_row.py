"""One kind of upstream as data: what differs between servers that speak one wire format."""

from typing import Literal

import msgspec

Zone = Literal["private", "external"]


class ProviderRow(msgspec.Struct, frozen=True):
    """What is particular to one kind of upstream.

    `refused` are parameters that the upstream can't honour: refused, or dropped where the configuration says so.
    `extras` are further parameters that it knows; `reasoning_field` names the field of a replayed assistant turn that
    carries its reasoning, or None where reasoning must not be sent back. `done_optional` is for servers that may end
    a stream without `[DONE]`. `embedding_encoding` is how vectors are asked for: base64 is a third of the bytes.
    """

    format: Literal["openai_chat", "ollama_chat", "anthropic_messages", "bedrock_converse"] = "openai_chat"
    base_url: str | None = None
    zone: Zone = "external"
    auth: Literal["bearer", "api-key", "x-api-key"] = "bearer"
    azure_paths: bool = False
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    developer_role: bool = False
    stream_usage: bool = True
    reasoning_field: Literal["reasoning_content", "reasoning"] | None = None
    done_optional: bool = False
    embedding_encoding: Literal["float", "base64"] = "float"
    refused: frozenset[str] = frozenset()
    extras: frozenset[str] = frozenset()
