"""An issuer's keys are fetched when needed, kept for a while, and not waited for."""

import socket

import anyio
import httpx2
import pytest

from support.authorization_server import (
    AUDIENCE,
    JWKS,
    OAUTH,
    OPENID,
    AuthorizationServer,
    authorization_server,
)
from support.broken import WORDS, faults
from support.issuers import NO_KEY, Clock, accepted, refused, segment, unreachable
from vapi_sessions_mcp.access.oauth import Issuer

pytestmark = [pytest.mark.anyio, pytest.mark.clock]

HOUR = 3600
WRONG_SIGNATURE = "The signature of the token is wrong"


class Watched(httpx2.AsyncHTTPTransport):
    """The network, counting how often it is closed; while it `fails`, nobody foresaw how."""

    closed = 0
    fails = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.fails:
            raise RuntimeError(WORDS)
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        self.closed += 1
        await super().aclose()


async def test_a_new_key_is_accepted_and_a_withdrawn_one_no_longer(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # Keys are rotated on a schedule, and withdrawn in a hurry when one was stolen.
    old = await server.token()
    await accepted(issuer, old)
    new = await server.token(key=await server.rotate())
    await server.withdraw("rsa")
    clock.now += 1
    assert (await accepted(issuer, new)).client_id == "client-1"
    assert await refused(issuer, old) == NO_KEY


async def test_a_withdrawn_key_is_noticed_within_five_minutes_without_a_new_one(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # Nothing but the clock may tell.
    token = await server.token()
    await accepted(issuer, token)
    await server.withdraw("rsa")
    clock.now += 299
    await accepted(issuer, token)
    assert await server.fetches() == 1
    clock.now += 1
    assert await refused(issuer, token) == NO_KEY


async def test_made_up_key_ids_reach_the_issuer_once_a_second_at_most(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # Else anyone could have us take the issuer down, or be locked out by it.
    forged = [await server.token(key="ed", headers={"kid": str(n)}) for n in range(100)]
    for token in forged:
        assert await refused(issuer, token) == NO_KEY
    assert await server.fetches() == 1
    clock.now += 1
    async with anyio.create_task_group() as tasks:
        for token in forged:
            tasks.start_soon(refused, issuer, token)
    assert await server.fetches() == 2
    await accepted(issuer, await server.token())


async def test_fifty_verifications_at_once_fetch_the_keys_once(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # A server that just started meets all its clients at the same moment.
    tokens = [await server.token(sub=f"user-{n}") for n in range(50)]
    subjects: dict[str, str | None] = {}

    async def verify(token: str) -> None:
        subjects[token] = (await accepted(issuer, token)).subject

    async with anyio.create_task_group() as tasks:
        for token in tokens:
            tasks.start_soon(verify, token)
    assert subjects == {token: f"user-{n}" for n, token in enumerate(tokens)}
    assert await server.fetches() == 1


async def test_an_issuer_that_is_down_at_first_is_asked_again(clock: Clock) -> None:
    # Containers start in any order.
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        issuer = Issuer(f"http://127.0.0.1:{port}", [AUDIENCE], elapsed=clock)
        async with issuer:
            said = await unreachable(issuer, f"{segment({'alg': 'RS256'})}.e30.AAAA")
            assert said == "no usable answer from 127.0.0.1 (All connection attempts failed)."
    async with issuer, authorization_server(port) as server:
        token = await server.token()
        assert await unreachable(issuer, token) == said
        assert await server.fetches(OAUTH) == 0
        clock.now += 1
        await accepted(issuer, token)


async def test_keys_are_kept_for_an_hour_while_the_issuer_fails(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # An outage of the authorization server must not be ours as well, nor a key live for ever.
    token, other = await server.token(), await server.token(key="foreign")
    await accepted(issuer, token)
    await server.fail()
    clock.now += HOUR - 1
    await accepted(issuer, token)
    assert await server.fetches(OAUTH) == 2
    said = f"{server.url}{OAUTH} answered 500; {server.url}{OPENID} answered 500."
    assert await unreachable(issuer, other) == said
    clock.now += 1
    assert await unreachable(issuer, token) == said
    await server.recover()
    clock.now += 1
    await accepted(issuer, token)
    assert await refused(issuer, other) == NO_KEY


@pytest.mark.parametrize("at", [OAUTH, JWKS])
async def test_an_issuer_that_hangs_is_given_up(server: AuthorizationServer, at: str) -> None:
    # Every caller would hang along.
    await server.hang(at)
    async with Issuer(server.url, [AUDIENCE], timeout=0.3) as issuer:
        with anyio.fail_after(5):
            assert await unreachable(issuer, await server.token()) == "no answer within 0.3 s."


async def test_an_issuer_that_hangs_delays_nobody_whose_key_is_at_hand(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # Keys that are five minutes old are worth more than a minute of waiting.
    token = await server.token()
    await accepted(issuer, token)
    await server.hang()
    clock.now += 300
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(issuer.verify, token)
        await server.until_fetched(2, OAUTH)
        with anyio.fail_after(5):
            await issuer.verify(token)
    # Nor does the one who asked wait for the issuer's whole timeout, which is ten seconds.
    assert await server.fetches(OAUTH) == 2
    await issuer.verify(token)
    assert await server.fetches(OAUTH) == 2


async def test_after_a_refresh_that_failed_nobody_waits_for_the_next(
    server: AuthorizationServer, clock: Clock
) -> None:
    # An outage of an hour must not cost every caller a moment.
    token = await server.token()
    async with Issuer(server.url, [AUDIENCE], timeout=0.3, elapsed=clock) as issuer:
        await accepted(issuer, token)
        await server.hang()
        clock.now += 300
        await accepted(issuer, token)
        clock.now += 1
        await accepted(issuer, token)
        await server.until_fetched(3, OAUTH)
    # What is still under way when the server stops does not hold it up.


async def test_what_nobody_foresaw_in_a_refresh_ends_neither_the_server_nor_the_keys(
    server: AuthorizationServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    # It runs beside all calls, and an exception there would end every one of them.
    token, network = await server.token(), Watched()
    async with Issuer(server.url, [AUDIENCE], transport=network, elapsed=clock) as issuer:
        await accepted(issuer, token)
        network.fails = True
        clock.now += 300
        await accepted(issuer, token)
        clock.now += HOUR
        assert await unreachable(issuer, token) == "its answer could not be read."
        assert [fault["exception"] for fault in faults(caplog.records)] == ["RuntimeError"] * 2
        network.fails = False
        clock.now += 1
        await accepted(issuer, token)
    assert WORDS not in caplog.text


@pytest.mark.parametrize("kid", [None, "rsa"])
async def test_a_new_key_under_the_old_id_or_under_none_is_looked_for_at_once(
    server: AuthorizationServer, issuer: Issuer, clock: Clock, kid: str | None
) -> None:
    # An issuer with one key may give it no id, and everybody was refused for five minutes.
    await server.publish({"key": "rsa", "kid": kid})
    old = await server.token(headers={"kid": kid})
    await accepted(issuer, old)
    await server.publish({"key": "foreign", "kid": kid})
    new = await server.token(key="foreign", headers={"kid": kid})
    clock.now += 1
    await accepted(issuer, new)
    assert await refused(issuer, old) == WRONG_SIGNATURE
    assert await server.fetches() == 2


async def test_wrong_signatures_reach_the_issuer_once_a_second_at_most(
    server: AuthorizationServer, issuer: Issuer, clock: Clock
) -> None:
    # Anybody can sign with a key of their own, as often as they like.
    forged = [
        await server.token(key="foreign", headers={"kid": "rsa"}, jti=f"{n}") for n in range(50)
    ]
    for token in forged:
        assert await refused(issuer, token) == WRONG_SIGNATURE
    assert await server.fetches() == 1
    clock.now += 1
    async with anyio.create_task_group() as tasks:
        for token in forged:
            tasks.start_soon(refused, issuer, token)
    assert await server.fetches() == 2
    # While the issuer is down they are wrong all the same, and good ones good.
    await server.fail()
    clock.now += 1
    assert await refused(issuer, forged[0]) == WRONG_SIGNATURE
    await server.recover()
    await accepted(issuer, await server.token())


async def test_a_caller_that_leaves_during_the_first_fetch_harms_nobody(
    server: AuthorizationServer, issuer: Issuer
) -> None:
    # The next one would otherwise be refused for want of keys.
    token = await server.token()
    await server.hang()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(issuer.verify, token)
        await server.until_fetched(1, OAUTH)
        tasks.cancel_scope.cancel()
    await server.recover()
    await accepted(issuer, token)


async def test_the_connection_is_closed_by_whoever_leaves_last(
    server: AuthorizationServer, clock: Clock
) -> None:
    # MCP and REST share an issuer, and end one after the other.
    token, network = await server.token(), Watched()
    issuer = Issuer(server.url, [AUDIENCE], transport=network, elapsed=clock)
    async with issuer:
        async with issuer:
            await accepted(issuer, token)
        clock.now += HOUR
        await accepted(issuer, token)
        assert network.closed == 0
    assert network.closed == 1
    async with issuer:
        await accepted(issuer, token)
        assert network.closed == 1
    assert network.closed == 2


async def test_an_issuer_that_is_not_open_verifies_nothing() -> None:
    # Its connections would never be closed.
    with pytest.raises(RuntimeError, match="inside `async with` only"):
        await Issuer("https://issuer.example", [AUDIENCE]).verify("eyJhbGciOiJSUzI1NiJ9.e30.AA")


def test_an_issuer_needs_a_url() -> None:
    # Better at the start than with the first caller.
    with pytest.raises(ValueError):
        Issuer("https://[", [AUDIENCE])
