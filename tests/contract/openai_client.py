"""The official client over an answer made in the test, without a socket."""

import httpx2
from openai import OpenAI


class Canned:
    """A strict official client; whatever it asks, it gets `body` as `content_type`."""

    def __init__(self) -> None:
        self.body = b""
        self.content_type = b""
        self.sent = b""
        transport = httpx2.MockTransport(self._answer)
        self.client = OpenAI(
            base_url="http://gateway.invalid/v1",
            api_key="k",
            max_retries=0,
            http_client=httpx2.Client(transport=transport),
            _strict_response_validation=True,
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.sent = request.content
        return httpx2.Response(200, headers={"content-type": self.content_type.decode()}, content=self.body)
