"""The command as a process: its log, its end by a signal, and its sandbox."""

import fcntl
import json
import os
import signal
import termios
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx2
import pytest

from support.processes import PATIENCE, started, url_in
from support.tools import GET, LIST


@pytest.mark.anyio
async def test_the_log_goes_to_stderr_and_holds_no_customer() -> None:
    # stdout belongs to JSON-RPC: one line of log there ends the connection.
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    async with started("--sandbox", "--log-level", "debug") as running:
        arguments = {"number": "+14155550123", "name": "Ana Secret"}
        params = {"_meta": meta, "name": LIST, "arguments": arguments}
        await running.send({"jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": params})
        assert (await running.receive())["result"].get("isError") is not True
        # A line that is logged, and answered.
        await running.send(b"not JSON")
        await running.end_input()
        assert await running.ended() == 0
        out, err = await running.rest()
    [refusal] = map(json.loads, out.splitlines())
    assert refusal["error"]["code"] == -32700
    assert "4155550123" not in err
    assert "Secret" not in err


@pytest.mark.anyio
async def test_ctrl_c_during_the_start_leaves_no_stack_trace(tmp_path: Path) -> None:
    # Who starts the wrong command stops it at once, and has no use for our call stack.
    file = tmp_path / "key"
    os.mkfifo(file)
    async with started(VAPI_API_KEY_FILE=str(file)) as running:
        with anyio.fail_after(PATIENCE):
            # Opens once the command reads, which it then does without end.
            writer = await anyio.to_thread.run_sync(os.open, file, os.O_WRONLY)
            os.write(writer, b"k")
            while any(fcntl.ioctl(writer, termios.FIONREAD, bytes(4))):
                await anyio.lowlevel.checkpoint()  # not read yet
        running.signal(signal.SIGINT)
        assert await running.ended() == 130
        os.close(writer)
        out, err = await running.rest()
    assert out == ""
    assert err.strip() == ""


@pytest.mark.measured
@pytest.mark.anyio
async def test_the_sandbox_serves_over_http_keeps_its_data_and_stops_cleanly(
    tmp_path: Path,
) -> None:
    # Any Vapi client can be developed against it, and its data outlives a restart.
    file = str(tmp_path / "sandbox.db")
    async with started("sandbox", "--port", "0", "--sandbox-db", file) as running:
        line = await running.told("Vapi sandbox at ")
        key = line.partition("API key ")[2].partition(";")[0]
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=url_in(line), headers=headers) as client:
            answer = await client.post("/session", json={"name": "kept"})
            assert answer.status_code == 201
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert await running.rest() == ("", "")
    async with started("--sandbox", "--sandbox-db", file) as running:
        params = {"name": GET, "arguments": {"id": answer.json()["id"]}}
        client_info = {"name": "test", "version": "1"}
        start = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client_info}
        await running.send(
            {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": start},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
        )
        await running.receive()
        assert (await running.receive())["result"]["structuredContent"] == answer.json()
        await running.end_input()
        assert await running.ended() == 0
