"""Secret-looking texts, assembled at run time so that scanners stay quiet; none was ever valid."""

import base64
import json

HEX32 = "0f1e2d3c" * 4
ALNUM = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA"


def segment(value: object) -> str:
    """A base64url segment of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(claims: dict[str, object]) -> str:
    """An unsigned-looking JWT with these claims."""
    return f"{segment({'alg': 'RS256', 'typ': 'JWT'})}.{segment(claims)}.{ALNUM}{ALNUM}"


JWT = jwt({"sub": "1234567890", "name": "N"})
K8S = jwt({"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:default:x"})
K8S_PROJECTED = jwt({"iss": "https://oidc.example", "kubernetes.io": {"namespace": "default"}})
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI" + "/K7MDENG/bPxRfiCYEXAMPLEKEY"
PRIVATE_KEY = "\n".join(
    ["-----BEGIN RSA " + "PRIVATE KEY-----", "MIIEow" + "IBAAKCAQEA" * 5, "ab/+==", "-----END RSA PRIVATE KEY-----"]
)
GITHUB = "ghp_" + ALNUM + "abcd"

# name -> (text with the secret in it, the text as it must come out)
FAMILIES: dict[str, tuple[str, str]] = {
    "aws_key": (f"The key {AWS_KEY}, ok", "The key [REDACTED_AWS_KEY], ok"),
    "aws_key_assigned": (f"export AWS_ACCESS_KEY_ID={AWS_KEY}\n", "export AWS_ACCESS_KEY_ID=[REDACTED_AWS_KEY]\n"),
    "jwt": (f"token: {JWT}.", "token: [REDACTED_JWT]."),
    "k8s_token": (f"sa {K8S} end", "sa [REDACTED_K8S_TOKEN] end"),
    "k8s_projected": (f"sa {K8S_PROJECTED} end", "sa [REDACTED_K8S_TOKEN] end"),
    "private_key": (f"here:\n{PRIVATE_KEY}\nkeep it", "here:\n[REDACTED_PRIVATE_KEY]\nkeep it"),
    "postgres": ("at postgres://app:s3cr3t@db.example:5432/x now", "at postgres://[REDACTED]@db.example:5432/x now"),
    "postgres_driver": ("postgresql+asyncpg://a:b@h/d", "postgresql+asyncpg://[REDACTED]@h/d"),
    "mongodb": ("mongodb+srv://u:p%40ss@c0.example.net/?w=1", "mongodb+srv://[REDACTED]@c0.example.net/?w=1"),
    "mysql": ("DSN=mysql://root:to/or@127.0.0.1/db", "DSN=mysql://[REDACTED]@127.0.0.1/db"),
    "redis": ("redis://:pass@cache:6379/0 ", "redis://[REDACTED]@cache:6379/0 "),
    "amqp": ("amqps://guest:p@ss@mq.example:5671/%2f", "amqps://[REDACTED]@mq.example:5671/%2f"),
    "bearer": (f"Authorization: Bearer {ALNUM}\r\n", "Authorization: Bearer [REDACTED]\r\n"),
    "bearer_lower": (f"-H 'authorization: bearer   {ALNUM}'", "-H 'authorization: bearer   [REDACTED]'"),
    "bearer_jwt": (f"Bearer {JWT}", "Bearer [REDACTED_JWT]"),
    "hex": (f"session {HEX32} ends", "session [REDACTED_HEX_TOKEN] ends"),
    "hex_upper_assigned": (f"KEY={HEX32.upper()};", "KEY=[REDACTED_HEX_TOKEN];"),
    "hex_0x": (f"0x{HEX32}{HEX32}", "0x[REDACTED_HEX_TOKEN]"),
    "possible_secret": (
        f'aws_secret_access_key = "{AWS_SECRET}"',
        'aws_secret_access_key = "[REDACTED_POSSIBLE_SECRET]"',
    ),
    "openai": (f"OPENAI_API_KEY=sk-proj-{ALNUM}", "OPENAI_API_KEY=[REDACTED_API_KEY]"),
    "anthropic": (f"sk-ant-api03-{ALNUM}-x", "[REDACTED_API_KEY]"),
    "github": (f"git clone https://x/{GITHUB}", "git clone https://x/[REDACTED_API_KEY]"),
    "slack": (f"xoxb-{'123456789012-' * 2}{ALNUM}", "[REDACTED_API_KEY]"),
    "two_in_a_row": (f"{AWS_KEY} {AWS_KEY}", "[REDACTED_AWS_KEY] [REDACTED_AWS_KEY]"),
    "adjacent_to_unicode": (f"密钥{AWS_KEY}。é{HEX32}é", "密钥[REDACTED_AWS_KEY]。é[REDACTED_HEX_TOKEN]é"),
    "fenced": (f"```\n{HEX32}\n```", "```\n[REDACTED_HEX_TOKEN]\n```"),
}

# Texts that must come out as they are.
BENIGN: tuple[str, ...] = (
    "",
    "The quick brown fox jumps over the lazy dog.",
    "id 550e8400-e29b-41d4-a716-446655440000 and 550E8400-E29B-41D4-A716-446655440000",
    f"commit {HEX32}deadbeef fixed it",
    f"see git sha {HEX32}deadbeef",
    "the bearer of this letter, bearer of bad news, Bearer tokens are explained below",
    "Authorization: Bearer <your-token-here>",
    "postgres://user@host/db, https://example.com/a:b/c@d and mailto:me@example.com",
    "redis://localhost:6379/0 http://[::1]:8080/",
    "3.14159265358979323846264338327950288419716939937510",
    "AKIA is a prefix; AKIAIOSFODNN7EXAMPL is one short; XAKIA" + "IOSFODNN7EXAMPLE is glued",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "-----BEGIN and then nothing of it",
    "-----BEGIN",
    "eyJ is how tokens begin; eyJhbGciOiJ.not.json",
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 800,
    "x" * 50_000,
    ".css-1a2b3c4d5e { color: #a1b2c3 } sk-cube-grid-animation-delay-long",
    "مرحبا بالعالم שלום עולם 你好世界 👩\u200d👩\u200d👧 \u202eabc\u202c",
    "A plain forty character base64 word: " + AWS_SECRET.replace("/", "x") + "zz",
    "line\r\nline\ttab\x00nul\x7fdel",
    "a-b_c.d/e+f=g" * 20,
)
