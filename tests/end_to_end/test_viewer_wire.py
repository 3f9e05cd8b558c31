"""The viewer as it goes over the wire: in every protocol version, on both transports."""

import signal
from typing import Any

import httpx2
import pytest

from support.http_calls import META, message, request
from support.processes import PATIENCE, Running, started
from support.stdio_calls import INITIALIZED, initialize, legacy, modern
from support.token_servers import READ

pytestmark = pytest.mark.anyio

VIEWER = "ui://sessions"
MIME_TYPE = "text/html;profile=mcp-app"
VERSIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
# What takes most away from a caller.
PINNED = ("--read-only", "--only-assistant", "a-1", "--mask-pii")


def is_viewer(result: dict[str, Any]) -> None:
    [contents] = result["contents"]
    assert (contents["uri"], contents["mimeType"]) == (VIEWER, MIME_TYPE)
    assert contents["text"].startswith("<!doctype html>")
    assert contents["_meta"]["ui"]["csp"]["connectDomains"] == []


def is_listed(resources: dict[str, Any], tools: dict[str, Any]) -> None:
    assert [(each["uri"], each["mimeType"]) for each in resources["resources"]] == [
        (VIEWER, MIME_TYPE)
    ]
    assert [tool["_meta"] for tool in tools["tools"]] == [{"ui": {"resourceUri": VIEWER}}] * 2


async def asked(running: Running, frame: dict[str, Any]) -> dict[str, Any]:
    await running.send(frame)
    answer = await running.receive()
    assert answer["id"] == frame["id"]
    return answer["result"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_over_stdio_the_viewer_is_listed_and_read(version: str) -> None:
    # Desktop hosts fetch it when they start, before anybody asks for anything.
    async with started("--sandbox", *PINNED) as running:
        ask = modern
        if version != "2026-07-28":
            ask = legacy
            await asked(running, initialize(1, version))
            await running.send(INITIALIZED)
        is_listed(
            await asked(running, ask(2, "resources/list")),
            await asked(running, ask(3, "tools/list")),
        )
        is_viewer(await asked(running, ask(4, "resources/read", uri=VIEWER)))


@pytest.mark.parametrize("version", VERSIONS)
async def test_over_http_whoever_may_read_gets_the_viewer(version: str) -> None:
    # A host that gets the tools but not their view shows a blank frame.
    options = ("--sandbox", "--transport", "http", "--port", "0", *PINNED)
    async with started(*options, VAPI_MCP_READ_TOKENS=READ[0]) as running:
        url = await running.url()

        async def ask(method: str, **params: Any) -> dict[str, Any]:
            headers = {
                "Authorization": f"Bearer {READ[0]}",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": version,
            }
            if version == "2026-07-28":
                headers["Mcp-Method"] = method
                if "uri" in params:
                    headers["Mcp-Name"] = params["uri"]
                params["_meta"] = META
            body = request(method, **params)
            return message(await http.post(url, json=body, headers=headers))["result"]

        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            is_listed(await ask("resources/list"), await ask("tools/list"))
            is_viewer(await ask("resources/read", uri=VIEWER))
            refused = await http.post(url, json=request("resources/read", uri=VIEWER))
        assert refused.status_code == 401
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
