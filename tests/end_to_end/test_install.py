"""`install` as a person runs it, and hosts that read what it wrote."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from support.host_files import put_in_place
from support.host_tools import OPENCODE, run_tool
from support.processes import COMMAND, PATIENCE, environment
from vapi_sessions_mcp.cli.install.hosts import BY_NAME
from vapi_sessions_mcp.sandbox import SANDBOX_KEY

QUESTION = b"Write this? [y/N]: "


def in_a_terminal(home: Path, answer: bytes) -> tuple[int, str]:
    """Install for Cursor, and answer the question; the exit code, and what was on the screen."""
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, "install", "cursor"],
        stdin=end,
        stdout=end,
        stderr=end,
        env=environment(HOME=str(home)),
    )
    os.close(end)
    screen = b""
    while True:
        assert select.select([terminal], [], [], PATIENCE)[0], screen
        try:
            more = os.read(terminal, 4096)
        except OSError:  # what Linux says when nobody holds the other end
            more = b""
        if not more:
            break
        screen += more
        if screen.endswith(QUESTION):
            os.write(terminal, answer)
            answer = b""
    os.close(terminal)
    return process.wait(PATIENCE), screen.decode().replace("\r\n", "\n")


@pytest.mark.measured
def test_a_person_sees_the_change_and_decides(tmp_path: Path) -> None:
    # Nothing is written that nobody saw.
    file = put_in_place(BY_NAME["cursor"], tmp_path)
    before = file.read_bytes()
    for answer in (b"n\n", b"\n"):
        code, screen = in_a_terminal(tmp_path, answer)
        assert (code, file.read_bytes()) == (1, before)
        assert screen.endswith("Nothing was written.\n")
        assert screen.startswith(f"{file}:\n@@ ")
    code, screen = in_a_terminal(tmp_path, b"y\n")
    assert code == 0
    assert "Written. What was there is in " in screen
    assert "vapi-sessions" in json.loads(file.read_text())["mcpServers"]


def test_a_start_imports_nothing_of_it() -> None:
    # Every host waits for that start, and installs once.
    command = [sys.executable, "-X", "importtime", *COMMAND[1:], "--sandbox"]
    done = subprocess.run(
        command, env=environment(), input="", capture_output=True, text=True, timeout=60, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "vapi_sessions_mcp.cli.main" in imported
    assert not [name for name in imported if name.startswith(("tomlkit", "ruamel"))]
    assert not [name for name in imported if name.startswith("vapi_sessions_mcp.cli.install")]


def installed(name: str, home: Path, *options: str) -> Path:
    """A home in which this host has the server, beside what it had."""
    put_in_place(BY_NAME[name], home)
    subprocess.run(
        [*COMMAND, "install", name, "--yes", *options],
        env=environment(HOME=str(home)),
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    return home


def test_codex_reads_what_was_written(tmp_path: Path) -> None:
    # It is the judge of its own file.
    listed = run_tool("codex", "mcp", "list", "--json", folder=installed("codex", tmp_path))
    servers = {server["name"]: server for server in json.loads(listed.stdout)}
    assert set(servers) == {"docs", "vapi-sessions"}
    transport = servers["vapi-sessions"]["transport"]
    assert transport["env_vars"] == ["VAPI_API_KEY"]
    assert transport["args"][-2:] == ["--tool-names", "short"]
    assert servers["vapi-sessions"]["enabled"]

    remote = ("--transport", "http", "--url", "http://127.0.0.1:9/mcp", "--token-env", "MY_TOKEN")
    home = installed("codex", tmp_path, *remote)
    listed = run_tool("codex", "mcp", "get", "vapi-sessions", "--json", folder=home)
    transport = json.loads(listed.stdout)["transport"]
    assert (transport["type"], transport["url"]) == ("streamable_http", "http://127.0.0.1:9/mcp")
    assert transport["bearer_token_env_var"] == "MY_TOKEN"


def test_opencode_starts_what_was_written(tmp_path: Path) -> None:
    # From the file to the handshake.
    home = installed("opencode", tmp_path)
    listed = run_tool(OPENCODE, "mcp", "list", folder=home, VAPI_API_KEY=SANDBOX_KEY)
    lines = [line for line in listed.stdout.splitlines() if "vapi-sessions " in line]
    assert len(lines) == 1, listed.stdout + listed.stderr
    assert "connected" in lines[0]
    shown = run_tool(OPENCODE, "debug", "config", folder=home, VAPI_API_KEY=SANDBOX_KEY)
    servers = json.loads(shown.stdout)["mcp"]
    assert set(servers) == {"browser", "vapi-sessions"}
    assert "{env:" not in servers["vapi-sessions"]["environment"]["VAPI_API_KEY"]
