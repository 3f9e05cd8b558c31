"""The servers that are compared, as processes: what they cost, and calls to them."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

HERE = Path(__file__).parent
Json: TypeAlias = dict[str, Any]
VERSION = "2025-11-25"
CLIENT = {"name": "benchmark", "version": "1"}
INITIALIZE = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": CLIENT}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A server to compare: how it is started over stdio, and on a port."""

    name: str
    stdio: tuple[str, ...]
    http: tuple[str, ...]


_OURS = (sys.executable, "-m", "vapi_sessions_mcp", "--tool-names", "short")
_FLOOR = (sys.executable, str(HERE / "floor.py"))
_OURS_HTTP = (*_OURS, "--transport", "http", "--port")
FLOOR = Kind(name="floor", stdio=_FLOOR, http=_FLOOR)
OURS = Kind(name="ours", stdio=_OURS, http=_OURS_HTTP)
KINDS = (FLOOR, OURS)


@contextmanager
def upstream() -> Generator[str]:
    """A Vapi; its base URL."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "upstream.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


class Server:
    """One server's process."""

    def __init__(self, command: tuple[str, ...], kind: Kind, vapi: str) -> None:
        self.kind, self.begun = kind, time.perf_counter()
        keys = {"VAPI_API_KEY": "key-of-the-benchmark", "VAPI_BASE_URL": vapi}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **keys},
        )

        # As hosts do, which keep the last lines of a log.
        threading.Thread(target=deque, args=(self._process.stderr, 100), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait(timeout=30)

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        # Linux's clock of another process's time (clock_getcpuclockid(3)), to the nanosecond.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def memory(self, name: str = "VmRSS") -> float:
        """Megabytes: `VmRSS` now, `VmHWM` at most."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) / 1024


class Stdio(Server):
    """A server on stdin and stdout, whose handshake is done."""

    def __init__(self, kind: Kind, vapi: str) -> None:
        super().__init__(kind.stdio, kind, vapi)
        self._id = 0
        self.ask("initialize", INITIALIZE)
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, params: Json) -> bytes:
        """The line that answers a request."""
        self._id += 1
        self._write({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert b'"result"' in line, line[:300]
        return line

    def call(self, tool: str, arguments: Json) -> bytes:
        """The line that answers a tool call."""
        line = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert b'"isError":true' not in line[-200:], line[:300]
        return line

    def _write(self, message: Json) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


class Http(Server):
    """A server on a port of this machine."""

    def __init__(self, kind: Kind, vapi: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        super().__init__((*kind.http, str(self.port)), kind, vapi)
        while time.perf_counter() < self.begun + 60:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.05)

    async def calls(self, tool: str, arguments: Json, *, connections: int, count: int) -> None:
        """Make `count` calls over so many connections, each one after the other."""
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        body = json.dumps(message).encode()
        lines = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}",
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream",
            f"MCP-Protocol-Version: {VERSION}\r\nContent-Length: {len(body)}\r\n\r\n",
        )
        request, left = "\r\n".join(lines).encode() + body, iter(range(count))

        async def connection() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**26)
            for _ in left:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                if length := head.lower().partition(b"content-length: ")[2]:
                    said = await reader.readexactly(int(length.split(b"\r\n")[0]))
                else:
                    said = await reader.readuntil(b"\r\n0\r\n\r\n")
                assert b'"result"' in said, (head, said[:300])
            writer.close()

        await asyncio.gather(*(connection() for _ in range(connections)))
