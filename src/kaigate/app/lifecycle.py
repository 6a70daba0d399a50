"""The process's life: starting, ready, draining."""

import asyncio
from typing import Literal

State = Literal["starting", "ready", "draining", "refusing"]


class Lifecycle:
    """Counts running exchanges and knows whether new ones are admitted.

    On a stop signal readiness fails at once (`draining`), so that load balancers turn away; new work is refused
    only after the configured delay (`refusing`), because they need a moment to notice.
    """

    def __init__(self) -> None:
        self.state: State = "starting"
        self.running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def ready(self) -> bool:
        """Whether a load balancer should send requests here."""
        return self.state == "ready"

    @property
    def closing(self) -> bool:
        """Whether answers should ask their clients to reconnect elsewhere."""
        return self.state in ("draining", "refusing")

    @property
    def refusing(self) -> bool:
        """Whether new requests are refused."""
        return self.state == "refusing"

    def begin(self) -> None:
        """An exchange begins."""
        if not self.running:
            self._idle.clear()
        self.running += 1

    def end(self) -> None:
        """An exchange ended."""
        self.running -= 1
        if not self.running:
            self._idle.set()

    async def idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs; False when that took longer than `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
