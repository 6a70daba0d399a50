"""The kinds of upstream that a configuration may name, as rows of data.

A vendor that differs from OpenAI only in address and flags is a row here. Addresses: the vendors' own pages on
OpenAI compatibility. Private are servers that the operator runs; everything else leaves for a third party.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kaigate.providers.anthropic import Anthropic
from kaigate.providers.bedrock import Bedrock
from kaigate.providers.ollama import Ollama
from kaigate.providers.openai import OpenAICompatible
from kaigate.providers.provider import Provider, Signer
from kaigate.providers.provider_row import ProviderRow

_OPENAI_EXTRAS: Final = frozenset(
    {
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "verbosity",
    }
)
_SAMPLER_EXTRAS: Final = frozenset({"typical_p", "mirostat", "mirostat_tau", "mirostat_eta", "ignore_eos"})
_VLLM_EXTRAS: Final = frozenset(
    {
        "chat_template_kwargs",
        "ignore_eos",
        "include_reasoning",
        "include_stop_str_in_output",
        "min_tokens",
        "repetition_penalty",
        "skip_special_tokens",
        "stop_token_ids",
    }
)
_LLAMACPP_EXTRAS: Final = _SAMPLER_EXTRAS | {"chat_template_kwargs", "repeat_penalty", "repeat_last_n"}
_NOT_OPENAI: Final = frozenset({"top_k", "min_p"})

_OPENAI: Final = ProviderRow(
    base_url="https://api.openai.com/v1",
    max_tokens_field="max_completion_tokens",
    developer_role=True,
    embedding_encoding="base64",
    refused=_NOT_OPENAI,
    extras=_OPENAI_EXTRAS,
)

ROWS: Final[Mapping[str, ProviderRow]] = MappingProxyType(
    {
        "openai": _OPENAI,
        "azure": ProviderRow(
            auth="api-key",
            azure_paths=True,
            max_tokens_field="max_completion_tokens",
            developer_role=True,
            embedding_encoding="base64",
            refused=_NOT_OPENAI,
            extras=_OPENAI_EXTRAS,
        ),
        "openai_compatible": ProviderRow(done_optional=True),
        "vllm": ProviderRow(
            base_url="http://127.0.0.1:8000/v1",
            zone="private",
            max_tokens_field="max_completion_tokens",
            reasoning_field="reasoning",
            extras=_VLLM_EXTRAS,
        ),
        "llamacpp": ProviderRow(
            base_url="http://127.0.0.1:8080/v1",
            zone="private",
            reasoning_field="reasoning_content",
            extras=_LLAMACPP_EXTRAS,
        ),
        "lmstudio": ProviderRow(
            base_url="http://127.0.0.1:1234/v1", zone="private", extras=frozenset({"repeat_penalty"})
        ),
        "groq": ProviderRow(
            base_url="https://api.groq.com/openai/v1",
            max_tokens_field="max_completion_tokens",
            refused=_NOT_OPENAI,
            extras=frozenset({"service_tier", "include_reasoning"}),
        ),
        "mistral": ProviderRow(
            base_url="https://api.mistral.ai/v1",
            stream_usage=False,
            refused=_NOT_OPENAI | {"seed", "logit_bias", "logprobs", "top_logprobs", "user", "reasoning_effort"},
        ),
        "deepseek": ProviderRow(
            base_url="https://api.deepseek.com", refused=_NOT_OPENAI, extras=frozenset({"thinking"})
        ),
        "openrouter": ProviderRow(
            base_url="https://openrouter.ai/api/v1", extras=frozenset({"repetition_penalty", "include_reasoning"})
        ),
        "together": ProviderRow(
            base_url="https://api.together.xyz/v1", extras=frozenset({"repetition_penalty", "chat_template_kwargs"})
        ),
        "xai": ProviderRow(base_url="https://api.x.ai/v1", refused=_NOT_OPENAI),
        "gemini": ProviderRow(base_url="https://generativelanguage.googleapis.com/v1beta/openai", refused=_NOT_OPENAI),
        "cerebras": ProviderRow(
            base_url="https://api.cerebras.ai/v1", max_tokens_field="max_completion_tokens", refused=_NOT_OPENAI
        ),
        "anthropic": ProviderRow(format="anthropic_messages", base_url="https://api.anthropic.com", auth="x-api-key"),
        "bedrock": ProviderRow(format="bedrock_converse"),
        "ollama": ProviderRow(format="ollama_chat", base_url="http://127.0.0.1:11434", zone="private"),
    }
)


def build(
    name: str,
    type: str,  # noqa: A002 -- the configuration's word
    *,
    api_key: str | None = None,
    api_version: str | None = None,
    organization: str | None = None,
    headers: Mapping[str, str] | None = None,
    drop_params: bool = False,
    num_ctx: int | None = None,
    signer: Signer | None = None,
) -> Provider:
    """The provider of one configured upstream; raises `KeyError` for a type that is not in `ROWS`."""
    row = ROWS[type]
    if row.format == "anthropic_messages":
        return Anthropic(name, api_key=api_key, api_version=api_version, headers=headers, drop_params=drop_params)
    if row.format == "bedrock_converse":
        return Bedrock(name, api_key=api_key, signer=signer, headers=headers, drop_params=drop_params)
    if row.format == "ollama_chat":
        return Ollama(name, api_key=api_key, headers=headers, drop_params=drop_params, num_ctx=num_ctx)
    return OpenAICompatible(
        name,
        row,
        api_key=api_key,
        api_version=api_version,
        organization=organization,
        headers=headers,
        drop_params=drop_params,
    )
