"""The whole bodies of the calls that one attempt needs; several are made at a time, within a bound."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.plan import Deployment
from kaigate.providers.provider import UpstreamCall
from kaigate.stages.attempt import Failed, refused, signed
from kaigate.transport.errors import BodyTooLarge
from kaigate.transport.http import Deadlines, HttpClient, Response

PARALLEL: Final = 8
"""Calls of one request that may be under way: more would take the connections of everybody else."""
_OK: Final = 200
_LEAST_S: Final = 0.001


class CallFailedError(Exception):
    """A call was answered with an error status."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.error.message)
        self.failed = failed


class UpstreamBodies:
    """Makes calls, and keeps no more than `max_bytes` of their answers together."""

    def __init__(self, client: HttpClient, limits: ProviderLimits | None, *, max_bytes: int) -> None:
        """`limits` learns what the answers tell of the provider's own limits; None learns nothing."""
        self._client = client
        self._limits = limits
        self._max_bytes = max_bytes

    async def of(
        self, calls: Sequence[UpstreamCall], deployment: Deployment, deadlines: Deadlines, *, private: bool
    ) -> list[bytes]:
        """The bodies, in the order of the calls; the first failure cancels the others.

        `private` refuses to connect to anything but a private target. Raises `CallFailedError`, `TransportError`, and
        what a provider's refusal of the request itself means.
        """
        if len(calls) == 1:
            return [await self._body(calls[0], deployment, deadlines, self._max_bytes, private=private)]
        bodies: list[bytes] = [b""] * len(calls)
        most = self._max_bytes
        waiting: Iterator[tuple[int, UpstreamCall]] = iter(enumerate(calls))
        loop = asyncio.get_running_loop()
        until = loop.time() + deadlines.total_s

        async def work() -> None:
            nonlocal most
            for index, call in waiting:
                left = replace(deadlines, total_s=max(until - loop.time(), _LEAST_S))
                bodies[index] = await self._body(call, deployment, left, most, private=private)
                most -= len(bodies[index])
                if most < 0:
                    raise BodyTooLarge("the answers are larger together than one may be")

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(PARALLEL, len(calls))):
                    group.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return bodies

    async def _body(
        self, call: UpstreamCall, deployment: Deployment, deadlines: Deadlines, most: int, *, private: bool
    ) -> bytes:
        path, signer = deployment.base_path + call.path, deployment.provider.signer
        headers = call.headers
        if signer is not None:
            headers = await signed(signer, call, deployment.target, path, deadlines.first_byte_s)
        response: Response | None = None
        try:
            response = await self._client.send(
                deployment.target,
                call.method,
                path,
                headers,
                call.body,
                deadlines,
                required_zone="private" if private else None,
                repeat=deployment.pin is None,
            )
            if self._limits is not None:
                self._limits.learn(deployment.name, response.status, response.headers)
            if response.status != _OK:
                raise CallFailedError(await refused(deployment, response))
            return await response.read(most)
        finally:
            if response is not None:
                response.close()
