"""A server in this process whose limits a test sets, and clients that send it raw bytes."""

import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Self

import anyio
from anyio.abc import SocketStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vapi_sessions_mcp.access.health import health
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.transports.http import bind, serve
from vapi_sessions_mcp.transports.limits import Limits

# More than the system keeps of an answer that is not read.
LARGE = 16 * 2**20


class Server:
    """An app on two ports; calls of `/held` are in flight until `release` is set."""

    def __init__(self) -> None:
        self._begun, self._changed = 0, anyio.Event()
        self.release, self.stop, self.ended = anyio.Event(), anyio.Event(), anyio.Event()
        self.ports: list[int] = []
        self.app = Starlette(
            routes=[
                Route("/echo", self._echo, methods=["POST"]),
                Route("/held", self._hold),
                Route("/refused", self._refuse, methods=["POST"]),
                Route("/large", self._send_much),
                *health(Settings(api_key="key")),
            ]
        )

    def client(self, port: int = 0) -> "Client":
        """A connection to one of the ports, once it is entered."""
        return Client(self.ports[port])

    async def asked(self, request: bytes, port: int = 0) -> int:
        """The status that a request gets on a connection of its own."""
        async with self.client(port) as client:
            await client.send(request)
            return await client.status()

    async def until_begun(self, count: int) -> None:
        """Return once so many calls have reached the app."""
        while self._begun < count:
            self._changed = anyio.Event()
            await self._changed.wait()

    def _begin(self) -> None:
        self._begun += 1
        self._changed.set()

    async def _echo(self, request: Request) -> Response:
        self._begin()
        return JSONResponse({"size": len(await request.body())})

    async def _hold(self, request: Request) -> Response:
        self._begin()
        await self.release.wait()
        return JSONResponse({})

    async def _refuse(self, request: Request) -> Response:
        return JSONResponse({}, 403)

    async def _send_much(self, request: Request) -> Response:
        self._begin()
        return Response(b"x" * LARGE)


class Client:
    """One connection, which sends what it is told and nothing else."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._stream: SocketStream = await anyio.connect_tcp("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()

    async def send(self, *pieces: bytes) -> None:
        """Send each piece by itself."""
        for piece in pieces:
            await self._stream.send(piece)

    async def status(self) -> int:
        """The status of the next answer, which is small and comes whole."""
        found = re.match(rb"HTTP/1.1 (\d+) ", await self._stream.receive())
        assert found
        return int(found[1])

    async def rest(self, *, most: int | None = None, pause: float = 0) -> bytes:
        """All that comes until the server closes the connection, or `most` bytes have come."""
        came = bytearray()
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while most is None or len(came) < most:
                came += await self._stream.receive()
                await anyio.sleep(pause)
        return bytes(came)


@asynccontextmanager
async def listening(limits: Limits, *, grace: float = 1) -> AsyncGenerator[Server]:
    """A server of two faces; it is stopped at the end."""
    server = Server()
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", 0) as second:
        server.ports = [listener.getsockname()[1] for listener in (first, second)]
        faces: list[tuple[Starlette, socket.socket]] = [(server.app, first), (server.app, second)]

        async def run() -> None:
            await serve(faces, grace=grace, limits=limits, stopped=server.stop.wait)
            server.ended.set()

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                yield server
                server.release.set()
                server.stop.set()
