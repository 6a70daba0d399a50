"""Formats of API keys, as rows of data: a new provider is one more row.

`head` is a fixed beginning and as many characters as every key of this format has at least; `grows` are the characters
of what may follow. Lengths are those that the providers, or the scanners they cooperate with, document.
"""

from dataclasses import dataclass
from typing import Final

from kaigate.guardrails.characters import ALNUM, BASE64, BASE64_URL, HEX

_WORD: Final = ALNUM + "_"
_DOTTED: Final = BASE64_URL + "."


@dataclass(frozen=True, slots=True)
class KeyFormat:
    """One vendor's kind of key. `mixed`: letters and digits, since words could look like it."""

    vendor: str
    head: str
    grows: str = ALNUM
    mixed: bool = False


KEY_FORMATS: Final = (
    KeyFormat("age", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    KeyFormat("anthropic", r"sk-ant-[A-Za-z0-9_-]{20}", BASE64_URL),
    KeyFormat("aws bedrock", r"ABSK[A-Za-z0-9+/]{100}", BASE64 + "="),
    KeyFormat("cloudflare", r"cf(?:ut|at|k)_[A-Za-z0-9]{40}"),
    KeyFormat("databricks", r"dapi[0-9a-f]{32}", HEX + "-"),
    KeyFormat("digitalocean", r"do[opr]_v1_[0-9a-f]{64}"),
    KeyFormat("docker", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20}", BASE64_URL),
    KeyFormat("doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{40}", _DOTTED),
    KeyFormat("figma", r"fig[dou]r?_[A-Za-z0-9_-]{36}", BASE64_URL),
    KeyFormat("github", r"gh[opsur]_[A-Za-z0-9_]{36}", _WORD),
    KeyFormat("github fine-grained", r"github_pat_[A-Za-z0-9_]{22}", _WORD),
    KeyFormat("gitlab", r"gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|rtr|soat|wt)-[A-Za-z0-9_-]{20}", _DOTTED),
    KeyFormat("gitlab runner", r"GR1348941[A-Za-z0-9_-]{20}", BASE64_URL),
    KeyFormat("google", r"AIza[A-Za-z0-9_-]{35}", BASE64_URL),
    KeyFormat("google oauth", r"GOCSPX-[A-Za-z0-9_-]{28}", BASE64_URL),
    KeyFormat("google access", r"ya29\.[A-Za-z0-9_-]{20}", _DOTTED),
    KeyFormat("grafana", r"gl(?:sa|c)_[A-Za-z0-9+/]{32}", BASE64 + "=_"),
    KeyFormat("groq", r"gsk_[A-Za-z0-9]{40}"),
    KeyFormat("hugging face", r"(?:hf|api_org)_[A-Za-z0-9]{30}"),
    KeyFormat("kaigate", r"kg-[A-Za-z0-9_-]{32}", BASE64_URL, mixed=True),
    KeyFormat("langfuse", r"sk-lf-[0-9a-f-]{36}", HEX + "-"),
    KeyFormat("linear", r"lin_(?:api|oauth)_[A-Za-z0-9]{40}"),
    KeyFormat("new relic", r"NRAK-[A-Z0-9]{27}"),
    KeyFormat("npm", r"npm_[A-Za-z0-9]{36}"),
    KeyFormat("nvidia", r"nvapi-[A-Za-z0-9_-]{40}", BASE64_URL),
    KeyFormat("openai", r"sk-[A-Za-z0-9]{20}"),
    KeyFormat("openai project", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}", BASE64_URL),
    KeyFormat("openrouter", r"sk-or-v1-[0-9A-Za-z]{32}"),
    KeyFormat("perplexity", r"pplx-[A-Za-z0-9]{40}"),
    KeyFormat("posthog", r"ph[cx]_[A-Za-z0-9]{40}"),
    KeyFormat("postman", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    KeyFormat("pulumi", r"pul-[0-9a-f]{40}"),
    KeyFormat("pypi", r"pypi-AgE[A-Za-z0-9_-]{16}", BASE64_URL),
    KeyFormat("pypi", r"pypi-[A-Za-z0-9_-]{50}", BASE64_URL, mixed=True),
    KeyFormat("replicate", r"r8_[A-Za-z0-9]{37}"),
    KeyFormat("rubygems", r"rubygems_[0-9a-f]{48}"),
    KeyFormat("sendgrid", r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16}", BASE64_URL),
    KeyFormat("shopify", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    KeyFormat("slack", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10}", ALNUM + "-", mixed=True),
    KeyFormat("slack app", r"xapp-[0-9]-[A-Za-z0-9-]{16}", ALNUM + "-"),
    KeyFormat("slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/]{20})", BASE64),
    KeyFormat("sonar", r"sq[pua]_[0-9a-f]{40}"),
    KeyFormat("square", r"sq0(?:atp-[A-Za-z0-9_-]{22}|c[a-z]p-[A-Za-z0-9_-]{43})", BASE64_URL),
    KeyFormat("stripe", r"[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10}"),
    KeyFormat("stripe webhook", r"whsec_[A-Za-z0-9+/]{24}", BASE64 + "="),
    KeyFormat("supabase", r"sb(?:p|_secret)_[A-Za-z0-9_-]{31}", BASE64_URL),
    KeyFormat("tavily", r"tvly-[A-Za-z0-9-]{24}", ALNUM + "-", mixed=True),
    KeyFormat("telegram", r"[0-9]{8,10}:A[A-Za-z0-9_-]{34}", BASE64_URL),
    KeyFormat("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60}", BASE64_URL + "="),
    KeyFormat("vault", r"hv[bsr]\.[A-Za-z0-9_-]{24}", BASE64_URL),
    KeyFormat("xai", r"xai-[A-Za-z0-9]{60}"),
)
