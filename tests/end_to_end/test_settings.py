"""What is set, seen from outside: the port of a process, and the lines that it begins with."""

import socket

import pytest

from support.processes import started, url_in

pytestmark = pytest.mark.anyio

HTTP, REST = ("--transport", "http"), ("--transport", "rest")


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--port", "PORT"], {}),
        (["--rest-port", "PORT"], {}),
        (["--port", "PORT", "--rest-port", "PORT"], {}),
        ([], {"VAPI_MCP_PORT": "PORT"}),
        ([], {"VAPI_MCP_REST_PORT": "PORT"}),
        # One file of variables serves two servers: REST has a port of its own there.
        ([], {"VAPI_MCP_PORT": "1", "VAPI_MCP_REST_PORT": "PORT"}),
        # What is typed is meant now.
        (["--port", "PORT"], {"VAPI_MCP_REST_PORT": "1"}),
        (["--rest-port", "PORT"], {"VAPI_MCP_PORT": "1"}),
    ],
    ids=str,
)
async def test_rest_alone_listens_on_the_port_that_was_given(
    arguments: list[str], environ: dict[str, str]
) -> None:
    # `--transport rest --port 9000` listened on 8080.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    given = [port if word == "PORT" else word for word in arguments]
    env = {name: port if value == "PORT" else value for name, value in environ.items()}
    async with started("--sandbox", *REST, *given, **env) as running:
        assert url_in(await running.told("REST at ")) == f"http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        ((), {"VAPI_MCP_PORT": "9000"}, "VAPI_MCP_PORT"),
        ((), {"VAPI_MCP_TOKENS": "t-0123456789abcdef", "VAPI_MCP_HOST": "::1"}, "HOST TOKENS"),
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
    assert line.endswith(
        f" WARNING vapi_sessions_mcp.start: no effect on what is served: {', '.join(names)}"
    )
