"""The REST adapter as others' clients find it: curl, and MCP in the same process."""

import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import anyio
import httpx2
import pytest

from support.faulty_vapi import SESSION, FaultyVapi, slow
from support.http_calls import message, tool_call
from support.processes import (
    PATIENCE,
    started,
    url_in,
)
from support.tools import GET

README = Path(__file__).parents[2] / "README.md"
KEY = "key-0123456789abcdef"


CURLS = re.findall(r"^curl .*8080.*$", README.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_curl_lines_of_the_readme_work(rest_sandbox: str) -> None:
    # People paste them as they are.
    assert len(CURLS) >= 2
    for line in CURLS:
        command = shlex.split(line.replace("http://127.0.0.1:8080/v1", rest_sandbox))
        assert command[0] == "curl"
        done = subprocess.run(
            [*command, "--silent", "--show-error", "--fail-with-body", "--noproxy", "*"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("{")


@pytest.mark.anyio
async def test_both_transports_share_a_process_a_client_and_an_end() -> None:
    # One container, one connection pool to Vapi, one signal; no call is lost on either side.
    answers: dict[str, object] = {}
    async with FaultyVapi(slow(), slow(), slow(), slow()) as vapi:
        env = {"VAPI_BASE_URL": vapi.url, "VAPI_API_KEY": KEY, "VAPI_MCP_TRANSPORT": "http rest"}
        ports = ("--port", "0", "--rest-port", "0", "--log-level", "info")
        async with (
            started(*ports, **env) as running,
            httpx2.AsyncClient(timeout=PATIENCE) as http,
        ):
            mcp = url_in(await running.told("MCP at "))
            rest = url_in(await running.told("REST at "))

            async def by_mcp() -> None:
                answer = message(await http.post(mcp, **tool_call("auto", GET)))
                answers["mcp"] = answer["result"]["structuredContent"]

            async def by_rest() -> None:
                answers["rest"] = (await http.get(f"{rest}/session/s-1")).json()

            with anyio.fail_after(PATIENCE):
                vapi.release(2)
                await by_rest()
                await by_mcp()
                assert vapi.connections == 1
                answers.clear()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(by_rest)
                    tasks.start_soon(by_mcp)
                    await vapi.until(lambda vapi: len(vapi.requests) == 4)
                    running.signal(signal.SIGTERM)
                    await running.told("Shutting down")
                    vapi.release(2)
            assert await running.ended() == 0
    assert answers == {"rest": SESSION, "mcp": SESSION}
