"""A server's two faces, MCP and REST, called as it stands on the wire, and the Vapi behind them."""

import json
import re
import signal
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from http.client import HTTPResponse
from io import BytesIO
from typing import Any, TypeAlias
from urllib.parse import unquote

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from support.faulty_vapi import FaultyVapi, reply
from support.http_calls import LEGACY, META, request
from support.processes import PATIENCE, Running, started
from support.tools import GET, LIST, UPDATE

# REST, and MCP in each era.
FACES = ("rest", "legacy", "auto")
BOTH = ("--transport", "http", "--transport", "rest", "--port", "0", "--rest-port", "0")
KEY = "key-of-the-server-0123456789abcdef"
ARGUMENTS: dict[str, dict[str, Any]] = {
    LIST: {},
    GET: {"id": "s-1"},
    UPDATE: {"id": "s-1", "body": {"name": "a"}},
}
ON_REST = {
    LIST: ("GET", "/session"),
    GET: ("GET", "/session/s-1"),
    UPDATE: ("PATCH", "/session/s-1"),
}

REFUSED = r"INFO vapi_sessions_mcp\.[a-z]+: refused status=([0-9]+)"
# What Vapi answers to everything: a session and a page of none.
SAID: dict[str, Any] = {"id": "s-1", "results": [], "name": "as Vapi tells it"}
USUAL = reply(said=SAID)

Field: TypeAlias = tuple[str, str | bytes]

JSON: tuple[Field, ...] = (("Content-Type", "application/json"),)


async def refuses(client: Client, tool: str, **arguments: Any) -> bool:
    """Whether a call is an error of the protocol.

    A test that fails in `pytest.raises` inside a client would end all of its module's fixtures.
    """
    try:
        await client.call_tool(tool, arguments)
    except MCPError:
        return True
    return False


def bearer(token: str | bytes) -> Field:
    """The header field that shows a token."""
    return "Authorization", b"Bearer " + _octets(token)


class Faces:
    """The addresses of both, and what every answer and the whole log must keep to themselves."""

    def __init__(self, vapi: FaultyVapi, running: Running, mcp: str, rest: str) -> None:
        self.vapi, self.running, self.mcp, self.rest = vapi, running, mcp, rest
        self.root = rest.removesuffix("/v1")
        # What a caller shows that may read.
        self.way_in: tuple[Field, ...] = ()
        self._shown, self._marks = {KEY}, 0

    async def call(self, face: str, tool: str, *fields: Field) -> httpx2.Response:
        """What a face answers to a call of LIST, GET or UPDATE with these header fields."""
        if face == "rest":
            method, path = ON_REST[tool]
            return await self.send(
                self.rest + path, *over(JSON, fields), method=method, body=b'{"name": "a"}'
            )
        message, usual = tool_call(face, tool, ARGUMENTS[tool])
        return await self.send(
            self.mcp, *over(usual, fields), method="POST", body=json.dumps(message).encode()
        )

    async def send(
        self, url: str, *fields: Field, method: str = "GET", target: str = "", body: bytes = b""
    ) -> httpx2.Response:
        """What is answered; no credential in it, nor, at the end, in the log."""
        for name, value in fields:
            if name in ("Authorization", "X-Vapi-Api-Key", "Cookie"):
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                self._shown |= {word for word in text.split() if len(word) > 8}
        answer = await exchange(url, *fields, method=method, target=target, body=body)
        self._keeps_secrets(f"{answer.headers}{answer.text}")
        return answer

    @asynccontextmanager
    async def client(self, era: str, *fields: Field) -> AsyncGenerator[Client]:
        """The SDK's own client, which sends these header fields with every request."""
        headers = [(name.encode(), _octets(value)) for name, value in fields]
        with anyio.fail_after(PATIENCE):
            async with (
                httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
                Client(streamable_http_client(self.mcp, http_client=http), mode=era) as client,
            ):
                yield client

    async def logged(self) -> list[str]:
        """The log since the last time, without times; a call of its own marks the end."""
        self._marks += 1
        await self.send(f"{self.rest}/session/mark-{self._marks}", *self.way_in)
        assert self.vapi.requests.pop().path == f"/session/mark-{self._marks}"
        lines: list[str] = []
        while f" session=mark-{self._marks} " not in (line := await self.running.told("")):
            self._keeps_secrets(line)
            lines.append(line.partition(" ")[2].strip())
        return lines

    async def refusals(self) -> list[int]:
        """The status of each line since the last time; each tells of a refusal and nothing else."""
        lines = await self.logged()
        found = [re.fullmatch(REFUSED, line) for line in lines]
        statuses = [int(line[1]) for line in found if line]
        assert len(statuses) == len(lines), lines
        return statuses

    async def fresh(self) -> "Faces":
        """The same, with what was asked, answered and logged so far forgotten."""
        self.vapi.requests.clear()
        self.vapi.otherwise = USUAL
        await self.logged()
        return self

    async def end(self) -> None:
        """Stop the server as an operator does, and look through what is left of its log."""
        self.running.signal(signal.SIGTERM)
        assert await self.running.ended() == 0
        log = "".join(await self.running.rest())
        assert "Traceback" not in log
        self._keeps_secrets(log)

    def _keeps_secrets(self, text: str) -> None:
        assert not [secret for secret in self._shown if secret in text]


