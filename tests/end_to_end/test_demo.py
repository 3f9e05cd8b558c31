"""`demo` drives a server of its own, and its exit code says how it went."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.command import Run
from support.sandbox import stopped
from vapi_sessions_mcp.sandbox.store import Store

pytestmark = pytest.mark.clock


def test_the_demo_s_outcome_is_the_exit_code(run: Run) -> None:
    # It is the first thing people run, and scripts/demo stands on its exit code.
    ended = run("demo")
    assert (ended.code, ended.err) == (0, "")
    assert "Every step worked." in ended.out


def test_a_demo_whose_server_cannot_do_it_says_so_and_fails(run: Run, tmp_path: Path) -> None:
    # A tour that ends well whatever happened proves nothing.
    refused_write = run("demo", VAPI_MCP_READ_ONLY="true")
    assert refused_write.code == 1
    assert "the demo failed: the server did not start or did not answer" in refused_write.err
    file = str(tmp_path / "empty.db")
    Store(file, stopped).close()
    with closing(sqlite3.connect(file)) as emptied:
        emptied.execute("DELETE FROM sessions")
        emptied.commit()
    nobody = run("demo", VAPI_MCP_SANDBOX_DB=file)
    assert (nobody.code, nobody.err) == (
        1,
        "vapi-sessions-mcp: the demo failed: expected that +14155550123 has sessions\n",
    )
