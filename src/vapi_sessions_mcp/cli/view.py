"""`view`: sessions in a person's own browser, without an MCP host, until the tab is closed."""

import webbrowser
from collections.abc import Awaitable, Callable
from functools import partial
from socket import socket
from typing import Any

import anyio
from anyio.to_thread import run_sync
from mcp.client.client import Client

from vapi_sessions_mcp.cli.connect import connect
from vapi_sessions_mcp.cli.endings import say
from vapi_sessions_mcp.cli.view_page import CallTool, ViewPage
from vapi_sessions_mcp.contract.operations import GET, LIST
from vapi_sessions_mcp.mcp_server.apps import viewer_page
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.transports import http
from vapi_sessions_mcp.transports.signals import stop_signal
from vapi_sessions_mcp.vapi.client import Vapi


def view(settings: Settings, id: str | None, *, browser: bool) -> None:
    """Show the session `id`, or the latest sessions, on a page of this machine's own.

    With `browser` it is opened in the person's browser. Raises SettingsError when the
    sandbox's database cannot be used.
    """
    settings, vapi = connect(settings)
    with http.bind("127.0.0.1", 0) as listener:
        anyio.run(partial(_serve, settings, vapi, listener, id, browser=browser))


async def _serve(
    settings: Settings, vapi: Vapi, listener: socket, id: str | None, *, browser: bool
) -> None:
    names = settings.tool_names
    first: dict[str, Any] = {"name": LIST.tool_name(names), "arguments": {}}
    if id:
        first = {"name": GET.tool_name(names), "arguments": {"id": id}}
    server = build_server(Sessions(vapi, settings), settings)
    async with vapi, Client(server) as client:
        reading = {GET.tool_name(names), LIST.tool_name(names)}
        page = ViewPage(viewer_page(names), _caller(client, reading), first)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/{page.token}"
        say(f"sessions at {url}; it opens once. Close the tab or press Ctrl-C to end.")
        if browser and not await run_sync(webbrowser.open, url):
            say("no browser could be opened: open that address yourself.")
        stopped = partial(_first_of, stop_signal, page.closed)
        await http.serve([(page.app, listener)], grace=settings.grace, stopped=stopped)


def _caller(client: Client, names: set[str]) -> CallTool:
    """Calls one of the tools that only read."""

    async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name not in names:
            said = f"This page calls only {' and '.join(sorted(names))}."
            return {"isError": True, "content": [{"type": "text", "text": said}]}
        result = await client.call_tool(name, arguments)
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    return call


async def _first_of(*waits: Callable[[], Awaitable[None]]) -> None:
    """Return when one of them does."""
    async with anyio.create_task_group() as tasks:

        async def wait_for(wait: Callable[[], Awaitable[None]]) -> None:
            await wait()
            tasks.cancel_scope.cancel()

        for wait in waits:
            tasks.start_soon(wait_for, wait)
