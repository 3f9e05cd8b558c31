"""A server that answers before it has imported the SDK is, to its host, the server that it is."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import pytest

from support.openings import CONVERSATIONS
from support.processes import COMMAND, Running, environment, logged_calls, started
from support.stdio_calls import INITIALIZED, call, initialize, legacy, modern
from support.tools import LIST

pytestmark = pytest.mark.anyio

Json: TypeAlias = dict[str, Any]

HEAVY = ("mcp", "mcp_types", "pydantic", "httpx2", "starlette", "anyio", "asyncio", "uvicorn")
START = [initialize(0, "2025-11-25"), INITIALIZED, legacy(1, "tools/list")]


async def answered(running: Running, frames: list[Json]) -> list[Json]:
    """The answers to frames that are sent one after the other, as hosts do."""
    found: list[Json] = []
    for frame in frames:
        await running.send(frame)
        if "id" in frame:
            found.append(await running.receive())
    return found


async def clean_end(running: Running) -> str:
    """Its log, once it has ended with exit code 0 and nothing more on stdout."""
    assert await running.ended() == 0
    out, err = await running.rest()
    assert out == ""
    return err


@pytest.mark.parametrize("host", ["Claude Code", "Copilot CLI"])
async def test_the_answers_are_those_of_a_server_without_it(host: str) -> None:
    # Value by value, over real pipes, and so is the first answer behind them.
    version = "2025" if host == "Claude Code" else "2026"
    listing: Json = (
        legacy(9, "tools/call", name=LIST, arguments={"limit": 2})
        if version == "2025"
        else call(9, LIST, limit=2)
    )
    frames = [*CONVERSATIONS[host], listing, {**CONVERSATIONS[host][-2], "id": 10}]
    now = ("--sandbox", "--sandbox-now", "2028-02-29T12:00:00Z")
    found: list[list[Json]] = []
    for more in ((), ("--no-prelude",)):
        async with started(*now, *more) as running:
            found.append(await answered(running, frames))
            await running.end_input()
            logged_calls(await clean_end(running))
    assert found[0] == found[1]


async def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    # Hosts start every server for every conversation, and most never call a tool.
    command = [sys.executable, "-X", "importtime", "-m", "vapi_sessions_mcp", "--sandbox"]
    async with Running(await anyio.open_process(command, env=environment())) as running:
        assert len(await answered(running, CONVERSATIONS["VS Code"])) == 6
        await running.end_input()
        log = await clean_end(running)
    imported = {line.rpartition("|")[2].strip() for line in log.splitlines() if "|" in line}
    assert "vapi_sessions_mcp.transports.prelude" in imported
    assert not {name for name in imported if name.partition(".")[0] in HEAVY}


async def test_a_host_that_sends_everything_at_once_is_answered_once_and_in_order() -> None:
    # Whoever writes a script writes so; and then ends its input.
    frames = [*START, legacy(2, "tools/call", name=LIST, arguments={"limit": 1}), legacy(3, "ping")]
    async with started("--sandbox") as running:
        await running.send(*frames)
        await running.end_input()
        found = [await running.receive() for _ in range(4)]
        [logged] = logged_calls(await clean_end(running))
    assert sorted(one["id"] for one in found) == [0, 1, 2, 3]
    assert all("result" in one for one in found)
    assert logged["tool"] == "list_sessions"


async def test_a_host_that_calls_in_its_first_message_is_answered() -> None:
    # In 2026-07-28 there is nothing that has to come before.
    async with started("--sandbox") as running:
        [found] = await answered(running, [call(1, LIST, limit=1)])
        assert len(found["result"]["structuredContent"]["results"]) == 1
        await running.end_input()
        assert len(logged_calls(await clean_end(running))) == 1


async def test_what_wakes_the_server_can_come_with_what_does_not() -> None:
    # The handshake was answered already; only what is behind it may be answered now.
    async with started("--sandbox") as running:
        await answered(running, START[:1])
        await running.send(
            INITIALIZED,
            legacy(5, "tools/list"),
            legacy(6, "tools/call", name=LIST, arguments={"limit": 1}),
            legacy(7, "tools/list"),
        )
        found = {one["id"]: one["result"] for one in [await running.receive() for _ in range(3)]}
        assert found[5] == found[7]
        assert len(found[6]["structuredContent"]["results"]) == 1
        await running.end_input()
        await clean_end(running)


async def test_a_line_that_is_no_message_is_refused_behind_the_prelude() -> None:
    # Refused as ever: with an answer, and a line in the log that repeats nothing of it.
    async with started("--sandbox") as running:
        await answered(running, START)
        await running.send(b"secret{")
        refusal = await running.receive()
        assert (refusal["id"], refusal["error"]["code"]) == (None, -32700)
        [again] = await answered(running, START[2:])
        assert again["result"]["tools"]
        await running.end_input()
        log = await clean_end(running)
    assert "refused" in log
    assert "secret" not in log


@pytest.mark.parametrize("wrong", [b"hello", b"[]", b'{"jsonrpc":"2.0","id":true,"method":"x"}'])
async def test_a_refusal_behind_the_handshake_takes_no_answer_s_place(wrong: bytes) -> None:
    # The handshake is replayed to the server, and only its second answer is dropped.
    async with started("--sandbox") as running:
        await answered(running, START[:1])
        await running.send(wrong)
        refusal = await running.receive()
        assert (refusal["id"], refusal["error"]["code"]) in ((None, -32700), (None, -32600))
        [listed] = await answered(running, START[1:])
        assert (listed["id"], "tools" in listed["result"]) == (1, True)
        await running.end_input()
        await clean_end(running)


async def test_half_a_surrogate_in_an_id_is_answered() -> None:
    # It cannot be written as UTF-8; U+FFFD can, as without a prelude.
    frame = json.dumps(START[0]).replace('"id": 0', '"id": "a\\ud800"').encode()
    async with started("--sandbox") as running:
        await running.send(frame)
        assert (await running.receive())["id"] == "a\ufffd"
        await running.end_input()
        await clean_end(running)


@pytest.mark.measured
@pytest.mark.parametrize("options", [(), ("--no-prelude",)])
def test_without_a_stdin_or_a_stdout_it_says_so_or_ends(options: tuple[str, ...]) -> None:
    # Supervisors start it so, by mistake.
    ends: dict[str, tuple[int, str]] = {}
    for redirection in ("<&-", ">&-"):
        ended = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, "--sandbox", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            text=True,
            timeout=60,
            check=False,
        )
        ends[redirection] = (ended.returncode, ended.stderr)
    said = "stdout is closed, where the answers to a host go: give it a pipe."
    assert ends == {"<&-": (0, ""), ">&-": (2, f"vapi-sessions-mcp: {said}\n")}


async def test_a_host_that_closes_at_once_leaves_nothing_behind() -> None:
    # Registries and scanners do little else.
    async with started("--sandbox") as running:
        await running.end_input()
        assert await clean_end(running) == ""
    async with started("--sandbox") as running:
        await answered(running, START)
        await running.end_input()
        assert await clean_end(running) == ""


@pytest.mark.measured
def test_a_host_that_is_gone_before_its_answer_leaves_one_line() -> None:
    # Not a stack trace, and no process that waits for ever.
    command = [*COMMAND, "--sandbox"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(json.dumps(START[0]).encode() + b"\n")
        process.stdin.flush()
        assert process.wait(60) == 0
        log = process.stderr.read()
    assert log == b"vapi-sessions-mcp: the host closed the connection before the last answer.\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_before_and_while_the_server_wakes(number: signal.Signals) -> None:
    # A host that quits must not wait for imports, and a call that is under way is answered.
    async with started("--sandbox") as running:
        await answered(running, START)
        running.signal(number)
        assert await clean_end(running) == ""
    async with started("--sandbox") as running:
        await answered(running, START)
        await running.send(legacy(2, "tools/call", name=LIST, arguments={"limit": 1}))
        # However far it has come with its imports.
        running.signal(number)
        ended = await running.ended()
        out, log = await running.rest()
    assert ended == 0
    # Either the signal came before the call was read, or the call was answered.
    assert (out == "") == (log == "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the signals that a process holds")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_call_is_answered_although_a_signal_came_while_the_server_woke(
    number: signal.Signals,
) -> None:
    # It waits until the server can end well, and is not forgotten then.
    async with started("--sandbox") as running:
        await answered(running, START)
        await running.send(legacy(2, "tools/call", name=LIST, arguments={"limit": 1}))
        with anyio.fail_after(60):
            while not holds(running.pid, number):
                await anyio.lowlevel.checkpoint()
        running.signal(number)
        assert len((await running.receive())["result"]["structuredContent"]["results"]) == 1
        assert len(logged_calls(await clean_end(running))) == 1


def holds(pid: int, number: signal.Signals) -> bool:
    """Whether a process holds this signal back."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    [blocked] = re.findall(r"SigBlk:\s+([0-9a-f]+)", status)
    return bool(int(blocked, 16) >> (number - 1) & 1)