@asynccontextmanager
async def serving(*arguments: str, **env: str) -> AsyncGenerator[Faces]:
    """One process that serves both, with a Vapi on a real socket."""
    async with FaultyVapi(otherwise=USUAL) as vapi:
        given = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY, **env}
        async with started(*BOTH, *arguments, **given) as running:
            mcp, rest = await running.url(), await running.url()
            faces = Faces(vapi, running, mcp, rest)
            yield faces
            await faces.end()


def tool_call(era: str, tool: str, arguments: Any) -> tuple[dict[str, Any], tuple[Field, ...]]:
    """The JSON-RPC request of that era, and the header fields that go with it."""
    if era == "legacy":
        return request("tools/call", name=tool, arguments=arguments), (*LEGACY.items(),)
    named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
    message = request("tools/call", _meta=META, name=tool, arguments=arguments)
    return message, (*{**LEGACY, **named}.items(),)


def over(usual: Iterable[Field], fields: Iterable[Field]) -> tuple[Field, ...]:
    """The usual header fields, but for those that are given, and then these."""
    given = {name.lower() for name, _ in fields}
    return *(field for field in usual if field[0].lower() not in given), *fields


def challenge(answer: httpx2.Response) -> dict[str, str]:
    """The one WWW-Authenticate header of an answer: its scheme and parameters."""
    [value] = answer.headers.get_list("www-authenticate")
    scheme, _, rest = value.partition(" ")
    parameters = re.findall(r'([a-z_]+)="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"', rest)
    assert ", ".join(f'{name}="{said}"' for name, said in parameters) == rest
    assert len(dict(parameters)) == len(parameters)
    return {"scheme": scheme, **dict(parameters)}


async def exchange(
    url: str, *fields: Field, method: str = "GET", target: str = "", body: bytes = b""
) -> httpx2.Response:
    """The answer to a request that is sent as it is, however wrong; status 0 when there is none."""
    address = httpx2.URL(url)
    usual = [("Host", address.netloc), ("Connection", "close")]
    if "transfer-encoding" not in {name.lower() for name, _ in fields}:
        usual.append(("Content-Length", f"{len(body)}"))
    lines = [f"{method} {target or address.raw_path.decode()} HTTP/1.1".encode()]
    lines += [b"%s: %s" % (name.encode(), _octets(value)) for name, value in over(usual, fields)]
    received = b""
    assert address.port
    with anyio.fail_after(PATIENCE):
        async with await anyio.connect_tcp(address.host, address.port) as stream:
            # A server that refuses early may close before it has read everything.
            with suppress(anyio.BrokenResourceError):
                await stream.send(b"\r\n".join([*lines, b"", body]))
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    received += await stream.receive()
    if not received:
        return httpx2.Response(0)
    answer = _parsed(received, method)
    # Of what no URL can hold it matters only that it is not MCP's path.
    path = unquote(target.partition("?")[0]) or address.path
    asked = address.copy_with(path=path if path == "/mcp" else "/")
    answer.request = httpx2.Request(method, asked)
    return answer


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _parsed(received: bytes, method: str) -> httpx2.Response:
    class Socket:
        def makefile(self, mode: str) -> BytesIO:
            return BytesIO(received)

    answer = HTTPResponse(Socket(), method=method)  # pyright: ignore[reportArgumentType] - all of a socket that it uses
    answer.begin()
    return httpx2.Response(answer.status, headers=answer.getheaders(), content=answer.read())
