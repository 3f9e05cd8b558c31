"""What a client sends too slowly, reads too slowly or not at all holds no place for long."""

import resource
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import anyio
import pytest

from support.limited import LARGE, Client, listening
from vapi_sessions_mcp.transports.limits import (
    FEWEST_CALLS,
    MOST_CALLS,
    SPARE,
    Limits,
    calls_at_once,
)

pytestmark = pytest.mark.anyio

SOON = 0.05
LATER = 20.0
CHUNKED = b"Transfer-Encoding: chunked"
HOST = b"Host: localhost\r\n"
HEALTH = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
HELD = HEALTH.replace(b"/health/live", b"/held")
MUCH = HEALTH.replace(b"/health/live", b"/large")
POST = b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n"
HALF_A_HEAD = POST[:-10]
HALF_A_BODY = POST + b"a"


def limits(**given: Any) -> Limits:
    """Limits of which no test reaches any but those given."""
    patient: dict[str, Any] = dict.fromkeys(("head", "body", "gap", "idle", "unread"), LATER)
    return Limits(**{**patient, **given})


async def trickle(client: Client) -> None:
    """Send a byte now and then, for as long as anybody takes it."""
    while True:
        await anyio.sleep(SOON / 10)
        await client.send(b"x")


async def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    # Load balancers open connections ahead of need, and would take a word for an answer.
    async with listening(limits(head=SOON)) as server, server.client() as client:
        assert await client.rest() == b""


@pytest.mark.parametrize("limit", ["head", "body", "gap"])
async def test_half_a_request_is_refused_with_408(limit: str) -> None:
    # Two hundred connections with half a request in each kept everybody else out.
    async with listening(limits(**{limit: SOON})) as server, server.client() as client:
        await client.send(HALF_A_HEAD if limit == "head" else HALF_A_BODY)
        answer = await client.rest()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert body == (
        b'{"message":"The request did not arrive in time.","error":"Request Timeout",'
        b'"statusCode":408}'
    )


@pytest.mark.parametrize("limit", ["head", "body"])
async def test_a_byte_now_and_then_holds_no_connection_open(limit: str) -> None:
    # A limit that each byte starts anew would be none.
    begun = HALF_A_HEAD if limit == "head" else HALF_A_BODY.replace(b": 4", b": 400000")
    async with listening(limits(**{limit: SOON})) as server, server.client() as client:
        await client.send(begun)
        async with anyio.create_task_group() as tasks:
            with pytest.raises(anyio.BrokenResourceError):
                await trickle(client)
            tasks.cancel_scope.cancel()


async def test_a_slow_request_that_arrives_in_time_is_answered() -> None:
    # Phones send over bad networks.
    async with listening(limits()) as server, server.client() as client:
        await client.send(*(bytes([byte]) for byte in HALF_A_BODY), b"bcd")
        assert await client.status() == 200


async def test_a_body_that_was_refused_unread_is_not_waited_for_either() -> None:
    # Whoever may not call could otherwise hold a connection all the same.
    async with listening(limits(gap=SOON)) as server, server.client() as client:
        await client.send(HALF_A_BODY.replace(b"/echo", b"/refused"))
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("path", "answers"), [(b"/echo", [b"", b"HTTP/1.1 400"]), (b"/refused", [b"", b"HTTP/1.1 403"])]
)
async def test_a_body_in_chunks_of_a_byte_each_is_given_up(
    path: bytes, answers: list[bytes]
) -> None:
    # To take 4 MiB apart that way keeps everybody else waiting for half a minute.
    chunked = POST.replace(b"/echo", path).replace(b"Content-Length: 4", CHUNKED)
    async with listening(limits(parsing=SOON)) as server, server.client() as client:
        with suppress(anyio.BrokenResourceError):
            await client.send(chunked, b"1\r\na\r\n" * 200_000)
        # What was answered is lost where the rest of the body was on its way.
        answer = await client.rest()
        assert answer[:12] in answers
        assert answer.count(b"HTTP/1.1") <= 1


async def test_a_large_body_is_read_in_pieces_and_arrives_whole() -> None:
    # Between two pieces others are served, and none of them may get lost.
    body = b"".join(b"%x\r\n%s\r\n" % (n, b"a" * n) for n in range(1, 400)) + b"0\r\n\r\n"
    async with listening(limits()) as server, server.client() as client:
        await client.send(POST.replace(b"Content-Length: 4", CHUNKED) + body + HEALTH)
        assert b'{"size":79800}' in await client.rest(most=200)


@pytest.mark.parametrize(("size", "status"), [(100_000, 200), (200_000, 400)])
async def test_a_head_may_have_128_kib(size: int, status: int) -> None:
    # Nobody can say yet who sends it.
    head = HEALTH.replace(HOST, HOST + b"X: " + b"a" * size + b"\r\n")
    async with listening(limits()) as server:
        assert await server.asked(head) == status


async def test_a_connection_is_kept_between_requests_but_not_for_ever() -> None:
    # A handshake for each call is dear; a connection that nobody uses any more is dear, too.
    async with listening(limits(head=SOON, idle=4 * SOON)) as server, server.client() as client:
        await client.send(HEALTH)
        assert await client.status() == 200
        await client.send(HALF_A_BODY.replace(b"/echo", b"/refused"))
        assert await client.status() == 403
        await client.send(b"bcd")
        # Longer than a head may take, for nothing of one has come.
        await anyio.sleep(2 * SOON)
        await client.send(HEALTH)
        assert await client.status() == 200
        assert await client.rest() == b""


