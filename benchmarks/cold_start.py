"""Cold start, spawn to `tools/list` answered, as a ratio to a bare SDK server in the same run.

Run with: python benchmarks/cold_start.py [ROUNDS]
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

BARE = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]
OURS = [sys.executable, "-m", "vapi_sessions_mcp"]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}


def seconds(command: list[str]) -> float:
    """The time from spawning `command` to its first complete answer."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(REQUEST).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        taken = time.perf_counter() - begun
        process.stdin.close()
        process.wait(timeout=30)
    assert answer["result"]["tools"]
    return taken


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for command in (BARE, OURS):
        seconds(command)  # bytecode is compiled now, if it was not
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
        pairs.append((seconds(BARE), seconds(OURS)))
    print(file=sys.stderr)
    bare, ours = median(bare for bare, _ in pairs), median(ours for _, ours in pairs)
    ratio = median(ours / bare for bare, ours in pairs)
    print(f"bare SDK server   {bare * 1000:6.0f} ms")
    print(f"vapi-sessions-mcp {ours * 1000:6.0f} ms")
    print(f"ratio             {ratio:6.2f}   (bound: 0.15)")
    sys.exit(ratio > 0.15)


main()
