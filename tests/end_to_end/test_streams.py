"""stdin and stdout as hosts and shells give them: pipes, sockets and files, all with one effect."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.stdio_calls import call, modern
from support.tools import GET, LIST

COMMAND = [sys.executable, "-m", "vapi_sessions_mcp", "--sandbox", "--log-level", "error"]
CALLS = [
    modern(1, "tools/list"),
    call(2, LIST, limit=1),
    call(3, LIST, limit=50, view="full"),
    call(4, GET, id="no-such-session"),
]
SENT = "".join(f"{json.dumps(each)}\n" for each in CALLS).encode()
SECONDS = 60


def answers(written: bytes) -> dict[int, dict[str, Any]]:
    found = {each["id"]: each["result"] for each in map(json.loads, written.splitlines())}
    assert sorted(found) == [1, 2, 3, 4]
    assert found[4]["isError"]
    assert len(found[3]["structuredContent"]["results"]) == 50
    return found


@pytest.mark.measured
def test_files_take_the_place_of_pipes(tmp_path: Path) -> None:
    # Whoever tries a server from a shell redirects both.
    given, out = tmp_path / "in", tmp_path / "out"
    given.write_bytes(SENT)
    with given.open("rb") as stdin, out.open("wb") as stdout:
        subprocess.run(COMMAND, stdin=stdin, stdout=stdout, timeout=SECONDS, check=True)
    answers(out.read_bytes())


def test_sockets_take_the_place_of_pipes() -> None:
    # Hosts that run on Node give their servers these, and some give them one for both.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(SECONDS)
        with subprocess.Popen(COMMAND, stdin=theirs.fileno(), stdout=theirs.fileno()) as process:
            theirs.close()
            ours.sendall(SENT)
            ours.shutdown(socket.SHUT_WR)
            with ours.makefile("rb") as read:
                answers(read.read())
            assert process.wait(SECONDS) == 0


@pytest.mark.measured
def test_a_host_that_dies_with_answers_unread_ends_the_server() -> None:
    # Each server that stayed would hold its memory for as long as the machine runs.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(SECONDS)
        with subprocess.Popen(
            COMMAND, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL
        ) as process:
            theirs.close()
            ours.sendall(json.dumps(CALLS[1]).encode() + b"\n")
            assert ours.recv(1)
            ours.close()
            assert process.wait(SECONDS) in (0, 1)


PRINTS = """
import os, anyio
from vapi_sessions_mcp.transports.stdout import claimed
with claimed() as stdout:
    os.write(1, b"printed\\n")
    anyio.run(stdout.write, "message\\n")
os.write(1, b"after\\n")
"""


def test_what_anything_prints_meanwhile_goes_to_stderr() -> None:
    # A line of somebody else's between two messages ends the connection.
    command = [sys.executable, "-c", PRINTS]
    ended = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
    assert (ended.stdout, ended.stderr) == (b"message\nafter\n", b"printed\n")