async def test_a_pipelined_request_is_answered_after_the_one_before_it() -> None:
    # Some programs send the next request before the first answer has come.
    async with listening(limits(idle=SOON)) as server, server.client() as client:
        await client.send(HELD + HEALTH + HALF_A_HEAD)
        await server.until_begun(1)
        server.release.set()
        assert (await client.rest()).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("kept", [b"", b"Connection: close\r\n"])
async def test_an_answer_that_nobody_reads_is_dropped(kept: bytes) -> None:
    # It can be megabytes, and would stay in memory for as long as the client likes.
    async with listening(limits(unread=SOON)) as server, server.client() as client:
        await client.send(MUCH.replace(HOST, HOST + kept))
        await server.until_begun(1)
        await anyio.sleep(10 * SOON)
        assert len(await client.rest()) < LARGE


@pytest.mark.parametrize("kept", [b"", b"Connection: close\r\n"])
async def test_an_answer_that_is_read_slowly_arrives_whole(kept: bytes) -> None:
    # Thirty megabytes take their time on a good network, too.
    # In 0.8 s, of which none passes in which nothing is read for ten times as long as a pause.
    async with listening(limits(unread=10 * SOON, idle=SOON)) as server, server.client() as client:
        await client.send(MUCH.replace(HOST, HOST + kept))
        answer = await client.rest(pause=0.003)
        assert len(answer.partition(b"\r\n\r\n")[2]) == LARGE


async def test_a_connection_goes_on_after_an_answer_that_took_long_to_read() -> None:
    # The time for one answer must not run into the next.
    async with listening(limits(unread=4 * SOON)) as server, server.client() as client:
        await client.send(MUCH)
        await client.rest(most=LARGE)
        await anyio.sleep(8 * SOON)
        await client.send(HEALTH)
        assert b"HTTP/1.1 200 OK" in await client.rest(most=100)


async def test_silent_connections_make_room_for_those_that_speak() -> None:
    # However many say nothing, whoever has something to say is heard at once, on either port.
    places = limits(calls=1)
    async with listening(places) as server, anyio.create_task_group() as tasks:
        gone = anyio.Event()

        async def keep_silent(begun: bytes, ready: anyio.Event) -> None:
            async with server.client() as client:
                await client.send(begun)
                ready.set()
                await client.rest()
                gone.set()

        for begun in [b"", HALF_A_HEAD] * places.connections:
            ready = anyio.Event()
            tasks.start_soon(keep_silent, begun, ready)
            await ready.wait()
        for port in (0, 1):
            assert await server.asked(HEALTH, port) == 200
            assert await server.asked(POST + b"abcd", port) == 200
        await gone.wait()
        tasks.cancel_scope.cancel()


async def test_half_a_call_makes_room_for_a_whole_one() -> None:
    # Otherwise as many half bodies as there may be calls would stop all calls.
    async with listening(limits(calls=1)) as server, server.client() as client:
        await client.send(HALF_A_BODY)
        await server.until_begun(1)
        assert await server.asked(POST + b"abcd", port=1) == 200
        assert (await client.rest()).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")


async def test_more_calls_than_there_are_files_for_are_503_but_health_is_not() -> None:
    # An orchestrator that gets no health restarts the server, with all calls in flight.
    async with listening(limits(calls=1)) as server, server.client() as client:
        await client.send(HELD)
        await server.until_begun(1)
        for port in (0, 1):
            async with server.client(port) as other:
                await other.send(POST + b"abcd")
                refused = await other.rest()
            assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"retry-after: 1\r\n" in refused
            assert await server.asked(HEALTH, port) == 200
        server.release.set()
        assert await client.status() == 200
        assert await server.asked(POST + b"abcd") == 200


async def test_who_comes_when_every_place_is_busy_is_let_go_at_once() -> None:
    # A connection that is accepted and never served costs the client a time-out.
    places = limits(calls=1)
    async with listening(places) as server, anyio.create_task_group() as tasks:

        async def read_nothing() -> None:
            async with server.client() as client:
                await client.send(MUCH)
                await anyio.sleep_forever()

        for count in range(places.connections):
            tasks.start_soon(read_nothing)
            await server.until_begun(count + 1)
        async with server.client() as client:
            assert await client.rest() == b""
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("begun", [b"", HALF_A_HEAD, HALF_A_BODY, HEALTH])
async def test_a_stop_waits_for_no_silent_client(begun: bytes) -> None:
    # It would be killed by its orchestrator for waiting, with calls of others in flight.
    async with listening(limits(), grace=LATER) as server, server.client() as client:
        await client.send(begun)
        if begun == HEALTH:
            assert await client.status() == 200
        # By the time this is answered, what was sent before has been received.
        assert await server.asked(HEALTH) == 200
        server.stop.set()
        with anyio.fail_after(LATER / 4):
            await server.ended.wait()
        assert (await client.rest())[:12] == (b"HTTP/1.1 503" if begun == HALF_A_BODY else b"")


@contextmanager
def files(count: int) -> Generator[None]:
    """As if this process could open no more files than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("count", "calls"), [(64, FEWEST_CALLS), (200, 52), (1024, 464), (5_000, MOST_CALLS)]
)
def test_there_are_as_many_calls_as_files_for_them(count: int, calls: int) -> None:
    # Without a file no connection is accepted, and none to Vapi is made.
    with files(count):
        assert calls_at_once() == calls
        assert Limits().connections == calls + SPARE
