"""Proxies and certificates between a real process and Vapi."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path

import pytest

from support.certificates import self_signed
from support.faces import KEY, USUAL
from support.faulty_vapi import FaultyVapi, reply
from support.processes import started

pytestmark = pytest.mark.anyio

LISTED = ("call", "list_sessions")


async def called(**environ: str) -> tuple[int, str, str]:
    """The exit code of a list in a shell, what it printed and what it said."""
    environ = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", "VAPI_API_KEY": KEY, **environ}
    async with started(*LISTED, **environ) as running:
        code = await running.ended()
        out, err = await running.rest()
    assert KEY not in out + err
    assert "s3cret" not in out + err
    return code, out, err


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_what_is_on_this_machine_is_not_asked_for_through_a_proxy(name: str) -> None:
    # The key crossed the company's network in clear, since such a base URL is http.
    async with FaultyVapi(otherwise=USUAL) as vapi, FaultyVapi() as proxy:
        code, out, err = await called(VAPI_BASE_URL=vapi.url, **{name: proxy.url})
    assert (code, err, bool(out)) == (0, "", True)
    assert proxy.connections == 0
    assert len(vapi.requests) == 1


async def test_a_proxy_that_cannot_be_used_is_no_matter_where_none_is_used() -> None:
    # It stopped the start of a server whose Vapi is on this machine.
    async with FaultyVapi(otherwise=USUAL) as vapi:
        code, _, err = await called(VAPI_BASE_URL=vapi.url, HTTPS_PROXY="http://proxy:hunter2")
    assert (code, err) == (0, "")


async def test_a_proxy_that_refuses_is_named_without_its_password() -> None:
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


@pytest.mark.measured
async def test_a_proxy_where_nobody_listens_is_named_too() -> None:
    # The base URL is right, and was looked at for an hour.
    async with FaultyVapi() as proxy:
        pass
    code, _, err = await called(VAPI_BASE_URL="https://vapi.invalid", all_proxy=proxy.netloc)
    assert code == 3
    assert f"no connection to vapi.invalid through the proxy {proxy.netloc} (all_proxy) (" in err


async def test_no_proxy_is_named_where_none_is_between() -> None:
    # NO_PROXY took the host out of it.
    environ = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": ".example,vapi.invalid"}
    code, _, err = await called(VAPI_BASE_URL="https://vapi.invalid", **environ)
    assert code == 3
    assert "no connection to vapi.invalid (" in err
    environ["NO_PROXY"] = "*"
    assert "through" not in (await called(VAPI_BASE_URL="https://vapi.invalid", **environ))[2]


@pytest.mark.measured
async def test_a_certificate_that_is_not_accepted_is_final_and_names_the_way_out(
    tmp_path: Path,
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