@pytest.mark.measured
async def test_a_proxy_that_cannot_be_used_is_said_at_each_call() -> None:
    # It stops a start; a conversation that has begun it cannot stop any more.
    env = {"HTTPS_PROXY": "ftp://proxy.example:1", "VAPI_API_KEY": "key-0123456789abcdef"}
    async with started(**env) as running:
        found = await answered(
            running, [*START, legacy(2, "tools/call", name=LIST, arguments={"limit": 1})]
        )
        assert found[-1]["result"]["isError"]
        said = found[-1]["result"]["content"][0]["text"]
        assert "HTTPS_PROXY" in said
        assert said.endswith("Nothing was sent to Vapi.")
        assert "proxy.example" not in said
        await running.end_input()
        await clean_end(running)
    async with started("--no-prelude", **env) as running:
        assert await running.ended() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ({"VAPI_MCP_READ_ONLY": "perhaps"}, ()),
        ({}, ("--base-url", "http://vapi.example")),
        ({"VAPI_API_KEY_FILE": "no-such-file"}, ()),
        ({}, ("--sandbox", "--sandbox-db", "no/such/folder/db")),
    ],
)
async def test_what_stops_a_start_still_stops_it(wrong: tuple[dict[str, str], list[str]]) -> None:
    # A server that lists its tools and can never run would be found out in a conversation.
    env, options = wrong
    async with started(*options, **env) as running:
        await running.send(modern(1, "tools/list"))
        assert await running.ended() == 2
        out, log = await running.rest()
    assert out == ""
    assert log.startswith("vapi-sessions-mcp: ")
