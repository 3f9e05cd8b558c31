"""A way to Vapi that fails as nobody foresaw; run as a script, a server that has only this way."""

import logging
import sys
from functools import partial
from typing import Any

import anyio
import httpx2

from vapi_sessions_mcp import logs
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.rest_api.app import build_rest
from vapi_sessions_mcp.rest_api.openapi import ROOT
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.settings import Settings
from vapi_sessions_mcp.transports import http, stdio
from vapi_sessions_mcp.vapi.client import Vapi

# What an exception could repeat, and nobody may read.
WORDS = "hunter2 +14155550123"


class Breaking(httpx2.AsyncBaseTransport):
    """Raises a TypeError for every request, in a group as tasks do."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise ExceptionGroup(WORDS, [TypeError(f"unhashable type: {WORDS}")])


def faults(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    """What the log says of unforeseen failures."""
    found = [record for record in records if record.name == "vapi_sessions_mcp.faults"]
    return [vars(record)["fields"] for record in found]


def serve() -> None:
    """Serve stdio, or both faces over HTTP."""
    logs.set_up("info")
    settings = Settings(api_key="key-0123456789abcdef", transports=("http", "rest"))
    vapi = Vapi(settings, transport=Breaking())
    sessions = Sessions(vapi, settings)
    server = build_server(sessions, settings)

    async def run() -> None:
        async with vapi:
            if sys.argv[1] == "stdio":
                await stdio.serve(server, grace=1)
                return
            mcp, rest = http.bind("127.0.0.1", 0), http.bind("127.0.0.1", 0)
            gate = partial(Gate, settings)
            faces = [
                (build_app(server, settings, gate(MCP)), mcp),
                (build_rest(sessions, settings, gate(ROOT)), rest),
            ]
            for path, listener in ((MCP, mcp), (ROOT, rest)):
                line = "serves at http://{}:{}{}\n".format(*listener.getsockname(), path)
                sys.stderr.write(line)
            await http.serve(faces, grace=1)

    anyio.run(run)


if __name__ == "__main__":
    serve()
