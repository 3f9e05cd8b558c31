"""Whether a server stays as it was: mixed calls for half an hour, against a Vapi that fails.

Two workers over HTTP, in both eras of the protocol, in front of the sandbox, which refuses,
cuts, delays and forgets some of its answers. Each minute is a line: calls, those that failed
in words, the slow and the usual latency, and the memory and open files of all processes. At
the end the last third is compared with the first: a server that leaks or slows down exits 1.

Run with: python benchmarks/soak.py [--minutes 30] [--rate 30], on Linux.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeAlias

import httpx2
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from vapi_sessions_mcp.sandbox import SANDBOX_KEY, create_app

Json: TypeAlias = dict[str, Any]
# How often Vapi fails, of a thousand answers. It forgets one for longer than --timeout.
FAULTS = {"error": 20, "busy": 10, "cut": 10, "slow": 10, "forgotten": 2}
TIMEOUT = 5
VERSIONS = ("2025-11-25", "2026-07-28")
META = {
    "io.modelcontextprotocol/protocolVersion": VERSIONS[1],
    "io.modelcontextprotocol/clientInfo": {"name": "soak", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
# The last third may have so many times the first's of each.
FLAT = {"memory": 1.05, "files": 1.1, "usual": 1.5, "slow": 1.5}


def failing(app: ASGIApp, dice: random.Random) -> ASGIApp:
    """`app`, which now and then does not answer as it should."""

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        [fault] = dice.choices([*FAULTS, None], [*FAULTS.values(), 1000 - sum(FAULTS.values())])
        if fault in {"slow", "forgotten"}:
            await asyncio.sleep(1 if fault == "slow" else TIMEOUT + 1)
        if fault in {"error", "busy"}:
            status, headers = (503, []) if fault == "error" else (429, [(b"retry-after", b"1")])
            await send({"type": "http.response.start", "status": status, "headers": headers})
            return await send({"type": "http.response.body"})
        if fault == "cut":
            headers = [(b"content-length", b"100"), (b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            return await send({"type": "http.response.body", "body": b"{", "more_body": True})
        return await app(scope, receive, send)

    return fails


@dataclass
class Minute:
    """What happened in one minute."""

    ended: Counter[str] = field(default_factory=Counter[str])
    seconds: list[float] = field(default_factory=list[float])
    memory: float = 0
    files: int = 0

    @property
    def usual(self) -> float:
        """The median latency, in milliseconds."""
        return median(self.seconds) * 1000

    @property
    def slow(self) -> float:
        """The latency that one of twenty passes, in milliseconds."""
        return quantiles(self.seconds, n=20)[-1] * 1000


class Load:
    """Clients that call one after the other, and together at a steady rate."""

    def __init__(self, url: str, rate: float) -> None:
        self._url, self._rate = url, rate
        self._dice = random.Random(1)
        self._made: deque[str] = deque()
        self._id = 0
        self.minute = Minute()

    async def run(self, seconds: float) -> None:
        """Call for so long."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with httpx2.AsyncClient(timeout=60) as http, asyncio.TaskGroup() as calls:
            for at in range(round(seconds * self._rate)):
                await asyncio.sleep(start + at / self._rate - loop.time())
                calls.create_task(self._call(http, *self._next()))

    def _next(self) -> tuple[str, Json]:
        some = self._dice.choice(self._made) if self._made else "none-yet"
        match self._dice.randrange(20):
            case 0 | 1:
                return "create_session", {"body": {"name": "Soak", "expirationSeconds": 3600}}
            case 2 | 3 if len(self._made) > 20:
                return "delete_session", {"id": self._made.popleft()}
            case 4 | 5 | 6:
                line = {"role": "user", "content": "Good morning, it is about my appointment."}
                return "update_session", {"id": some, "appendMessages": [line]}
            case 7:
                return "list_sessions", {"contains": "appointment", "maxScan": 100}
            case 8 | 9 | 10 | 11 | 12:
                return "list_sessions", {"limit": 20}
            case 13 | 14:
                return "get_session", {"id": "no-such-session"}
            case _:
                return "get_session", {"id": some}

    async def _call(self, http: httpx2.AsyncClient, tool: str, arguments: Json) -> None:
        self._id += 1
        version = VERSIONS[self._id % 2]
        params: Json = {"name": tool, "arguments": arguments}
        headers = {"Accept": "application/json", "MCP-Protocol-Version": version}
        if version == VERSIONS[1]:
            params["_meta"] = META
            headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        message = {"jsonrpc": "2.0", "id": self._id, "method": "tools/call", "params": params}
        begun = time.perf_counter()
        answer = await http.post(self._url, json=message, headers=headers)
        self.minute.seconds.append(time.perf_counter() - begun)
        result: Json = answer.json().get("result", {}) if answer.status_code == 200 else {}
        if not result:
            print(f"{answer.status_code} {answer.text[:200]}", file=sys.stderr)
        self.minute.ended["no answer" if not result else str(result.get("isError", False))] += 1
        if tool == "create_session" and result and not result.get("isError"):
            self._made.append(json.loads(result["content"][0]["text"])["id"])


