"""Signs calls to Bedrock with AWS credentials."""

from collections.abc import Awaitable
from typing import Final

from kaigate.clock import Clock
from kaigate.providers.provider import Headers, UpstreamCall
from kaigate.transport.aws.credentials import AwsCredentials, CredentialStore
from kaigate.transport.sigv4 import sign

SERVICE: Final = "bedrock"
_SIGNED: Final = b"content-type"


class BedrockSigner:
    """Signature Version 4 over a call; synchronous while the credentials are fresh."""

    def __init__(self, credentials: CredentialStore, *, region: str, clock: Clock) -> None:
        self.credentials: Final = credentials
        self._region: Final = region
        self._clock: Final = clock

    def sign(self, call: UpstreamCall, *, host: str, path: str) -> Headers | Awaitable[Headers]:
        """The call's headers and those that sign it; see `Signer`. A proxy may add headers, so only ours are signed."""
        credentials = self.credentials.current()
        if isinstance(credentials, AwsCredentials):
            return self._signed(call, host, path, credentials)
        return self._later(call, host, path, credentials)

    async def _later(self, call: UpstreamCall, host: str, path: str, credentials: Awaitable[AwsCredentials]) -> Headers:
        return self._signed(call, host, path, await credentials)

    def _signed(self, call: UpstreamCall, host: str, path: str, credentials: AwsCredentials) -> Headers:
        before, _, query = path.partition("?")
        signature = sign(
            method=call.method,
            host=host,
            path=before,
            query=query,
            headers=[(name.decode(), value.decode("latin-1")) for name, value in call.headers if name == _SIGNED],
            body=call.body,
            credentials=credentials,
            region=self._region,
            service=SERVICE,
            now=self._clock.now(),
        )
        return (*call.headers, *signature)
