"""What a provider of Amazon Web Services needs beside its address."""

from typing import Annotated, Final

from pydantic import Field

from kaigate.config.secrets import SecretRef
from kaigate.config.section import Name, Section

REGION: Final = r"^[a-z0-9]{1,16}(-[a-z0-9]{1,16}){1,4}$"
Region = Annotated[str, Field(pattern=REGION)]
REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


class AwsSettings(Section):
    """Region and credentials. Without keys or a profile here they come from where AWS's own tools find them."""

    region: Region | None = Field(
        default=None, description="Region to call and to sign for; AWS_REGION or AWS_DEFAULT_REGION by default."
    )
    profile: Name | None = Field(default=None, description="Profile of the shared AWS files, instead of AWS_PROFILE.")
    access_key_id: SecretRef | None = Field(default=None, description="Access key: env:NAME or file:/path.")
    secret_access_key: SecretRef | None = Field(default=None, description="Its secret: env:NAME or file:/path.")
    session_token: SecretRef | None = Field(
        default=None, description="Session token of temporary keys: env:NAME or file:/path."
    )


def bedrock_url(region: str) -> str:
    """Where Bedrock answers in a region (source: AWS General Reference, "Amazon Bedrock endpoints")."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{suffix}"
