"""HTTP/1.1 on asyncio and h11: each connection is one request's until its answer is closed.

It does what httpcore does, at a third of its cost. Whatever fails is an error of httpx2's, as
it would be there: before anything is sent, and never after, a ConnectError or ConnectTimeout.
Of a request's timeouts only `connect` is kept: whoever sends it limits the whole.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable

import httpx2

from vapi_sessions_mcp.http_connection import Connection, Origin

# After so many seconds the other family of addresses is tried, too (RFC 8305).
OTHER_FAMILY_SECONDS = 0.25

# Errors of a connection whose words say why; those of others name each address.
_WORDS = (socket.gaierror, ssl.SSLError, UnicodeError)


class Wire(httpx2.AsyncBaseTransport):
    """Sends requests, each over a connection of its own, which is kept for the next one."""

    def __init__(self, context: ssl.SSLContext, idle: float) -> None:
        """`context` is for https; a connection that nobody uses for `idle` seconds is closed."""
        context.set_alpn_protocols(["http/1.1"])
        self._context, self._idle = context, idle
        # Those that nobody uses; the last one was used last.
        self._kept: dict[Origin, deque[Connection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`."""
        connection = self._used_before(_origin(request.url)) or await self._made(request)
        try:
            connection.send(request)
            head = await connection.head()
        except BaseException:
            connection.close()
            raise
        return httpx2.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(connection, self._free),
            extensions={"network_stream": _Stream(connection)},
        )

    async def aclose(self) -> None:
        """Close the connections that nobody uses, and the others once nobody does."""
        self._closed = True
        for kept in self._kept.values():
            for connection in kept:
                connection.close()
        self._kept.clear()

    def _used_before(self, origin: Origin) -> Connection | None:
        kept = self._kept.get(origin)
        while kept:
            connection = kept.pop()
            connection.wake()
            if connection.is_usable():
                return connection
            connection.close()
        return None

    def _free(self, connection: Connection) -> None:
        """Keep `connection`, whose request is done with it, or close it."""
        if connection.finish() and not self._closed:
            connection.rest(self._kept.setdefault(connection.origin, deque()))
        else:
            connection.close()

    async def _made(self, request: httpx2.Request) -> Connection:
        """A new connection; nothing has been sent before it is there."""
        scheme, host, port = origin = _origin(request.url)
        seconds = request.extensions.get("timeout", {}).get("connect")
        make = asyncio.get_running_loop().create_connection
        try:
            async with asyncio.timeout(seconds):
                _, connection = await make(
                    lambda: Connection(origin, self._idle),
                    host,
                    port,
                    ssl=self._context if scheme == "https" else None,
                    happy_eyeballs_delay=OTHER_FAMILY_SECONDS,
                )
        except TimeoutError as exc:
            raise httpx2.ConnectTimeout("", request=request) from exc
        except (OSError, UnicodeError) as exc:  # Python spells no name with an empty or long label
            said = str(exc) if isinstance(exc, _WORDS) else "All connection attempts failed"
            raise httpx2.ConnectError(said, request=request) from exc
        return connection


class _Stream:
    """The connection below an answer, for whoever has to close it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def aclose(self) -> None:
        self._connection.close()


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, with which its connection is free again."""

    def __init__(self, connection: Connection, free: Callable[[Connection], None]) -> None:
        self._connection, self._free = connection, free

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._connection.body():
            yield part

    async def aclose(self) -> None:
        self._free(self._connection)


def _origin(url: httpx2.URL) -> Origin:
    return url.scheme, url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80)
