"""What a server cannot work with is one line at its start, and no call has to fail for it."""

import subprocess
import sys

import pytest

from support.processes import COMMAND, environment
from support.tools import GET

SERVERS: dict[str, tuple[str, ...]] = {
    # With the prelude each call says it: test_prelude.py.
    "stdio": ("--no-prelude",),
    "http": ("--transport", "http", "--port", "0"),
    "rest": ("--transport", "rest", "--rest-port", "0"),
    "oauth": (
        *("--transport", "http", "--port", "0", "--auth", "oauth"),
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
    "demo": ("demo",),
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

SERVER_AND_SDK = """
import sys
from vapi_sessions_mcp.cli.heavy_imports import heavy_imports
with heavy_imports():
    import vapi_sessions_mcp.cli.serve
    import vapi_sessions_mcp.transports.http
with heavy_imports():
    pass
print(*(name for name in sys.modules if name.startswith(("mcp.client", "mcp.server.mcpserver"))))
from mcp import Client
from mcp.server import MCPServer
import mcp
print(hasattr(mcp, "Nobody"))
print(Client.__name__, MCPServer.__name__, mcp.server.MCPServer is MCPServer)
"""


def ended(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(VAPI_API_KEY="key-0123456789abcdef", **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_could_reach_nobody_does_not_start(server: str, bad: str) -> None:
    # It listed its tools, and each call of them failed with the proxy's password.
    found = ended(*SERVERS[server], **BAD[bad])
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == f"vapi-sessions-mcp: {TOLD[bad]}\n"


@pytest.mark.parametrize("command", UNAFFECTED)
def test_what_calls_nobody_does_not_ask_for_the_way(command: str) -> None:
    # Somebody with a broken proxy can still find out how this works.
    found = ended(*UNAFFECTED[command], **BAD["proxy"])
    assert found.returncode == 0
    assert found.stdout
    assert "HTTPS_PROXY" not in found.stdout + found.stderr


@pytest.mark.measured
def test_a_start_imports_no_more_of_the_sdk_than_is_used_and_the_rest_is_there_for_who_asks() -> (
    None
):
    # Its client and its high-level server are a sixth of what the first call waits for.
    command = [sys.executable, "-c", SERVER_AND_SDK]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["", "False", "Client MCPServer True"]
