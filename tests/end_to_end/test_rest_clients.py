"""The REST adapter as others' clients find it: Vapi's SDK, curl, MCP in the same process."""

import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import anyio
import httpx
import httpx2
import pytest
from vapi.core.api_error import ApiError

from support.faulty_vapi import SESSION, FaultyVapi, slow
from support.http_calls import message, tool_call
from support.processes import (
    COMMAND,
    PATIENCE,
    environment,
    logged_calls,
    started,
    url_in,
)
from support.sandbox import MAYA, NOW
from support.tools import GET
from vapi import AsyncVapi, Vapi

pytestmark = pytest.mark.no_cover

README = Path(__file__).parents[2] / "README.md"
REST = ("--transport", "rest", "--rest-port", "0")
KEY = "key-0123456789abcdef"


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    """One adapter on a sandbox; `…/v1` is what clients take as their base URL."""
    arguments = [*COMMAND, *REST, "--sandbox", "--sandbox-now", NOW.isoformat()]
    with subprocess.Popen(
        arguments, stderr=subprocess.PIPE, env=environment(), text=True
    ) as process:
        assert process.stderr
        yield url_in(process.stderr.readline())
        process.terminate()
        assert process.wait(PATIENCE) == 0
        *calls, last = process.stderr.read().splitlines()
        assert logged_calls("\n".join(calls))
        assert "Shutting down" in last


def test_vapis_sync_client_drives_all_five_calls(url: str) -> None:
    # Programs that use it change one argument to get our checks and masking.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token="none", base_url=url, httpx_client=http).sessions
        made = sessions.create(name="From the SDK", customer={"number": MAYA})  # type: ignore[arg-type]
        assert made.status == "active"
        assert sessions.get(made.id) == made
        changed = sessions.update(made.id, name="Renamed", status="completed")
        assert (changed.name, changed.status) == ("Renamed", "completed")
        assert sessions.delete(made.id) == changed
        with pytest.raises(ApiError) as missing:
            sessions.get(made.id)
        assert missing.value.status_code == 404
        assert made.id in missing.value.body["message"]
        with pytest.raises(ApiError) as refused:
            sessions.create(name="x" * 41)
        assert refused.value.status_code == 400
        assert "`body.name`" in refused.value.body["message"][0]


@pytest.mark.anyio
async def test_vapis_async_client_drives_all_five_calls(url: str) -> None:
    # The two clients are generated apart, and must agree.
    async with httpx.AsyncClient(timeout=10) as http:
        sessions = AsyncVapi(token="none", base_url=url, httpx_client=http).sessions
        made = await sessions.create(name="From the async SDK", expiration_seconds=3600)
        assert made.expiration_seconds == 3600
        assert await sessions.get(made.id) == made
        assert made in (await sessions.list(id=made.id)).results
        changed = await sessions.update(made.id, name="Renamed")
        assert changed.name == "Renamed"
        assert await sessions.delete(made.id) == changed
        with pytest.raises(ApiError) as missing:
            await sessions.delete(made.id)
        assert missing.value.status_code == 404


def test_vapis_client_filters_sorts_and_pages(url: str) -> None:
    # It spells query names, dates and numbers its own way: page=1.0, repeated arrays.
    with httpx.Client(timeout=10) as http:
        sessions = Vapi(token="none", base_url=url, httpx_client=http).sessions
        page = sessions.list(
            number=MAYA,
            created_at_ge=NOW - timedelta(days=40),
            created_at_lt=NOW,
            sort_by="cost",
            sort_order="ASC",
            limit=3,
            page=1.0,
        )
        assert page.metadata.has_next_page
        assert {s.customer.number for s in page.results if s.customer} == {MAYA}
        costs = [session.cost or 0 for session in page.results]
        assert costs == sorted(costs)
        lines = [s.phone_number_id for s in sessions.list().results if s.phone_number_id]
        some = sorted(set(lines))[:2]
        found = sessions.list(phone_number_id_any=some).results
        assert {session.phone_number_id for session in found} == set(some)


CURLS = re.findall(r"^curl .*8080.*$", README.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_curl_lines_of_the_readme_work(url: str) -> None:
    # People paste them as they are.
    assert len(CURLS) >= 2
    for line in CURLS:
        command = shlex.split(line.replace("http://127.0.0.1:8080/v1", url))
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
