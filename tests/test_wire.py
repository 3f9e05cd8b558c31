"""Connections to Vapi: one request each at a time, and nothing else is taken for its answer."""

import asyncio
import socket
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import httpx2
import pytest

from support.faulty_vapi import FaultyVapi, Reply, cut, reply, slow
from vapi_sessions_mcp.wire import Wire

pytestmark = pytest.mark.anyio
PATIENCE = 20
WHOLE = reply(said=b"all of it")
LONG = b"x" * 20_000_000


@asynccontextmanager
async def calling(vapi: FaultyVapi, idle: float = 600) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of `vapi`."""
    transport = Wire(ssl.create_default_context(), idle)
    with anyio.fail_after(PATIENCE):
        async with httpx2.AsyncClient(
            transport=transport, base_url=vapi.url, timeout=None
        ) as client:
            yield client


async def test_a_connection_is_used_again() -> None:
    # To make one takes two round trips more, and three with TLS.
    async with FaultyVapi(otherwise=WHOLE) as vapi, calling(vapi) as client:
        for number in range(3):
            answer = await client.post("/session", content=b"%d" % number, headers={"X-A": "b"})
            assert (answer.status_code, answer.content) == (200, b"all of it")
        assert vapi.connections == 1
    assert [(seen.method, seen.path, seen.body) for seen in vapi.requests] == [
        ("POST", "/session", b"%d" % number) for number in range(3)
    ]
    assert vapi.requests[0].headers["X-A"] == "b"
    assert vapi.requests[0].headers["Host"] == vapi.netloc


async def test_requests_at_once_have_a_connection_each() -> None:
    # One would get the answer of the other.
    async with FaultyVapi(otherwise=WHOLE) as vapi, calling(vapi) as client:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(client.get, "/")
        assert vapi.connections == 5
        await client.get("/")
        assert vapi.connections == 5


async def test_what_nobody_uses_for_long_is_closed() -> None:
    # A server that closes first may do so while a request is on its way.
    async with FaultyVapi(otherwise=WHOLE) as vapi, calling(vapi, idle=0.1) as client:
        await client.get("/")
        await vapi.until(lambda vapi: vapi.hung_up == 1)
        await client.get("/")
        assert vapi.connections == 2


async def test_all_are_closed_in_the_end() -> None:
    # They would be open for as long as the process runs.
    async with FaultyVapi(otherwise=WHOLE) as vapi:
        async with calling(vapi) as client:
            await client.get("/")
        await vapi.until(lambda vapi: vapi.hung_up == 1)


async def test_what_ends_after_all_were_closed_leaves_no_connection() -> None:
    # A change that was sent is let finish while the process ends.
    async with FaultyVapi(slow(WHOLE)) as vapi:
        transport = Wire(ssl.create_default_context(), 600)
        client = httpx2.AsyncClient(transport=transport, base_url=vapi.url, timeout=None)
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.get, "/")
                await vapi.until(lambda vapi: len(vapi.requests) == 1)
                await client.aclose()
                vapi.release()
            await vapi.until(lambda vapi: vapi.hung_up == 1)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_connection_that_was_closed_meanwhile_is_not_used(method: str) -> None:
    # A change that was sent on it may or may not have happened.
    async with FaultyVapi(otherwise=WHOLE) as vapi, calling(vapi) as client:
        await client.get("/")
        await vapi.hang_up()
        # The event loop has heard nothing of it yet.
        assert (await client.request(method, "/")).content == b"all of it"
        assert vapi.connections == 2
        await vapi.hang_up()
        await anyio.wait_all_tasks_blocked()
        assert (await client.request(method, "/")).content == b"all of it"


STRAY = reply(said=b"of somebody else").raw


async def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_request() -> None:
    # They would be somebody else's session.
    for late in (False, True):
        script = Reply(raw=WHOLE.raw, slowly=(STRAY,)) if late else Reply(raw=WHOLE.raw + STRAY)
        async with FaultyVapi(script, otherwise=WHOLE) as vapi, calling(vapi) as client:
            assert (await client.get("/")).content == b"all of it"
            if late:
                await vapi.until(lambda vapi: vapi.answered == 1)
            for _ in range(2):
                assert (await client.get("/")).content == b"all of it"
            assert vapi.connections == 2


async def test_a_connection_that_is_not_to_be_used_again_is_not() -> None:
    # Its owner says so, or has closed it with its answer.
    closing = reply(said=b"all of it", connection="close")
    async with FaultyVapi(closing, otherwise=WHOLE) as vapi, calling(vapi) as client:
        request = client.build_request("GET", "/")
        for count in (1, 2, 3):
            answer = await client.send(request, stream=True)
            if count == 2:
                await answer.extensions["network_stream"].aclose()
            await answer.aclose()
            assert vapi.connections == min(count, 3)
        # The third was closed with half an answer unread, at most.
        assert (await client.get("/")).content == b"all of it"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS: dict[str, tuple[bytes, int, bytes]] = {
    "chunks": (
        CHUNKED + b"4\r\nall \r\n5\r\nof it\r\n0\r\n\r\n",
        200,
        b"all of it",
    ),
    "trailers": (
        CHUNKED + b"3\r\nall\r\n0\r\nX-A: b\r\n\r\n",
        200,
        b"all",
    ),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "an early hint": (b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + WHOLE.raw, 200, b"all of it"),
    "a refusal": (reply(429, b"no").raw, 429, b"no"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_whole_and_leaves_its_connection_in_order(name: str) -> None:
    # However it is written.
    raw, status, body = ANSWERS[name]
    async with FaultyVapi(Reply(raw=raw), otherwise=WHOLE) as vapi, calling(vapi) as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.content) == (status, body)
        assert "Link" not in answer.headers
        assert (await client.get("/")).content == b"all of it"
        assert vapi.connections == 1


async def test_an_answer_of_no_length_ends_with_its_connection() -> None:
    # As in HTTP/1.0.
    raw = b"HTTP/1.1 200 OK\r\n\r\nall of it"
    async with FaultyVapi(Reply(raw=raw, then="close")) as vapi, calling(vapi) as client:
        assert (await client.get("/")).content == b"all of it"


BROKEN: dict[str, Reply] = {
    "cut off": cut("close"),
    "reset": cut("reset"),
    "closed before": Reply(then="close"),
    "reset before": Reply(then="reset"),
    "no HTTP": Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"),
    "chunks cut off": Reply(raw=CHUNKED + b"4\r\nall ", then="close"),
    "a chunk of no length": Reply(raw=CHUNKED + b"what\r\nall "),
    "an upgrade": Reply(
        raw=b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nxxxx"
    ),
    "two lengths": Reply(
        raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    ),
    "headers without end": Reply(
        raw=b"HTTP/1.1 200 OK\r\n" + b"X-A: %s\r\n" % (b"b" * 1_000) * 200, then="hang"
    ),
    "no length, and reset": Reply(raw=b"HTTP/1.1 200 OK\r\n\r\nall", then="reset"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_breaks_an_answer_off_is_no_refusal_to_connect(name: str) -> None:
    # The request was sent, and may have been followed.
    async with FaultyVapi(BROKEN[name], otherwise=WHOLE) as vapi, calling(vapi) as client:
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)) as raised:
            await client.post("/", content=b"a")
        assert raised.value.request.method == "POST"
        assert (await client.get("/")).content == b"all of it"


async def test_nobody_listening_is_a_refusal_to_connect() -> None:
    # Nothing was sent, so that it may be sent again.
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/"
    async with FaultyVapi(otherwise=WHOLE) as vapi, calling(vapi) as client:
        with pytest.raises(httpx2.ConnectError, match=r"^All connection attempts failed$"):
            await client.get(nobody)
        with pytest.raises(httpx2.ConnectError, match=r"^\[Errno -?\d+\] "):
            await client.get("http://no-such-host.invalid/")
        for odd in ("vapi..invalid", f"{'a' * 64}.invalid"):
            with pytest.raises(httpx2.ConnectError, match=r"label"):
                await client.get(f"http://{odd}/")
        at_once = httpx2.Timeout(None, connect=0)
        with pytest.raises(httpx2.ConnectTimeout):
            await client.get("/", timeout=at_once)
        assert not vapi.requests


async def test_an_answer_is_read_no_faster_than_it_is_wanted() -> None:
    # Megabytes would wait in this process for a reader that is slow.
    async with FaultyVapi(reply(said=LONG), otherwise=WHOLE) as vapi, calling(vapi) as client:
        answer = await client.send(client.build_request("GET", "/"), stream=True)
        for _ in range(500):  # enough to read all of it, piece by piece
            await anyio.lowlevel.checkpoint()
        assert vapi.answered == 0
        assert await answer.aread() == LONG
        assert (await client.get("/")).content == b"all of it"
        assert vapi.connections == 1


async def test_an_answer_before_all_was_sent_ends_the_connection() -> None:
    # What is left of the request would be the beginning of the next.
    connections = list[StreamWriter]()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE.raw)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, FaultyVapi() as vapi, calling(vapi) as client:
        url = "http://{}:{}/".format(*server.sockets[0].getsockname())
        for _ in range(2):
            assert (await client.post(url, content=LONG)).content == b"all of it"
        assert len(connections) == 2
        for writer in connections:
            writer.transport.abort()


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nB: c", "a\rb", "a\0b"])
async def test_a_header_cannot_end_early(value: str) -> None:
    # Whoever chose it could write headers of their own, or a second request.
    async with FaultyVapi() as vapi, calling(vapi) as client:
        request = client.build_request("GET", "/")
        request.headers["X-A"] = value
        with pytest.raises(httpx2.LocalProtocolError) as raised:
            await client.send(request)
        assert value not in str(raised.value)
    assert not vapi.requests


async def test_a_request_that_is_cancelled_takes_its_connection_along() -> None:
    # Its answer would be read as the next one's.
    async with FaultyVapi(Reply(then="hang"), otherwise=WHOLE) as vapi, calling(vapi) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.get, "/")
            await vapi.until(lambda vapi: len(vapi.requests) == 1)
            tasks.cancel_scope.cancel()
        await vapi.until(lambda vapi: vapi.hung_up == 1)
        assert (await client.get("/")).content == b"all of it"
