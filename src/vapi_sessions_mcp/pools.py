"""Small pools of connections in the place of a large one, which is walked for each request."""

from collections.abc import AsyncIterator, Callable
from typing import cast

import anyio
import httpx2

# Connections of each pool that are used at once.
EACH = 8


class _Pool:
    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self.transport, self.busy, self.used = transport, 0, 0.0

    def leave(self) -> None:
        self.busy -= 1
        self.used = anyio.current_time()


class Pools(httpx2.AsyncBaseTransport):
    """Each request goes to the first pool that has room; those that nobody uses are closed."""

    def __init__(self, make: Callable[[], httpx2.AsyncBaseTransport], idle: float) -> None:
        """`make` makes a pool, the first one now; after `idle` seconds one is closed."""
        self._make, self._idle = make, idle
        self._pools = [_Pool(make())]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`."""
        await self._close_idle()
        pool = next((pool for pool in self._pools if pool.busy < EACH), None)
        if pool is None:
            pool = _Pool(self._make())
            self._pools.append(pool)
        pool.busy += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            pool.leave()
            raise
        response.stream = _Counted(cast("httpx2.AsyncByteStream", response.stream), pool)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.transport.aclose()

    async def _close_idle(self) -> None:
        """Close the last pool where it is not needed any more; the first one stays."""
        *_, last = self._pools
        if len(self._pools) > 1 and not last.busy and anyio.current_time() > last.used + self._idle:
            self._pools.pop()
            await last.transport.aclose()


class _Counted(httpx2.AsyncByteStream):
    """The stream of an answer, with which its connection is free again."""

    def __init__(self, stream: httpx2.AsyncByteStream, pool: _Pool) -> None:
        self._stream, self._pool = stream, pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._pool.leave()
