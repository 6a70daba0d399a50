"""Token formats of providers, as rows of data: what their documentation or their scanners say that keys look like.

Every pattern is valid for Hyperscan and RE2 alike, begins with a fixed text, and stands alone: the character before it
is no letter or digit. `mixed` asks for letters and digits, where the alphabet alone would also match prose.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """One vendor's token."""

    vendor: str
    pattern: str
    mixed: bool = False


TOKEN_FORMATS: Final = (
    TokenFormat("anthropic", r"sk-ant-[A-Za-z0-9_-]{20,}"),
    TokenFormat("openai project", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}", mixed=True),
    TokenFormat("openrouter", r"sk-or-v1-[A-Za-z0-9]{32,}"),
    TokenFormat("openai and compatible", r"sk-[A-Za-z0-9]{20,}", mixed=True),
    TokenFormat("groq", r"gsk_[A-Za-z0-9]{40,}"),
    TokenFormat("xai", r"xai-[A-Za-z0-9]{60,}"),
    TokenFormat("replicate", r"r8_[A-Za-z0-9]{37}"),
    TokenFormat("hugging face", r"hf_[A-Za-z0-9]{30,}", mixed=True),
    TokenFormat("google", r"AIza[A-Za-z0-9_-]{35}"),
    TokenFormat("github", r"gh[pousr]_[A-Za-z0-9]{36,}"),
    TokenFormat("github fine-grained", r"github_pat_[A-Za-z0-9_]{22,}"),
    TokenFormat("gitlab", r"gl(?:pat|ptt|rt|dt|cbt|ft|soat|agent|imt|oas)-[A-Za-z0-9_-]{20,}"),
    TokenFormat("slack", r"xox[abeoprs]-[A-Za-z0-9-]{10,}", mixed=True),
    TokenFormat("slack app", r"xapp-[0-9]-[A-Za-z0-9-]{20,}"),
    TokenFormat("stripe", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    TokenFormat("npm", r"npm_[A-Za-z0-9]{36}"),
    TokenFormat("pypi", r"pypi-[A-Za-z0-9_-]{50,}"),
    TokenFormat("sendgrid", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    TokenFormat("twilio", r"SK[0-9a-f]{32}"),
    TokenFormat("digitalocean", r"do[opr]_v1_[a-f0-9]{64}"),
    TokenFormat("databricks", r"dapi[a-f0-9]{32}"),
    TokenFormat("hashicorp vault", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    TokenFormat("shopify", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    TokenFormat("age", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    TokenFormat("linear", r"lin_api_[A-Za-z0-9]{40}"),
    TokenFormat("kaigate", r"kg-[A-Za-z0-9_-]{40,}", mixed=True),
)
