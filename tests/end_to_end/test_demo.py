"""`demo` drives a server of its own, and its exit code says how it went."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.command import Run
from support.sandbox import stopped
from vapi_sessions_mcp.cli import demo
from vapi_sessions_mcp.sandbox.store import Store

# What a server would do something else with, or not start with; the last is nothing of ours.
ODD = {
    "VAPI_MCP_READ_ONLY": "true",
    "VAPI_MCP_TRANSPORT": "http",
    "VAPI_MCP_PORT": "1",
    "VAPI_MCP_NO_SUCH_SETTING": "1",
    "VAPI_MCP_LOG_LEVEL": "loud",
    "VAPI_BASE_URL": "x",
    "VAPI_MCP_ONLY_ASSISTANT": "",
    "VAPI_MCP_SANDBOX_NOW": "noon",
    "VAPI_API_KEY": "a b",
    "VAPI_MCP_TOKENS": "short",
    "VAPI_MCP_SANDBOX_DB": "/",
    "HTTPS_PROXY": "http://user:s3cret@proxy:hunter2",
}


@pytest.mark.clock
def test_the_demo_s_outcome_is_the_exit_code(run: Run) -> None:
    # It is the first thing people run, and scripts/demo stands on its exit code.
    ended = run("demo")
    assert (ended.code, ended.err) == (0, "")
    assert "Every step worked." in ended.out


def test_the_demo_is_the_same_whatever_is_set_for_a_server(run: Run) -> None:
    # A shell that has the settings of a server is where people try it first.
    ended = run("demo", **ODD)
    assert (ended.code, ended.err) == (0, "")
    assert "Every step worked." in ended.out


@pytest.mark.measured
def test_a_demo_whose_server_cannot_do_it_says_so_and_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # A tour that ends well whatever happened proves nothing.
    assert demo.run(None, options=["--read-only"]) == 1
    said = capsys.readouterr().err
    assert "the demo failed: the server did not start or did not answer" in said
    file = str(tmp_path / "empty.db")
    Store(file, stopped).close()
    with closing(sqlite3.connect(file)) as emptied:
        emptied.execute("DELETE FROM sessions")
        emptied.commit()
    assert demo.run(None, options=["--sandbox-db", file]) == 1
    assert capsys.readouterr().err == (
        "vapi-sessions-mcp: the demo failed: expected that +14155550123 has sessions\n"
    )
