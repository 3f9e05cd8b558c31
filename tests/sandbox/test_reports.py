"""The sandbox reports what was changed, once it was, as Vapi does."""

import json
from typing import Any

import httpx2
import pytest

from support.sandbox import NOW, connect, stopped
from vapi_sessions_mcp.sandbox import create_app
from vapi_sessions_mcp.sandbox.reports import reporter

pytestmark = pytest.mark.anyio


async def test_each_change_is_reported_once_with_the_session_as_it_is() -> None:
    # A server that is tried out with it must be told what Vapi would tell it.
    reported: list[tuple[str, dict[str, Any]]] = []

    async def report(type: str, session: dict[str, Any]) -> None:
        reported.append((type, session))

    vapi = connect(create_app(clock=stopped, report=report))
    made = (await vapi.post("/session", json={"name": "日本語"})).json()
    changed = (await vapi.patch(f"/session/{made['id']}", json={"status": "completed"})).json()
    for answer in (
        await vapi.get("/session"),
        await vapi.get(f"/session/{made['id']}"),
        await vapi.patch("/session/nobody", json={}),
        await vapi.post("/session", json={"name": 1}),
    ):
        assert answer.status_code in (200, 400, 404)
    await vapi.delete(f"/session/{made['id']}")
    assert reported == [
        ("session.created", made),
        ("session.updated", changed),
        ("session.deleted", changed),
    ]


@pytest.mark.parametrize("status", [204, 401])
async def test_a_report_is_posted_as_vapi_posts_it(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    # What is taken here is what will be taken from Vapi.
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(status)

    url, transport = "http://127.0.0.1:9/hook", httpx2.MockTransport(take)
    report = reporter(url, "secret-0123456789", stopped, transport)
    await report("session.created", {"id": "s"})
    [request] = seen
    assert (request.method, str(request.url)) == ("POST", url)
    assert request.headers["Authorization"] == "Bearer secret-0123456789"
    assert request.headers["Content-Type"] == "application/json"
    timestamp = int(NOW.timestamp() * 1000)
    about = {"type": "session.created", "timestamp": timestamp, "session": {"id": "s"}}
    assert json.loads(request.content) == {"message": about}
    said = [each.getMessage() for each in caplog.records if "sandbox" in each.name]
    assert said == ([] if status == 204 else ["session.created of a session was answered 401"])


async def test_a_report_that_nobody_takes_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The change was made all the same.
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("whisper", request=request)

    transport = httpx2.MockTransport(fail)
    report = reporter("http://127.0.0.1:9/hook", "secret-0123456789", stopped, transport)
    vapi = connect(create_app(clock=stopped, report=report))
    assert (await vapi.post("/session", json={})).status_code == 201
    [line] = [each.getMessage() for each in caplog.records if "sandbox" in each.name]
    assert line == "session.created of a session was not reported: ConnectError"
