"""Whatever is posted to MCP: an answer, and nothing at Vapi that is not whole."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp

from support.arguments import Given
from support.hostile import Echo, bodies, check_sent, content_types, posts, strict
from support.http_calls import LEGACY, tool_call
from support.judged import SETTINGS, asked, every_era, failed
from support.tools import ERAS, GET
from support.upstream import Upstream
from vapi_sessions_mcp.access.bodies import MAX_BODY
from vapi_sessions_mcp.access.gate import Gate
from vapi_sessions_mcp.mcp_server.app import MCP, build_app
from vapi_sessions_mcp.mcp_server.server import build_server
from vapi_sessions_mcp.sessions.service import Sessions
from vapi_sessions_mcp.vapi.client import Vapi

Http: TypeAlias = tuple[ASGIApp, Upstream]


@asynccontextmanager
async def over_http() -> AsyncGenerator[Http]:
    """MCP over HTTP, in this process."""
    upstream = Upstream(httpx2.MockTransport(Echo()))
    vapi = Vapi(SETTINGS, transport=upstream)
    server = build_server(Sessions(vapi, SETTINGS), SETTINGS)
    app = build_app(server, SETTINGS, Gate(SETTINGS, MCP))
    async with server.session_manager.run():
        yield app, upstream


async def posted(kind: str, fields: dict[str, str], body: bytes) -> None:
    """Something posted to MCP, judged, and then a good call on the same server."""
    async with over_http() as (app, upstream):
        headers = [*{**fields, "Content-Type": kind}.items()]
        answer = await asked(app, "POST", MCP, headers, body)
        assert answer.status_code < 500
        for request in upstream.requests:
            check_sent(request)
        if answer.status_code != 200 or failed(told(answer)):
            assert upstream.requests == []
        for era in ERAS:
            good = tool_call(era, GET)
            text = json.dumps(good["json"]).encode()
            fine = await asked(app, "POST", MCP, good["headers"].items(), text)
            assert not failed(told(fine))


def told(answer: httpx2.Response) -> Given:
    """The JSON-RPC message in an answer, in which an event ends with its line and nothing else."""
    assert answer.status_code == 200, answer.text
    events = re.findall(r"^data: (\{.*)", answer.text, re.MULTILINE)
    return strict((events or [answer.text])[-1].encode())


@given(post=posts() | st.tuples(st.just(LEGACY), bodies() | st.binary()), kind=content_types)
def test_whatever_is_posted_to_mcp_is_no_fault_of_the_server(
    post: tuple[dict[str, str], bytes], kind: str
) -> None:
    # The same junk comes to this port as to any other.
    anyio.run(posted, kind, *post)


@every_era
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
@pytest.mark.anyio
async def test_mcp_over_http_takes_4_mib_and_no_byte_more(era: str, size: int, status: int) -> None:
    # The limit is the same on both ports, so that one proxy rule fits both.
    good = tool_call(era, GET)
    body = json.dumps(good["json"]).encode().ljust(size)
    async with over_http() as (app, upstream):
        answer = await asked(app, "POST", MCP, good["headers"].items(), body)
    assert answer.status_code == status
    assert len(upstream.requests) == (status == 200)
