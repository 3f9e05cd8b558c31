"""A host that never reads stderr: every call is answered, and the process ends when told."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

import httpx2
import pytest

from support.pipes import full_pipe
from support.processes import COMMAND, PATIENCE, environment
from support.stdio_calls import call
from support.tools import GET

# More lines than are kept, and many times what a pipe holds.
CALLS = 2_400
TOKENS = {"VAPI_MCP_TOKENS": "token-0123456789abcdef-0123456789abcdef"}


@contextmanager
def unread(stderr: int, *arguments: str, **env: str) -> Generator[subprocess.Popen[bytes]]:
    """A server whose stderr is the end of a pipe; killed when it outlives the block."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment(**env),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def answered(process: subprocess.Popen[bytes], count: int) -> None:
    """Make calls, each of which leaves a line in the log, and read an answer to each."""
    stdin, stdout = pipes(process)
    for number in range(count):
        stdin.write(json.dumps(call(number, GET, id="no id")).encode() + b"\n")
        stdin.flush()
        assert json.loads(stdout.readline())["id"] == number


def pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def free_port() -> int:
    """A port that nobody has: the log, which says what 0 became, is read by nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(("end", "count"), [(None, CALLS), (signal.SIGTERM, CALLS // 10)])
def test_over_stdio_all_is_answered_and_the_end_comes(
    end: signal.Signals | None, count: int
) -> None:
    # A full pipe stopped the server at its 577th call, and nobody saw why.
    with full_pipe() as pipe, unread(pipe.write_end, "--sandbox") as process:
        answered(process, count)
        if end:
            process.send_signal(end)
        else:
            pipes(process)[0].close()
        assert process.wait(PATIENCE) == 0


@pytest.mark.measured
def test_once_it_is_read_again_the_log_says_how_many_lines_are_lost() -> None:
    # Whoever looks for a call in it must know that it has a gap.
    with full_pipe() as pipe, unread(pipe.write_end, "--sandbox") as process:
        answered(process, CALLS)
        pipe.read_filling()
        kept, line = -1, ""
        while " WARNING vapi_sessions_mcp.log: lines were lost: stderr was not read " not in line:
            kept += 1
            [line] = pipe.lines(1)
        assert 0 < kept < CALLS
        assert int(line.partition(" lines=")[2]) == CALLS - kept
        # The next line has nothing before it again.
        answered(process, 1)
        [line] = pipe.lines(1)
        assert " INFO vapi_sessions_mcp.calls: call tool=get_session " in line
        pipes(process)[0].close()
        assert process.wait(PATIENCE) == 0


def test_over_http_all_is_answered_health_included_and_sigterm_ends_it() -> None:
    # 864 requests without a token stopped everything.
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with (
        full_pipe() as pipe,
        unread(
            pipe.write_end, "--sandbox", "--transport", "http", "--port", str(port), **TOKENS
        ) as process,
        # Until it listens, nobody answers.
        httpx2.Client(
            base_url=base, timeout=PATIENCE, transport=httpx2.HTTPTransport(retries=10)
        ) as client,
    ):
        assert client.get("/health/live").status_code == 200
        for _ in range(CALLS):
            assert client.post("/mcp", json={}).status_code == 401
        assert client.get("/health/live").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.measured
def test_without_a_stderr_it_serves_and_writes_its_log_nowhere() -> None:
    # Its number may then be that of a socket.
    script = 'exec "$@" 2>&-'
    ended = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *COMMAND, "--sandbox"],
        input=json.dumps(call(1, GET, id="no id")).encode() + b"\n",
        stdout=subprocess.PIPE,
        env=environment(),
        timeout=PATIENCE,
        check=True,
    )
    [line] = ended.stdout.splitlines()
    assert json.loads(line)["id"] == 1


def test_a_log_that_is_a_file_has_every_line_when_the_process_has_ended() -> None:
    # Lines that wait at the end are those about what went wrong.
    read_end, write_end = os.pipe()
    with unread(write_end, "--sandbox") as process:
        os.close(write_end)
        answered(process, 20)
        pipes(process)[0].close()
        assert process.wait(PATIENCE) == 0
        with os.fdopen(read_end, "rb") as log:
            assert len(log.read().splitlines()) == 20
