"""What a start imports, and what it says to who could reach nobody."""

import subprocess
import sys

import pytest

from support.processes import COMMAND, environment

SERVER_AND_SDK = """
import sys
from vapi_sessions_mcp.cli.heavy_imports import heavy_imports
with heavy_imports():
    import vapi_sessions_mcp.cli.serve
    import vapi_sessions_mcp.transports.http
with heavy_imports():
    pass
print(*(name for name in sys.modules if name.startswith(("mcp.client", "mcp.server.mcpserver"))))
sys.modules["mcp.client"] = None
try:
    from mcp import Client
except ImportError:
    print("Not yet")
del sys.modules["mcp.client"]
from mcp import Client
from mcp.server import MCPServer
import mcp
print(hasattr(mcp, "Nobody"))
print(Client.__name__, MCPServer.__name__, mcp.server.MCPServer is MCPServer)
"""


@pytest.mark.parametrize("server", [("--no-prelude",), ("--transport", "http", "--port", "0")])
def test_a_server_that_could_reach_nobody_does_not_start(server: tuple[str, ...]) -> None:
    # It listed its tools, and each call of them failed with the proxy's password.
    bad = {"HTTPS_PROXY": "http://user:s3cret@proxy:hunter2"}
    found = subprocess.run(
        [*COMMAND, *server],
        env=environment(VAPI_API_KEY="key-0123456789abcdef", **bad),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == (
        "vapi-sessions-mcp: HTTPS_PROXY is not the URL of a proxy: write http://HOST:PORT, with"
        " %-escapes in a user name or password, or unset it.\n"
    )


@pytest.mark.measured
def test_a_start_imports_no_more_of_the_sdk_than_is_used_and_the_rest_is_there_for_who_asks() -> (
    None
):
    # Its client and its high-level server are a sixth of what the first call waits for.
    command = [sys.executable, "-c", SERVER_AND_SDK]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["", "Not yet", "False", "Client MCPServer True"]
