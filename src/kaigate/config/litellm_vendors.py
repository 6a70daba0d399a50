"""Which provider a LiteLLM model string means: `prefix/model`, or a bare name that says it.

Source: LiteLLM's documentation, "Providers"; the addresses are the vendors' own.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec


class Vendor(msgspec.Struct, frozen=True):
    """A provider type here, its address where the type has none, and the variable where LiteLLM looks for its key."""

    type: str
    base_url: str | None = None
    key: str | None = None


_COMPATIBLE: Final = "openai_compatible"
VENDORS: Final[dict[str, Vendor]] = {
    "openai": Vendor("openai", key="OPENAI_API_KEY"),
    "text-completion-openai": Vendor("openai", key="OPENAI_API_KEY"),
    "azure": Vendor("azure", key="AZURE_API_KEY"),
    "anthropic": Vendor("anthropic", key="ANTHROPIC_API_KEY"),
    "bedrock": Vendor("bedrock"),
    "bedrock_converse": Vendor("bedrock"),
    "ollama": Vendor("ollama"),
    "ollama_chat": Vendor("ollama"),
    "hosted_vllm": Vendor("vllm"),
    "lm_studio": Vendor("lmstudio"),
    "llamafile": Vendor("llamacpp"),
    "groq": Vendor("groq", key="GROQ_API_KEY"),
    "mistral": Vendor("mistral", key="MISTRAL_API_KEY"),
    "deepseek": Vendor("deepseek", key="DEEPSEEK_API_KEY"),
    "openrouter": Vendor("openrouter", key="OPENROUTER_API_KEY"),
    "together_ai": Vendor("together", key="TOGETHERAI_API_KEY"),
    "xai": Vendor("xai", key="XAI_API_KEY"),
    "gemini": Vendor("gemini", key="GEMINI_API_KEY"),
    "cerebras": Vendor("cerebras", key="CEREBRAS_API_KEY"),
    "openai_like": Vendor(_COMPATIBLE),
    "custom_openai": Vendor(_COMPATIBLE),
    "litellm_proxy": Vendor(_COMPATIBLE, key="LITELLM_PROXY_API_KEY"),
    "fireworks_ai": Vendor(_COMPATIBLE, "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "perplexity": Vendor(_COMPATIBLE, "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    "nvidia_nim": Vendor(_COMPATIBLE, "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "deepinfra": Vendor(_COMPATIBLE, "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "sambanova": Vendor(_COMPATIBLE, "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
}
_BARE: Final = (
    (re.compile(r"(gpt-|chatgpt|o[1-9](-|$)|text-embedding-|davinci|babbage)"), "openai"),
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"((us|eu|apac|global)\.)?(anthropic|amazon|meta|mistral|cohere|ai21)\."), "bedrock"),
)
_BEDROCK_ROUTE: Final = re.compile(r"(converse|converse_like|invoke)/")
_BEDROCK_REGION: Final = re.compile(r"([a-z]{2}(?:-[a-z]+)+-[0-9])/")
_OPENAI_HOST: Final = "api.openai.com"


class Meaning(msgspec.Struct, frozen=True):
    """What a model string says; `region` is of Bedrock."""

    vendor: Vendor
    model: str
    region: str | None = None


def meaning(model: str, custom_provider: str | None, api_base: str | None) -> Meaning | None:
    """The provider and the upstream's own name; None where there is no such provider here."""
    prefix, separator, rest = model.partition("/")
    if custom_provider is not None:
        prefix, rest = custom_provider, model.removeprefix(f"{custom_provider}/")
    elif not separator or prefix not in VENDORS:
        bare = next((name for pattern, name in _BARE if pattern.match(model)), None)
        if bare is None:
            # With an address LiteLLM speaks OpenAI's format to it; an unknown prefix is another vendor's.
            return Meaning(Vendor(_COMPATIBLE), model) if api_base and not separator else None
        prefix, rest = bare, model
    vendor = VENDORS.get(prefix)
    if vendor is None or not rest:
        return None
    if vendor.type == "bedrock":
        return _bedrock(vendor, rest)
    if vendor.type == "openai" and api_base is not None and _host(api_base) != _OPENAI_HOST:
        vendor = Vendor(_COMPATIBLE)
    return Meaning(vendor, rest)


def _bedrock(vendor: Vendor, rest: str) -> Meaning | None:
    rest = _BEDROCK_ROUTE.sub("", rest, count=1) if _BEDROCK_ROUTE.match(rest) else rest
    found = _BEDROCK_REGION.match(rest)
    model = rest[found.end() :] if found else rest
    return Meaning(vendor, model, found[1] if found else None) if model else None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def base_url(kind: str, url: str) -> str:
    """The address as a provider of that type here wants it, without the paths that its adapter adds."""
    url = url.rstrip("/")
    if kind == "anthropic":
        url = url.removesuffix("/v1/messages").removesuffix("/v1")
    elif kind == "ollama":
        url = url.removesuffix("/v1").removesuffix("/api")
    elif kind not in {"azure", "bedrock"}:
        url = url.removesuffix("/chat/completions")
    return url
