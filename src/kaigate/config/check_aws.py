"""Cross-checks of providers of Amazon Web Services."""

from kaigate.config.aws_region import BEDROCK
from kaigate.config.aws_settings import AwsSettings
from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import KeyPath


def check_aws(config: GatewayConfig, findings: Findings) -> None:
    """Whether each Bedrock provider has a region and whole credentials, and no other provider has any."""
    for name, settings in config.providers.items():
        path: KeyPath = ("providers", name)
        if settings.type != BEDROCK:
            if settings.aws != AwsSettings():
                findings.error((*path, "aws"), f"is only for providers of type {BEDROCK}", key=True)
            continue
        aws = settings.aws
        if aws.region is None and None in (settings.api_key, settings.base_url):
            findings.error(path, "needs aws.region, or AWS_REGION in the environment", key=True)
        if (aws.access_key_id is None) != (aws.secret_access_key is None):
            findings.error((*path, "aws"), "needs access_key_id and secret_access_key, or neither", key=True)
        if aws.session_token is not None and aws.access_key_id is None:
            findings.error((*path, "aws", "session_token"), "needs access_key_id beside it", key=True)
        ways = (settings.api_key, aws.profile, aws.access_key_id)
        if sum(way is not None for way in ways) > 1:
            findings.error(path, "has more than one of api_key, aws.profile and aws.access_key_id", key=True)
