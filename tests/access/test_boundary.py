"""A request whose handling fails is answered once, and with words of ours only."""

import asyncio

import anyio
import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from support.broken import WORDS, faults
from vapi_sessions_mcp.access.boundary import Boundary

pytestmark = pytest.mark.anyio

HEAD: Message = {"type": "http.response.start", "status": 200, "headers": []}


async def got(app: ASGIApp) -> httpx2.Response:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(Boundary(app)), base_url="http://localhost"
    ) as client:
        return await client.get("/")


async def test_what_fails_before_it_answers_is_answered_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A check that fails must not let anybody in, nor show why it failed.
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError(WORDS)

    answer = await got(app)
    assert answer.status_code == 500
    assert answer.json()["message"] == "Something in this server failed; its log says more."
    assert [fault["exception"] for fault in faults(caplog.records)] == ["KeyError"]


async def test_what_fails_in_the_middle_of_an_answer_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A second answer inside the first would be read as a part of it.
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(HEAD)
        raise KeyError(WORDS)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Boundary(app)({"type": "http"}, receive, send)
    assert sent == [HEAD]
    assert [fault["exception"] for fault in faults(caplog.records)] == ["KeyError"]
    assert WORDS not in caplog.text


async def test_an_answer_that_is_cut_off_is_not_begun_again() -> None:
    # A status behind the beginning of an answer would be read as a part of it.
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(HEAD)
        await anyio.sleep_forever()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    # As uvicorn ends what outlives its grace.
    scope = {"type": "http", "method": "POST"}
    answering = asyncio.ensure_future(Boundary(app)(scope, receive, send))
    await anyio.wait_all_tasks_blocked()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert sent == [HEAD]


async def test_a_server_that_cannot_start_is_told_why() -> None:
    # Nobody is there to be answered, and a server that runs half is worse than none.
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError(scope["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        raise AssertionError

    with pytest.raises(KeyError, match="lifespan"):
        await Boundary(app)({"type": "lifespan"}, receive, send)


async def test_cancellation_passes_untouched(caplog: pytest.LogCaptureFixture) -> None:
    # The caller is gone, and nothing failed.
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    with anyio.move_on_after(0) as scope:
        await got(app)
    assert scope.cancelled_caught
    assert faults(caplog.records) == []
