"""Other writers of a session, who come between the requests of our own."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import httpx2
from mcp import Client
from mcp_types import CallToolResult, TextContent

from support.tools import UPDATE
from support.upstream import Upstream
from vapi_sessions_mcp.sandbox import SANDBOX_KEY

Json: TypeAlias = dict[str, Any]
Act: TypeAlias = Callable[["Sandbox"], Awaitable[object]]

NEW: Json = {"role": "assistant", "content": "We call back on Monday."}


class Sandbox:
    """The sandbox, reached past our server, as another program would."""

    def __init__(self, upstream: Upstream) -> None:
        self._transport = upstream.answers
        self.id = ""

    async def call(self, method: str, body: Json | None = None, *, path: str = "") -> Json:
        url = f"http://sandbox/session{path or f'/{self.id}'}"
        headers = {"Authorization": f"Bearer {SANDBOX_KEY}"}
        request = httpx2.Request(method, url, json=body, headers=headers)
        response = await self._transport.handle_async_request(request)
        assert response.is_success, await response.aread()
        return json.loads(await response.aread())

    async def create(self, **body: Any) -> Json:
        made = await self.call("POST", body, path="?")
        self.id = made["id"]
        return made

    async def messages(self) -> list[Json]:
        return (await self.call("GET"))["messages"]

    async def write(self, *messages: Json) -> None:
        await self.call("PATCH", {"messages": list(messages)})


class Between(httpx2.AsyncBaseTransport):
    """The sandbox, in which something happens after certain requests, counted from 1.

    An act that returns a response answers the request in the sandbox's place.
    """

    def __init__(self, upstream: Upstream, sandbox: Sandbox, acts: dict[int, Act]) -> None:
        self._answers, self._sandbox, self._acts = upstream.answers, sandbox, acts
        self._count = 0
        upstream.answers = self

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._count += 1
        answer = await self._answers.handle_async_request(request)
        if act := self._acts.get(self._count):
            instead = await act(self._sandbox)
            if isinstance(instead, httpx2.Response):
                return instead
        return answer


async def append(client: Client, id: str, *messages: Json, **more: Any) -> CallToolResult:
    arguments = {"id": id, "appendMessages": list(messages), **more}
    return await client.call_tool(UPDATE, arguments)


def sent(upstream: Upstream) -> list[Json]:
    """The body of each write that Vapi got."""
    return [json.loads(r.content) for r in upstream.requests if r.method == "PATCH"]


def methods(upstream: Upstream) -> list[str]:
    return [request.method for request in upstream.requests]


def note(result: CallToolResult) -> str:
    [block] = result.content
    assert isinstance(block, TextContent)
    said = cast("Json", result.structured_content)["note"]
    assert json.loads(block.text)["note"] == said
    return said


def someone(*messages: Json) -> Act:
    """Another writer, who replaces the conversation by what it knows of it."""

    async def act(sandbox: Sandbox) -> None:
        await sandbox.write(*messages)

    return act


def answering(status: int, message: str = "") -> Act:
    async def act(sandbox: Sandbox) -> httpx2.Response:
        return httpx2.Response(status, json={"message": message})

    return act


async def vanishing(sandbox: Sandbox) -> None:
    await sandbox.call("DELETE")


async def breaking(sandbox: Sandbox) -> None:
    raise httpx2.ReadError("connection reset")
