"""Proxies and certificates between a command and Vapi."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from socket import create_server
from typing import TypeAlias

import anyio.to_thread
import pytest

from support.certificates import self_signed
from support.command import Ended, Run, refused
from support.faces import KEY, USUAL
from support.faulty_vapi import FaultyVapi, reply
from support.tools import GET

pytestmark = pytest.mark.anyio

Listing: TypeAlias = Callable[..., Awaitable[Ended]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Real time, in which the command lives."""
    return "asyncio"


@pytest.fixture
def called(run: Run, caplog: pytest.LogCaptureFixture) -> Listing:
    """A list in a shell, with this environment: how it ended, its log with what it said."""

    async def called(**environ: str) -> Ended:
        environ = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", "VAPI_API_KEY": KEY, **environ}
        code, out, err = await anyio.to_thread.run_sync(
            lambda: run("call", "list_sessions", **environ)
        )
        err += caplog.text
        assert KEY not in out + err
        assert "s3cret" not in out + err
        return Ended(code, out, err)

    return called


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_what_is_on_this_machine_is_not_asked_for_through_a_proxy(
    called: Listing, name: str
) -> None:
    # The key crossed the company's network in clear, since such a base URL is http.
    async with FaultyVapi(otherwise=USUAL) as vapi, FaultyVapi() as proxy:
        code, out, err = await called(VAPI_BASE_URL=vapi.url, **{name: proxy.url})
    assert (code, err, bool(out)) == (0, "", True)
    assert proxy.connections == 0
    assert len(vapi.requests) == 1


async def test_a_proxy_that_cannot_be_used_is_no_matter_where_none_is_used(called: Listing) -> None:
    # It stopped the start of a server whose Vapi is on this machine.
    async with FaultyVapi(otherwise=USUAL) as vapi:
        code, _, err = await called(VAPI_BASE_URL=vapi.url, HTTPS_PROXY="http://proxy:hunter2")
    assert (code, err) == (0, "")


async def test_a_proxy_that_refuses_is_named_without_its_password(called: Listing) -> None:
    # "403 Forbidden" looked like an answer of Vapi's.
    async with FaultyVapi(otherwise=reply(403, {})) as proxy:
        url = f"http://user:s3cret@{proxy.netloc}"
        code, _, err = await called(VAPI_BASE_URL="https://vapi.invalid", HTTPS_PROXY=url)
        assert {seen.method for seen in proxy.requests} == {"CONNECT"}
    assert code == 3
    assert err.startswith(
        "vapi-sessions-mcp: Could not list sessions in 3 tries: no connection to vapi.invalid"
        f" through the proxy {proxy.netloc} (HTTPS_PROXY) (403 "
    )
    assert "Nothing was sent; check the network and the base URL" in err


async def test_a_proxy_where_nobody_listens_is_named_too(called: Listing) -> None:
    # The base URL is right, and was looked at for an hour.
    async with FaultyVapi() as proxy:
        pass
    code, _, err = await called(VAPI_BASE_URL="https://vapi.invalid", all_proxy=proxy.netloc)
    assert code == 3
    assert f"no connection to vapi.invalid through the proxy {proxy.netloc} (all_proxy) (" in err


async def test_no_proxy_is_named_where_none_is_between(called: Listing) -> None:
    # NO_PROXY took the host out of it.
    environ = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": ".example,vapi.invalid"}
    code, _, err = await called(VAPI_BASE_URL="https://vapi.invalid", **environ)
    assert code == 3
    assert "no connection to vapi.invalid (" in err
    environ["NO_PROXY"] = "*"
    assert "through" not in (await called(VAPI_BASE_URL="https://vapi.invalid", **environ)).err


async def test_a_certificate_that_is_not_accepted_is_final_and_names_the_way_out(
    called: Listing, tmp_path: Path
) -> None:
    # Three tries and "check the network" sent people to the wrong place.
    file, tls = self_signed(tmp_path)

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(USUAL.raw)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        host = "{}:{}".format(*server.sockets[0].getsockname())
        code, _, err = await called(VAPI_BASE_URL=f"https://{host}")
        assert code == 3
        assert err == (
            f"vapi-sessions-mcp: Could not list sessions: the certificate of {host} is not accepted"
            " (self-signed certificate). Nothing was sent; if a company's own authority signs"
            " certificates here, name the file of its certificate in SSL_CERT_FILE and restart.\n"
        )
        code, out, err = await called(VAPI_BASE_URL=f"https://{host}", SSL_CERT_FILE=str(file))
        assert (code, err, bool(out)) == (0, "", True)


SERVERS: dict[str, tuple[str, ...]] = {
    # With the prelude each call says it: tests/end_to_end/test_prelude.py.
    "stdio": ("--no-prelude",),
    "http": ("--transport", "http", "--port", "TAKEN"),
    "rest": ("--transport", "rest", "--rest-port", "TAKEN"),
    "oauth": (
        *("--transport", "http", "--port", "TAKEN", "--auth", "oauth"),
        *("--oauth-issuer", "https://issuer.example.com"),
        *("--public-url", "https://sessions.example.com"),
    ),
    "call": ("call", GET, "--id", "s-1"),
}
UNAFFECTED: dict[str, tuple[str, ...]] = {
    "--version": ("--version",),
    "--help": ("--help",),
    "skill": ("skill", "show"),
    "openapi": ("openapi",),
    "sandbox": ("--sandbox", "call", "list_sessions", "--limit", "1"),
}
BAD: dict[str, dict[str, str]] = {
    "proxy": {"HTTPS_PROXY": "http://user:s3cret@proxy:hunter2"},
    "certificates": {"SSL_CERT_FILE": "/no/such/file"},
}
TOLD = {
    "proxy": "HTTPS_PROXY is not the URL of a proxy: write http://HOST:PORT, with %-escapes in a"
    " user name or password, or unset it.",
    "certificates": "SSL_CERT_FILE cannot be used (No such file or directory): name a file of PEM"
    " certificates that can be read, or unset it.",
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_could_reach_nobody_does_not_start(
    run: Run, caplog: pytest.LogCaptureFixture, server: str, bad: str
) -> None:
    # It listed its tools, and each call of them failed with the proxy's password.
    with create_server(("127.0.0.1", 0)) as taken:  # where a server that starts ends as well
        port = str(taken.getsockname()[1])
        given = [port if word == "TAKEN" else word for word in SERVERS[server]]
        ended = run(*given, VAPI_API_KEY=KEY, **BAD[bad])
    assert refused(ended) == TOLD[bad]
    assert caplog.text == ""


@pytest.mark.parametrize("command", UNAFFECTED)
def test_what_calls_nobody_does_not_ask_for_the_way(
    run: Run, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    # Somebody with a broken proxy can still find out how this works.
    ended = run(*UNAFFECTED[command], VAPI_API_KEY=KEY, **BAD["proxy"])
    assert ended.code == 0
    assert ended.out
    assert "HTTPS_PROXY" not in ended.out + ended.err + caplog.text
