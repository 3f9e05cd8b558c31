"""MCP Inspector's command line, which judges schemas, over both transports and in both eras."""

import json
from pathlib import Path

import pytest

from support.clients import Json, node_packages, run
from support.tools import ERAS

TRANSPORTS = ("stdio", "http")
COMMAND = ("vapi-sessions-mcp", "--sandbox", "--tool-names", "short")
# Its exit code; 6 would be a schema that is not portable.
ERROR_OF_A_TOOL = 5


class Inspector:
    """The Inspector before one server."""

    def __init__(self, *target: str, era: str, home: Path) -> None:
        self._target, self._home = target, home
        self._era = "legacy" if era == "legacy" else "modern"

    def ask(self, method: str, *options: str) -> tuple[int, Json, str]:
        """Its exit code, the result and what it says on stderr."""
        inspector = node_packages() / ".bin" / "mcp-inspector"
        asked = ["--protocol-era", self._era, "--method", method, *options]
        command = [inspector, "--cli", *asked, "--quiet", "--format", "json", "--", *self._target]
        done = run(command, self._home, HOME=str(self._home))
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def call(self, tool: str, **arguments: object) -> tuple[int, Json]:
        given = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        code, answer, _ = self.ask("tools/call", *given)
        return code, answer["result"]


@pytest.fixture(params=[(way, era) for way in TRANSPORTS for era in ERAS], ids="-".join)
def inspector(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Inspector:
    way, era = request.param
    return Inspector(*(COMMAND if way == "stdio" else (url,)), era=era, home=tmp_path)


def test_the_inspector_finds_every_schema_portable(inspector: Inspector) -> None:
    # It is what people look at a server with first, and it knows which clients choke on what.
    code, answer, said = inspector.ask("tools/list", "--strict")
    assert (code, said) == (0, "")
    assert len(answer["result"]["tools"]) == 5


def test_the_inspector_makes_a_round_through_the_tools(inspector: Inspector) -> None:
    # Each call is a process of its own, so that over stdio only the first session is seen again.
    code, page = inspector.call("list_sessions", number="+14155550123", limit=1)
    assert (code, page["isError"]) == (0, False)
    (found,) = page["structuredContent"]["results"]
    code, session = inspector.call("get_session", id=found["id"], messages={"last": 1})
    assert code == 0
    assert session["structuredContent"]["id"] == found["id"]


def test_the_inspector_reports_a_refused_argument_as_an_error_of_the_tool(
    inspector: Inspector,
) -> None:
    # Scripts that use it go by the exit code, people by the words.
    code, refused = inspector.call("get_session", id="a", messages={"first": 1, "last": 1})
    assert code == ERROR_OF_A_TOOL
    assert refused["isError"]
    assert "takes one of first, last" in refused["content"][0]["text"]


def test_the_inspector_creates_adds_to_and_deletes_a_session(url: str, tmp_path: Path) -> None:
    # Over HTTP the sandbox outlives a call.
    inspector = Inspector(url, era="auto", home=tmp_path)
    code, made = inspector.call("create_session", body={"name": "A tour"})
    id = made["structuredContent"]["id"]
    spoken = [{"role": "user", "content": "Hello"}]
    added, session = inspector.call("update_session", id=id, appendMessages=spoken)
    deleted, copy = inspector.call("delete_session", id=id)
    assert (code, added, deleted) == (0, 0, 0)
    assert session["structuredContent"]["messages"] == spoken
    assert copy["structuredContent"]["messages"] == spoken
