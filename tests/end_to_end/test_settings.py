"""What is set, seen from outside: the port of a process, and the lines that it begins with."""

import os
import pty
import signal
import socket
from collections.abc import AsyncGenerator, Sequence

import anyio
import httpx2
import pytest

from support.faces import KEY, USUAL
from support.faulty_vapi import FaultyVapi
from support.processes import COMMAND, Running, environment, started, url_in
from support.stdio_calls import call, modern
from support.tools import LIST

pytestmark = pytest.mark.anyio

HTTP, REST = ("--transport", "http"), ("--transport", "rest")


async def stopped(running: Running, arguments: Sequence[str]) -> None:
    """Wait until it serves, and end it."""
    if "--transport" in arguments:
        assert " at http" in await running.told("")
        running.signal(signal.SIGTERM)
    await running.end_input()
    await running.ended()


@pytest.fixture(scope="module")
async def by_variables() -> AsyncGenerator[tuple[str, str]]:
    """The port that REST was given besides MCP's, by a variable like its names, and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    given = {
        "VAPI_MCP_PORT": "1",
        "VAPI_MCP_REST_PORT": port,
        "VAPI_MCP_ALLOWED_HOST": "Sessions.EXAMPLE.com\n2001:DB8::7",
    }
    async with started("--sandbox", *REST, "--allow-unauthenticated", **given) as running:
        yield port, url_in(await running.told("REST at "))
        running.signal(signal.SIGTERM)
        await running.ended()


async def test_rest_alone_listens_on_the_port_that_was_given(by_variables: tuple[str, str]) -> None:
    # One file of variables serves two servers: REST has a port of its own there.
    port, url = by_variables
    assert url == f"http://127.0.0.1:{port}/v1"


async def test_a_server_goes_by_each_of_its_names_however_they_are_written(
    by_variables: tuple[str, str],
) -> None:
    # A name in capitals, or with the dot that some resolvers add, was answered with 421.
    url = by_variables[1].removesuffix("/v1")
    known = ("sessions.example.com", "SESSIONS.example.com.", "sessions.example.com.:443")
    addresses = ("[2001:db8::7]", "[2001:db8:0::7]:8080")
    foreign = ("evil.example", "sessions.example.com.evil.example", "[2001:db8::8]", "a..")
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        for host in (*known, *addresses, *foreign):
            answer = await client.get("/openapi.json", headers={"Host": host})
            assert answer.status_code == (421 if host in foreign else 200), host


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        ((), {"VAPI_MCP_PORT": "9000"}, "VAPI_MCP_PORT"),
        ((), {"VAPI_MCP_TOKENS": "t-0123456789abcdef", "VAPI_MCP_HOST": "::1"}, "HOST TOKENS"),
        (
            (),
            {
                "VAPI_MCP_WEBHOOKS": "1",
                "VAPI_MCP_WEBHOOK_AUTH": "hmac",
                "VAPI_MCP_WEBHOOK_SECRET": "webhook-0123456789abcdef",
            },
            "WEBHOOKS WEBHOOK_AUTH WEBHOOK_SECRET",
        ),
        (
            (*HTTP, "--port", "0", "--sandbox"),
            {"VAPI_MCP_WEBHOOK_SECRET": "webhook-0123456789abcdef"},
            "WEBHOOK_SECRET",
        ),
        (
            (*REST, "--rest-port", "0"),
            {"VAPI_MCP_REDIS_URL": "redis://127.0.0.1:9", "VAPI_MCP_WEBHOOKS": "1"},
            "REDIS_URL WEBHOOKS",
        ),
        (("--sandbox",), {"VAPI_BASE_URL": "https://api.eu.vapi.ai"}, "VAPI_BASE_URL"),
        (
            (*REST, "--rest-port", "0"),
            {"VAPI_MCP_PORT": "9000", "VAPI_MCP_VIEW": "full", "VAPI_MCP_NO_DELETE": "1"},
            "PORT VIEW",
        ),
        (
            (*HTTP, "--port", "0", "--auth", "caller-key"),
            {"VAPI_API_KEY": "key-0123456789abcdef"},
            "VAPI_API_KEY",
        ),
    ],
    ids=str,
)
async def test_a_variable_without_effect_is_one_line_in_the_log(
    arguments: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    # A platform may set it for everything it starts, so that it must not stop a server.
    names = [name if name.startswith("VAPI_") else f"VAPI_MCP_{name}" for name in said.split()]
    async with started(*arguments, **environ) as running:
        line = await running.told("no effect")
        running.signal(signal.SIGTERM)
        await running.ended()
    assert line.endswith(
        f" WARNING vapi_sessions_mcp.start: no effect on what is served: {', '.join(names)}"
    )


async def test_in_a_terminal_one_line_says_what_it_waits_for() -> None:
    # Nothing at all was printed, and people took it for hanging.
    ours, theirs = pty.openpty()
    process = await anyio.open_process(
        [*COMMAND, "--sandbox"], stdin=theirs, env=environment(), start_new_session=True
    )
    os.close(theirs)
    async with Running(process) as running:
        line = await running.told("")
        assert line.startswith("vapi-sessions-mcp: waiting on stdin for an MCP host")
        assert "`vapi-sessions-mcp demo`" in line
        assert "--help" in line
        os.write(ours, b"\x04")
        assert await running.ended() == 0
        assert await running.rest() == ("", "")
    os.close(ours)


@pytest.mark.parametrize("arguments", [(), (*HTTP, "--port", "0")], ids=["stdio", "http"])
async def test_a_server_without_a_key_says_so_once(arguments: tuple[str, ...]) -> None:
    # Its tools are listed all the same, and the first call was the first to hear of it.
    async with started(*arguments) as running:
        assert (await running.told("")).endswith(
            " WARNING vapi_sessions_mcp.start: VAPI_API_KEY is not set: tools are listed, and no"
            " call can reach Vapi"
        )
        await stopped(running, arguments)
        assert "VAPI_API_KEY" not in "".join(await running.rest())


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("--sandbox",), {}),
        ((), {"VAPI_API_KEY": "key-0123456789abcdef"}),
        ((*HTTP, "--port", "0", "--auth", "caller-key"), {}),
    ],
    ids=["sandbox", "key", "callers' keys"],
)
async def test_a_server_with_what_it_needs_says_nothing_of_a_key(
    arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    # A line that is always there is read by nobody.
    async with started(*arguments, **environ) as running:
        await stopped(running, arguments)
        assert "VAPI_API_KEY" not in "".join(await running.rest())


async def test_with_something_else_for_a_key_nothing_is_sent_and_each_call_says_why() -> None:
    # Vapi's 401 sent people to their dashboard, where the key was good.
    fault = "VAPI_API_KEY holds the word Bearer before the key"
    async with (
        FaultyVapi(USUAL) as vapi,
        started(VAPI_BASE_URL=vapi.url, VAPI_API_KEY=f"Bearer {KEY}") as running,
    ):
        line = await running.told("")
        assert line.endswith(f": {fault}: tools are listed, and no call can reach Vapi")
        await running.send(modern(0, "tools/list"))
        assert (await running.receive())["result"]["tools"]
        for id in (1, 2):
            await running.send(call(id, LIST))
            result = (await running.receive())["result"]
            assert result["isError"]
            assert result["content"][0]["text"].startswith(
                f"{fault}, so nothing was sent to Vapi. Put a private key from https://dashboard"
            )
        await running.end_input()
        assert await running.ended() == 0
        out, err = await running.rest()
        assert not vapi.requests
        assert KEY not in out + err + line


async def test_a_public_url_is_advertised_with_the_path_once() -> None:
    # `--public-url https://…/mcp` was advertised as …/mcp/mcp.
    oauth = ("--auth", "oauth", "--oauth-issuer", "http://127.0.0.1:9")
    public = ("--public-url", "https://sessions.example.com/mcp")
    async with (
        started("--sandbox", *HTTP, "--port", "0", *oauth, *public) as running,
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        answer = await client.post(await running.url())
    assert answer.status_code == 401
    metadata = "https://sessions.example.com/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata}"' in answer.headers["WWW-Authenticate"]
