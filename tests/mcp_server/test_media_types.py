"""An answer in the media type that its client accepts."""

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from vapi_sessions_mcp.mcp_server.media_types import MediaTypes

pytestmark = pytest.mark.anyio

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{}}'
PROGRESS = b'{"jsonrpc":"2.0","method":"notifications/progress"}'


async def streams(scope: Scope, receive: Receive, send: Send) -> None:
    """Progress and the answer, as events."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for data in (PROGRESS, ANSWER):
        body = b"event: message\r\ndata: " + data + b"\r\n\r\n"
        await send({"type": "http.response.body", "body": body, "more_body": data == PROGRESS})


@pytest.mark.parametrize("accepted", ["application/json", "application/*", "*/*"])
async def test_who_cannot_read_events_gets_the_answer_alone(accepted: str) -> None:
    # A call that reports progress is answered in events, and a plain client reads JSON.
    transport = httpx2.ASGITransport(MediaTypes(streams))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/mcp", headers={"Accept": accepted})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(ANSWER))
    assert answer.content == ANSWER
