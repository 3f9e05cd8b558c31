"""A tour for people: a real server on the sandbox, driven by the SDK's client through all tools."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import anyio
import click
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from vapi_sessions_mcp.cli.endings import innermost, is_of_output

CALLER = "+14155550123"
DEADLINE_SECONDS = 60


class DemoFailed(Exception):
    """A step did not do what it should; `str()` says which."""


def run(sandbox_now: datetime | None, *, options: Sequence[str] = ()) -> int:
    """Print the tour; 0 when every step really worked, else 1 and the reason on stderr.

    Its server gets these `options` too, and nothing of what the environment sets.
    """
    failure = ""
    try:
        failure = anyio.run(_tour, sandbox_now, options)
    except* (MCPError, TimeoutError, OSError) as group:
        if is_of_output(reason := innermost(group)):
            raise reason from None
        failure = f"the server did not start or did not answer ({reason!r})"
    if failure:
        click.echo(f"vapi-sessions-mcp: the demo failed: {failure}", err=True)
        return 1
    click.echo("\nEvery step worked. To see it in your own host, follow README.md.")
    return 0


async def _tour(sandbox_now: datetime | None, options: Sequence[str]) -> str:
    """Walk it on a server of its own; the reason why a step failed, or nothing."""
    server = StdioServerParameters(
        command=sys.executable,
        args=[
            *("-m", "vapi_sessions_mcp", "--sandbox"),
            *("--tool-names", "short", "--log-level", "warning"),
            *(("--sandbox-now", sandbox_now.isoformat()) if sandbox_now else ()),
            *options,
        ],
        env={n: value for n, value in os.environ.items() if not n.startswith("VAPI_")},
    )
    with anyio.fail_after(DEADLINE_SECONDS):
        async with Client(server) as client:
            try:
                await _Tour(client).walk()
            except DemoFailed as exc:
                return str(exc)
    return ""


class _Tour:
    """The steps, each asking as an agent would and checking what came back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def walk(self) -> None:
        """All five tools, then the proof that the deletion happened."""
        tools = (await self._client.list_tools()).tools
        names = ", ".join(tool.name for tool in tools)
        click.echo(f"A server on the sandbox, over stdio, MCP {self._client.protocol_version}.")
        click.echo(f"It offers {names}.")
        await self._read(await self._find())
        id = await self._create()
        await self._update(id)
        await self._delete(id)

    async def _find(self) -> str:
        _ask(f"Who is {CALLER}, and when did we last speak?")
        page = await self._call("list_sessions", number=CALLER, limit=3)
        for session in page["results"]:
            _tell(f"{session['createdAt'][:16]}  {session['status']}  {session['name']}")
        _expect(page["total"] > 0, f"{CALLER} has sessions")
        return max(page["results"], key=lambda session: session["messageCount"])["id"]

    async def _read(self, id: str) -> None:
        _ask("How did the longest of these end?")
        session = await self._call("get_session", id=id, messages={"last": 4})
        for message in session["messages"]:
            calls = ", ".join(f"calls {call['tool']}" for call in message.get("calls", []))
            _tell(f"{message['role']}: {message.get('text', calls)[:90]}")
        _tell(f"These are 4 of {session['shown']['of']} messages.")
        _expect(len(session["messages"]) == 4, "the last four messages can be read")

    async def _create(self) -> str:
        _ask("Open a session for the follow-up.")
        body = {"name": "Follow-up", "customer": {"number": CALLER}, "status": "active"}
        session = await self._call("create_session", body=body)
        _tell(f"{session['id']}  {session['status']}  {session['name']}")
        _expect(session["name"] == "Follow-up", "the new session has its name")
        return session["id"]

    async def _update(self, id: str) -> None:
        _ask("Note what we promised, and close it.")
        note = {"role": "assistant", "content": "We call back on Monday at 9."}
        session = await self._call(
            "update_session", id=id, appendMessages=[note], body={"status": "completed"}
        )
        _tell(f"{session['status']}; {session['note']}")
        _expect(session["status"] == "completed", "the session is closed")
        _expect(session["messages"][-1] == note, "the promise is in it")

    async def _delete(self, id: str) -> None:
        _ask("The customer wants it erased.")
        session = await self._call("delete_session", id=id)
        _tell(f"deleted: {session['name']}")
        result = await self._client.call_tool("get_session", {"id": id})
        _tell(f"get_session now says: {_text(result)}")
        _expect(bool(result.is_error), "the deleted session is gone")

    async def _call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        click.echo(f"  > {tool} {json.dumps(arguments)}")
        result = await self._client.call_tool(tool, arguments)
        _expect(not result.is_error, f"{tool} answers, but it says: {_text(result)}")
        return cast("dict[str, Any]", result.structured_content)


def _ask(question: str) -> None:
    click.echo(f"\n{question}")


def _tell(line: str) -> None:
    click.echo(f"    {line}")


def _expect(met: bool, what: str) -> None:
    if not met:
        raise DemoFailed(f"expected that {what}")


def _text(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content if isinstance(block, TextContent))
