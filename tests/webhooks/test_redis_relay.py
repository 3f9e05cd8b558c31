"""Changes reach every replica over a real Redis; while it is gone, nobody waits for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from redis.asyncio import Redis

from support.redis_server import RedisServer
from support.webhooks import posted, until
from vapi_sessions_mcp.webhooks.events import UPDATED, Change
from vapi_sessions_mcp.webhooks.redis_relay import CHANNEL, MAX_BYTES, MOST, Relay

pytestmark = pytest.mark.anyio

PATIENCE = 30
DOWN = "Redis fails"
UP = "Redis works again: changes of all replicas are heard"


class Replica:
    """One that hears, and what it heard."""

    def __init__(self, url: str) -> None:
        self.heard: list[Change] = []
        self._more = anyio.Event()
        self.relay = Relay(url, self._hear)

    def _hear(self, change: Change) -> None:
        self.heard.append(change)
        self._more.set()

    async def has(self, *changes: Change) -> None:
        """Wait until it has heard these, in any order, and perhaps more."""
        while not {*changes} <= {*self.heard}:
            self._more = anyio.Event()
            await self._more.wait()


@asynccontextmanager
async def running(*replicas: Replica) -> AsyncGenerator[None]:
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for replica in replicas:
                tasks.start_soon(replica.relay.run)
            yield
            tasks.cancel_scope.cancel()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[RedisServer]:
    async with RedisServer(tmp_path) as server:
        yield server


def a_client(url: str) -> Any:
    """A client of the Redis itself."""
    return cast("Any", Redis).from_url(url)


async def subscribed(url: str, count: int) -> None:
    """Wait until so many hear."""
    async with a_client(url) as client:
        while True:
            [(_, hearing)] = await client.pubsub_numsub(CHANNEL)
            if hearing == count:
                return
            await anyio.sleep(0.01)


async def denied(client: Any, count: int) -> None:
    """Wait until the Redis has refused something so often."""
    while True:
        errors = await client.info("errorstats")
        if errors.get("errorstat_NOPERM", {"count": 0})["count"] >= count:
            return
        await anyio.sleep(0.01)


def change(number: int = 1, time: str = "t1") -> Change:
    return Change(UPDATED, f"s-{number}", time, "a-1", "")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "webhooks" in each.name]


async def test_what_one_replica_is_told_all_hear(server: RedisServer) -> None:
    # Vapi reports to one of them, and a subscriber is at another.
    replicas = [Replica(server.url) for _ in range(3)]
    async with running(*replicas):
        await subscribed(server.url, 3)
        changes = [change(number) for number in range(1_200)]
        for each in changes:
            replicas[0].relay.forward(each)
        for replica in replicas:
            await replica.has(*changes)
        # What waits is what has not been sent: all of it has.
        await until(lambda: replicas[0].relay.waiting == 0)
        replicas[1].relay.forward(change(1, "t2"))
        await replicas[2].has(change(1, "t2"))


async def test_a_redis_that_comes_back_brings_what_waited(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    # A restart of it must need none of ours, and the log says when replicas are on their own.
    one, two = Replica(server.url), Replica(server.url)
    async with running(one, two):
        await subscribed(server.url, 2)
        await server.stop()
        await until(lambda: any(DOWN in line for line in said(caplog)))
        one.relay.forward(change())
        assert one.relay.waiting == 1
        await server.start()
        await until(lambda: said(caplog).count(UP) == 2)
        one.relay.forward(change(2))
        await two.has(change(2))
    assert len([line for line in said(caplog) if DOWN in line]) == 2
    assert RedisServer.PASSWORD not in caplog.text


async def test_a_redis_can_be_a_socket_of_this_machine(server: RedisServer) -> None:
    # It needs no port, and nobody else can reach it.
    one, two = Replica(server.socket_url), Replica(server.url)
    async with running(one, two):
        await subscribed(server.url, 2)
        one.relay.forward(change())
        await two.has(change())
        two.relay.forward(change(2))
        await one.has(change(2))


async def test_each_outage_is_said_and_each_end_of_one(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    # Whoever reads the last line believes it, and outages come in rows.
    replica = Replica(server.url)
    async with running(replica), a_client(server.url) as client:
        await subscribed(server.url, 1)
        for number in range(1, 4):
            await client.client_kill_filter(_type="pubsub")
            await until(lambda lines=2 * number: len(said(caplog)) == lines)
        await server.stop()
        await until(lambda: said(caplog)[-1].startswith(DOWN))
        await server.start()
        await until(lambda: said(caplog)[-1] == UP)
    lines = said(caplog)
    assert len(lines) == 8
    assert all(line.startswith(DOWN) for line in lines[::2])
    assert lines[1::2] == [UP] * 4


async def test_a_connection_that_was_closed_while_idle_is_no_outage(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    # Many a Redis closes them; nothing is lost, and the outage after it is still one.
    replica = Replica(server.url)
    async with running(replica), a_client(server.url) as client:
        await subscribed(server.url, 1)
        for number in range(3):
            replica.relay.forward(change(number))
            await replica.has(change(number))
            # What receives is left alone.
            await client.client_kill_filter(_type="normal", skipme=True)
        replica.relay.forward(change(3))
        await replica.has(change(3))
        await until(lambda: replica.relay.waiting == 0)
        assert said(caplog) == []
        await server.stop()
        await until(lambda: [line[: len(DOWN)] for line in said(caplog)] == [DOWN])
        await server.start()
        await until(lambda: said(caplog)[1:] == [UP])


@pytest.mark.parametrize("forbidden", ["-publish", "-subscribe", "-publish -subscribe"])
async def test_a_redis_that_forbids_something_fails_until_it_forbids_nothing(
    server: RedisServer, caplog: pytest.LogCaptureFixture, forbidden: str
) -> None:
    # The connection is there, and so nothing else than the log says what is missing.
    replica = Replica(server.url)
    async with a_client(server.url) as client:
        await client.execute_command("ACL", "SETUSER", "default", *forbidden.split())
        async with running(replica):
            replica.relay.forward(change())
            # It is tried again meanwhile, and that it was refused again is no news.
            await denied(client, 3 * len(forbidden.split()))
            await until(lambda: len(said(caplog)) > 0)
            assert len(said(caplog)) == 1
            assert said(caplog)[0].startswith(f"{DOWN} (NoPermissionError)")
            allowed = forbidden.replace("-", "+")
            await client.execute_command("ACL", "SETUSER", "default", *allowed.split())
            await until(lambda: said(caplog)[1:] == [UP])


@pytest.mark.parametrize("url", ["redis://:{}@127.0.0.1:9", "redis://:{}@no-such-host.invalid"])
async def test_without_a_redis_a_burst_waits_for_nobody_and_stays_small(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Ten thousand are kept, the newest, and one line says why.
    replica = Replica(url.format(RedisServer.PASSWORD))
    async with running(replica):
        await until(lambda: bool(said(caplog)))
        for number in range(3 * MOST):
            replica.relay.forward(change(number))
            replica.relay.forward(change(number))
            assert replica.relay.waiting <= MOST
    [line] = said(caplog)
    assert line.startswith(DOWN)
    assert RedisServer.PASSWORD not in caplog.text


async def test_a_wrong_password_is_one_line_that_does_not_show_it(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    # It is somebody's secret all the same, perhaps of another server.
    replica = Replica(server.url.replace(server.PASSWORD, "wrong-password-0123"))
    async with running(replica):
        await until(lambda: bool(said(caplog)))
    assert said(caplog)[0].startswith("Redis fails (AuthenticationError)")
    assert "wrong-password" not in caplog.text


@pytest.mark.parametrize("options", ["?decode_responses=true", "?protocol=3", "/5"])
async def test_options_in_the_url_change_nothing_about_what_is_heard(
    server: RedisServer, options: str
) -> None:
    # Some need them, such as the file of a certificate.
    replica, other = Replica(server.url + options), Replica(server.url)
    async with running(replica, other):
        await subscribed(server.url, 2)
        other.relay.forward(change())
        await replica.has(change())
        replica.relay.forward(change(2))
        await other.has(change(2))


@pytest.mark.parametrize(
    "said_by_it", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\x00", b"*-9\r\n"]
)
async def test_something_else_than_a_redis_ends_nothing(
    said_by_it: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    # A port that is another service's since yesterday must not take the calls along.
    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.send(said_by_it)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    replica = Replica(f"redis://127.0.0.1:{port}")
    async with listener, running(replica), anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        replica.relay.forward(change())
        await until(lambda: bool(said(caplog)))
        tasks.cancel_scope.cancel()
    assert said(caplog)[0].startswith(DOWN)


async def test_what_else_comes_over_the_channel_is_ignored(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    # Whoever else uses that Redis must not end what replicas hear, or make URIs up.
    replica = Replica(server.url)
    large = posted(id="s-1", assistantId="a-1", whisper="x" * MAX_BYTES)
    async with running(replica), a_client(server.url) as client:
        await subscribed(server.url, 1)
        odd = (b"", b"\xff", b"[]", posted("status-update"), posted(id="../whisper"), large)
        for each in odd:
            await client.publish(CHANNEL, each)
        replica.relay.forward(change())
        await replica.has(change())
    assert replica.heard == [change()]
    assert len(said(caplog)) == len(odd)
    assert "whisper" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        *("redis://h:port", "redis://h?socket_timeout=soon", "redis://h?foo=1", "unix:///r?foo=1"),
        *("redis://h?retry=1", "rediss://h?ssl_cert_reqs=maybe"),
    ],
)
def test_what_is_no_url_of_a_redis_is_refused_at_the_start(url: str) -> None:
    # Later nobody would look for it there.
    with pytest.raises(ValueError):
        Relay(url, print)