def processes(pid: int) -> list[Path]:
    """Of a process and its children, in /proc."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{each}") for each in (str(pid), *children)]


def measure(pid: int, minute: Minute) -> None:
    """Megabytes and open files of all processes, now."""
    own = processes(pid)
    statuses = [(each / "status").read_text() for each in own]
    minute.memory = sum(int(text.partition("VmRSS:")[2].split()[0]) for text in statuses) / 1024
    minute.files = sum(len(os.listdir(each / "fd")) for each in own)


@contextmanager
def server(vapi: str) -> Generator[tuple[subprocess.Popen[bytes], str]]:
    """Two workers, and their URL."""
    options = ("--transport", "http", "--port", "0", "--workers", "2", "--tool-names", "short")
    limits = ("--timeout", str(TIMEOUT), "--log-level", "error")
    with subprocess.Popen(
        [sys.executable, "-m", "vapi_sessions_mcp", *options, *limits],
        stderr=subprocess.PIPE,
        env={**os.environ, "VAPI_API_KEY": SANDBOX_KEY, "VAPI_BASE_URL": vapi},
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        yield process, line.partition(" at ")[2].partition(";")[0]
        process.send_signal(signal.SIGTERM)
        process.communicate()


async def soak(minutes: int, rate: float) -> list[Minute]:
    """Call for so many minutes, and print each."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(failing(create_app(), random.Random(2)), log_level="critical")
    vapi, past = uvicorn.Server(config), list[Minute]()
    serving = asyncio.create_task(vapi.serve(sockets=[listener]))
    with server(f"http://127.0.0.1:{listener.getsockname()[1]}") as (process, url):
        load = Load(url, rate)
        calls = asyncio.create_task(load.run(60 * minutes))
        print("minute  calls  in words  unanswered  median ms  95 % ms     MB  files")
        while len(past) < minutes:
            await asyncio.wait([calls], timeout=60)
            this, load.minute = load.minute, Minute()
            measure(process.pid, this)
            past.append(this)
            ended = this.ended
            print(
                f"{len(past):6}  {ended.total():5}  {ended['True']:8}  {ended['no answer']:10}"
                f"  {this.usual:9.1f}  {this.slow:7.1f}  {this.memory:5.1f}  {this.files:5}",
                flush=True,
            )
        await calls
    vapi.should_exit = True
    await serving
    return past


def main() -> int:
    """0 where all is flat, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=30, help="calls a second")
    given = parser.parse_args()
    if given.minutes < 3:
        parser.error("--minutes must be 3 or more: thirds of it are compared")
    past = asyncio.run(soak(given.minutes, given.rate))
    third = len(past) // 3
    rises = {
        name: median(getattr(each, name) for each in past[-third:])
        / median(getattr(each, name) for each in past[:third])
        for name in FLAT
    }
    print(*(f"{name} × {rise:.2f}" for name, rise in rises.items()), sep=", ")
    unanswered = sum(each.ended["no answer"] for each in past)
    return int(bool(unanswered) or any(rises[name] > most for name, most in FLAT.items()))


if __name__ == "__main__":
    sys.exit(main())
