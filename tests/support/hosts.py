"""A server process as the host that started it has it, and what its results say."""

import json
import re
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from support.faults import ARGUMENTS, KEY
from support.faulty_vapi import Seen
from support.processes import COMMAND, environment
from support.stdio_calls import call, modern
from support.tools import CREATE, DELETE, GET, LIST, UPDATE

LONGEST_LINE = 2**28
PATIENCE = 60


# Seconds that a busy machine may take on top of a deadline.
SLACK = 3
Result: TypeAlias = dict[str, Any]


class Host:
    """A server process as the host that started it has it; `leaked` tells of the key on stdout."""

    def __init__(self, process: Process, log: IO[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._stdin, self._log = process, process.stdin, log
        self._stdout = BufferedByteReceiveStream(process.stdout)
        self.leaked = False

    async def ask(self, *frames: dict[str, Any]) -> dict[int, Result]:
        """Send requests at once; their results by id. Nothing else may arrive."""
        await self._stdin.send(b"".join(json.dumps(frame).encode() + b"\n" for frame in frames))
        waiting = {int(frame["id"]) for frame in frames}
        results: dict[int, Result] = {}
        with anyio.fail_after(PATIENCE):
            while waiting:
                line = await self._stdout.receive_until(b"\n", LONGEST_LINE)
                self.leaked |= KEY.encode() in line
                answer = json.loads(line)
                assert answer.keys() == {"jsonrpc", "id", "result"}
                waiting.remove(answer["id"])
                results[answer["id"]] = answer["result"]
        return results

    async def refused(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The error of the protocol that a request gets."""
        await self._stdin.send(json.dumps(frame).encode() + b"\n")
        with anyio.fail_after(PATIENCE):
            answer = json.loads(await self._stdout.receive_until(b"\n", LONGEST_LINE))
        assert answer["id"] == frame["id"]
        return answer["error"]

    async def call(self, arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, Result]:
        """Call tools at once; their results by name."""
        frames = {
            tool: call(id, tool, **given) for id, (tool, given) in enumerate(arguments.items())
        }
        results = await self.ask(*frames.values())
        return {tool: results[frame["id"]] for tool, frame in frames.items()}

    async def one(self, tool: str, **given: Any) -> Result:
        """The result of one call, with these arguments or the usual ones."""
        return (await self.call({tool: given or ARGUMENTS[tool]}))[tool]

    def memory(self, what: str) -> int:
        """MiB that it has (VmRSS) or had at most (VmHWM), where the system tells."""
        if sys.platform != "linux":
            return 0
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) // 1024

    async def end(self) -> tuple[int, bytes, str]:
        """Close its stdin: its exit code, and what is left on stdout and all of stderr."""
        await self._stdin.aclose()
        rest = b""
        with anyio.fail_after(PATIENCE):
            try:
                while True:
                    rest += await self._stdout.receive()
            except anyio.EndOfStream:
                code = await self._process.wait()
        self._log.seek(0)
        return code, rest, self._log.read().decode()


@asynccontextmanager
async def hosted(url: str, *options: str) -> AsyncGenerator[Host]:
    """A server that is up, whose Vapi is at `url`; killed when it outlives the block."""
    env = environment(VAPI_BASE_URL=url, VAPI_API_KEY=KEY)
    command = [*COMMAND, "--log-level", "debug", *options]
    with tempfile.TemporaryFile() as log:
        process = await anyio.open_process(command, env=env, stderr=log)
        try:
            host = Host(process, log)
            await host.ask(modern(0, "tools/list"))
            yield host
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.aclose()


def logged(err: str) -> list[dict[str, str]]:
    """The fields of each call's line."""
    lines = [line for line in err.splitlines() if " vapi_sessions_mcp.calls: call " in line]
    return [dict(part.split("=") for part in line.split() if "=" in part) for line in lines]


def words(result: Result) -> str:
    """What an error tells: text alone."""
    assert result["isError"] is True
    assert "structuredContent" not in result
    (block,) = result["content"]
    return block["text"]


def outcome(result: Result) -> str:
    """What a tool says: an error's text, or the JSON of what was done."""
    return words(result) if result.get("isError") else result["content"][0]["text"]


def tool_of(seen: Seen) -> str:
    """Whose request it is."""
    if seen.method == "GET":
        return GET if seen.path.startswith("/session/") else LIST
    return {"POST": CREATE, "PATCH": UPDATE, "DELETE": DELETE}[seen.method]
