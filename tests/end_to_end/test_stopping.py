"""What is under way when a server has to end is told so, and nobody repeats it unawares."""

import signal

import anyio
import httpx2
import pytest

from support.faulty_vapi import SILENT, FaultyVapi
from support.processes import Running, started, url_in
from support.refusals import refused
from support.stdio_calls import INITIALIZED, call, initialize, legacy
from support.tools import CREATE, GET
from vapi_sessions_mcp.errors import READ_AGAIN, STOPPED

pytestmark = pytest.mark.anyio

KEY = "key-0123456789abcdef"
SHORT = ("--grace", "0.5")


def upstream(vapi: FaultyVapi) -> dict[str, str]:
    return {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY}


async def stopped(running: Running) -> str:
    """Its log, once it has ended although a call did not."""
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0
    _, log = await running.rest()
    assert "Traceback" not in log
    assert "Exception" not in log
    return log


@pytest.mark.parametrize("era", ["2025", "2026"])
async def test_over_stdio_each_call_gets_one_answer(era: str) -> None:
    # A closed pipe says nothing of whether the session was made.
    body = {"name": CREATE, "arguments": {"body": {"name": "Ana"}}}
    async with FaultyVapi(otherwise=SILENT) as vapi, started(*SHORT, **upstream(vapi)) as running:
        if era == "2025":
            await running.send(initialize(0, "2025-11-25"))
            await running.receive()
            await running.send(INITIALIZED, legacy(1, "tools/call", **body))
        else:
            await running.send(call(1, CREATE, body={"name": "Ana"}))
        await vapi.until(lambda vapi: len(vapi.requests) == 1)
        running.signal(signal.SIGTERM)
        answer = await running.receive()
        assert (answer["id"], answer["error"]["message"]) == (1, STOPPED)
        assert await running.ended() == 0
        out, log = await running.rest()
        assert out == ""
        assert "Traceback" not in log


@pytest.mark.parametrize(
    ("method", "status", "said"), [("POST", 424, STOPPED), ("GET", 503, READ_AGAIN)]
)
async def test_over_rest_a_change_gets_a_status_that_no_client_repeats(
    method: str, status: int, said: str
) -> None:
    # Vapi's own SDKs send again what got a 5xx: a read should be, a session would be made twice.
    rest = ("--transport", "rest", "--rest-port", "0")
    async with (
        FaultyVapi(otherwise=SILENT) as vapi,
        started(*SHORT, *rest, **upstream(vapi)) as running,
        httpx2.AsyncClient(timeout=30) as client,
    ):
        url = f"{url_in(await running.told('http://'))}/session"
        answers: list[httpx2.Response] = []

        async def ask() -> None:
            answers.append(await client.request(method, url, json={"name": "Ana"}))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await vapi.until(lambda vapi: len(vapi.requests) == 1)
            await stopped(running)
    assert (answers[0].status_code, answers[0].json()["message"]) == (status, said)


@pytest.mark.measured
async def test_over_http_it_does_too() -> None:
    # In 2026-07-28 a lost connection would cancel it, and say nothing.
    http = ("--transport", "http", "--port", "0")
    async with (
        FaultyVapi(otherwise=SILENT) as vapi,
        started(*SHORT, *http, **upstream(vapi)) as running,
        httpx2.AsyncClient(timeout=30) as client,
    ):
        url = await running.url()
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": GET,
        }
        answers: list[httpx2.Response] = []

        async def ask() -> None:
            asked = call(1, GET, id="s-1")
            answers.append(await client.post(url, json=asked, headers=headers))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await vapi.until(lambda vapi: len(vapi.requests) == 1)
            await stopped(running)
    assert refused(answers[0], 424) == STOPPED
