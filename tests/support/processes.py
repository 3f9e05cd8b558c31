"""The command as a real process, as hosts and operators start it."""

import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

COMMAND = [sys.executable, "-m", "vapi_sessions_mcp"]
# Seconds that anything may take on a busy machine before a test fails.
PATIENCE = 60
# Options for a server that ends no call and no wait by itself within that time, so that
# what ends in a test ends for the reason that the test is about.
UNENDING = ("--timeout", "600", "--grace", "600")
LINE = 2**22


def environment(**given: str) -> dict[str, str]:
    """This process's environment without settings of ours and proxies, and `given`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VAPI_") and not name.lower().endswith("_proxy")
    }
    return {**kept, **given}


def url_in(line: str) -> str:
    """The URL in what a server says when it is ready."""
    return line.partition(" at ")[2].split(";")[0].split(",")[0]


def logged_calls(log: str) -> list[dict[str, str]]:
    """The fields of each line of a log in text, in which no line but those of calls may stand."""
    lines = log.splitlines()
    marks = [line.partition(" INFO vapi_sessions_mcp.calls: call ") for line in lines]
    assert all(mark for _, mark, _ in marks), log
    return [dict(field.split("=", 1) for field in fields.split()) for *_, fields in marks]


class Running:
    """A process whose output is read line by line."""

    def __init__(self, process: Process) -> None:
        assert process.stdout
        assert process.stderr
        self._process, self._stdin = process, process.stdin
        self._stdout = BufferedByteReceiveStream(process.stdout)
        self._stderr = BufferedByteReceiveStream(process.stderr)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def most_memory(self) -> int:
        """The most bytes that it ever had in memory, where the system is Linux."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024

    async def told(self, part: str) -> str:
        """The first line of stderr from here that holds `part`."""
        with anyio.fail_after(PATIENCE):
            while True:
                line = (await self._stderr.receive_until(b"\n", LINE)).decode()
                if part in line:
                    return line

    async def url(self) -> str:
        """The URL it says it serves at."""
        return url_in(await self.told(" at http"))

    async def send(self, *frames: dict[str, Any] | bytes, end: bytes = b"\n") -> None:
        """Write lines to stdin, all at once: JSON, or bytes as they are."""
        lines = [f if isinstance(f, bytes) else json.dumps(f).encode() for f in frames]
        assert self._stdin
        await self._stdin.send(b"\n".join(lines) + end)

    async def receive(self) -> dict[str, Any]:
        """The next line of stdout, which must be a JSON-RPC message."""
        with anyio.fail_after(PATIENCE):
            line = await self._stdout.receive_until(b"\n", LINE)
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def end_input(self) -> None:
        """Close its stdin, as a host does that quits."""
        assert self._stdin
        await self._stdin.aclose()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code."""
        with anyio.fail_after(PATIENCE):
            return await self._process.wait()

    async def rest(self) -> tuple[str, str]:
        """What is left of stdout and stderr, once it has ended."""
        texts: list[str] = []
        for stream in (self._stdout, self._stderr):
            left = b""
            with anyio.fail_after(PATIENCE):
                while True:
                    try:
                        left += await stream.receive()
                    except anyio.EndOfStream:
                        break
            texts.append(left.decode())
        return texts[0], texts[1]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.aclose()


@asynccontextmanager
async def started(*arguments: str, **env: str) -> AsyncGenerator[Running]:
    """The command with `arguments`; killed when it outlives the block."""
    process = await anyio.open_process([*COMMAND, *arguments], env=environment(**env))
    async with Running(process) as running:
        yield running
