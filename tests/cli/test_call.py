"""`call`: one tool from a shell, with JSON or flags, and an exit code that says how it went."""

import json
import re
import shlex
import socket
from pathlib import Path
from typing import Any

import pytest

from support.command import Run, refused
from support.tools import LIST
from vapi_sessions_mcp.contract.operations import OPERATIONS

MAYA = "+14155550123"
CHAT = "13c7157d-0dd0-5fc4-8817-99ddcd304b87"
NOTHING_SENT = "Nothing was sent to Vapi."
README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"^ *(vapi-sessions-mcp --sandbox call .*)$", re.MULTILINE)


def test_the_answer_is_compact_json_on_stdout_and_the_note_is_on_stderr(run: Run) -> None:
    # A program reads stdout; what was left out must not disturb it, nor get lost.
    ended = run("--sandbox", "call", "list_sessions", "--number", MAYA, "--limit", "1")
    assert ended.code == 0
    page = json.loads(ended.out)
    assert ended.out == json.dumps(page, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert (len(page["results"]), page["total"]) == (1, 8)
    call = f'list_sessions {{"number":"{MAYA}","limit":1,"page":2}}'
    assert ended.err == f"note: More: {call}.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [json.dumps({"id": CHAT, "messages": {"last": 2, "role": "user"}})],
        ["--id", CHAT, "--messages", '{"last": 2, "role": "user"}'],
        [f"--id={CHAT}", '--messages={"last": "2", "role": "user"}'],
        ['{"messages": {"last": 2, "role": "user"}}', "--id", CHAT],
    ],
    ids=["JSON", "flags", "flags with =", "both"],
)
def test_arguments_are_json_or_flags_or_both(run: Run, arguments: list[str]) -> None:
    # Agents write either; quoting a whole object is what they most often get wrong.
    ended = run("--sandbox", "call", "get_session", *arguments)
    assert (ended.code, ended.err) == (0, "")
    assert [message["role"] for message in json.loads(ended.out)["messages"]] == ["user", "user"]


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.short_name)
def test_each_tool_answers_to_both_of_its_names(run: Run, row: Any) -> None:
    # The capability's names and the short ones are both written down somewhere.
    given: dict[str, Any] = {"id": CHAT} if "{id}" in row.path else {}
    given |= {"body": {"name": "Renamed"}} if row.request.model_fields.keys() & {"body"} else {}
    for name in (row.name, row.short_name):
        assert run("--sandbox", "call", name, json.dumps(given)).code == 0


def test_notes_name_the_tools_as_the_caller_does(run: Run) -> None:
    # What a note says to call next can be called without a look at the manual.
    note = run("--sandbox", "call", LIST, '{"limit": 1}').err
    assert note.startswith(f"note: More: {LIST} {{")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["list_sessions", "--limt", "3"], "`limt` is not an argument: did you mean `limit`?"),
        (["list_sessions", '{"limt": 3}'], "`limt` is not an argument: did you mean `limit`?"),
        (["list_sessions", "--limit", "many"], "`limit` must be a whole number, got 'many'."),
        (["list_sessions", "--limit"], "`--limit` needs a value: --limit VALUE, or --limit=VALUE."),
        (["list_sessions", "--name", "--limit", "1"], "`--name` needs a value: --name VALUE, or"),
        (["list_sessions", "--page", "1", '{"page": 2}'], "`page` is given twice."),
        (["list_sessions", "--sandbox"], "`--sandbox` stands before `call`: vapi-sessions-mcp "),
        (["create_session", "--view", "full"], "`--view` stands before `call`: vapi-sessions-mcp "),
        (["list_sessions", "["], "Not a JSON object: '['. Write '{\"limit\": 1}', or flags: "),
        (["list_sessions", "[]"], "Not a JSON object: '[]'. Write '{\"limit\": 1}', or flags: "),
        (["list_sessions", "\udcff"], "Not a JSON object: '\\udcff'."),
        (["get_session"], "`id` is required."),
        (["list"], "No tool 'list': there are create_session, list_sessions, get_session, update_"),
    ],
    ids=lambda value: "" if isinstance(value, str) else ascii(" ".join(value)),
)
def test_bad_input_is_one_line_and_exit_code_2(run: Run, arguments: list[str], line: str) -> None:
    # An agent mends its own call when the line names what is wrong with it.
    told = refused(run("--sandbox", "call", *arguments))
    assert told.startswith(line)
    assert told.endswith(NOTHING_SENT)


def test_without_a_key_the_exit_code_is_2_and_the_line_says_where_to_get_one(run: Run) -> None:
    # It is the first thing that goes wrong on a new machine.
    told = refused(run("call", "list_sessions"))
    assert told.startswith("VAPI_API_KEY is not set")
    assert "https://dashboard.vapi.ai/org/api-keys" in told
    told = refused(run("call", "list_sessions", VAPI_API_KEY="two keys"))
    assert told == "VAPI_API_KEY holds something other than one API key."


def test_what_vapi_refuses_is_exit_code_1(run: Run) -> None:
    # A script that verifies a deletion stands on it: 1 is Vapi's own no.
    ended = run("--sandbox", "call", "get_session", "--id", "nobody")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("vapi-sessions-mcp: No session nobody: it may have expired or been")
    assert ended.err.count("\n") == 1


def test_a_vapi_that_cannot_be_reached_or_does_not_answer_is_exit_code_3(run: Run) -> None:
    # Worth another try later, unlike 1 and 2.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        options = ("--base-url", url, "call", "list_sessions")
        slow = run("--timeout", "0.1", *options, VAPI_API_KEY="made-up")
    gone = run(*options, VAPI_API_KEY="made-up")
    assert (slow.code, slow.out) == (gone.code, gone.out) == (3, "")
    assert "gave no answer within 0.1 s" in slow.err
    assert "no connection to 127.0.0.1" in gone.err


def test_the_options_before_call_are_obeyed(run: Run) -> None:
    # What protects customers over MCP must protect them in a shell.
    read_only = refused(run("--sandbox", "--read-only", "call", "delete_session", "--id", CHAT))
    assert read_only.startswith("No tool 'delete_session': there are list_sessions, get_session.")
    masked = run("--sandbox", "--mask-pii", "call", "list_sessions", "--number", MAYA)
    assert MAYA not in masked.out
    said = refused(run("--sandbox", "--mask-pii", "call", "list_sessions", "--number", MAYA[1:]))
    assert MAYA[1:] not in said
    viewed = run("--sandbox", "--view", "summary", "call", "get_session", "--id", CHAT)
    assert "lastMessage" in json.loads(viewed.out)
    short = run("--sandbox", "--max-result-chars", "2000", "call", "list_sessions")
    assert len(short.out) <= 2000
    assert short.err.startswith("note: ")


def test_steps_follow_each_other_in_a_database(run: Run, tmp_path: Path) -> None:
    # Each call is a process of its own, and a session's life takes several.
    before = ("--sandbox", "--sandbox-db", str(tmp_path / "vapi.db"), "call")
    made = json.loads(run(*before, "create_session", "--body", '{"name": "New"}').out)
    lines = '[{"role": "user", "content": "Hello"}]'
    added = run(*before, "update_session", "--id", made["id"], "--appendMessages", lines)
    assert added.err.startswith("note: Appended 1 message")
    assert run(*before, "delete_session", "--id", made["id"]).code == 0
    assert run(*before, "get_session", "--id", made["id"]).code == 1


def test_the_help_tells_every_argument_of_every_tool(run: Run) -> None:
    # An agent with only a shell learns the tools from it.
    shown = run("call", "--help").out
    for row in OPERATIONS:
        assert f"{row.short_name}, or {row.name}:" in shown
        for name, field in row.request.model_fields.items():
            assert f"  --{field.alias or name} " in shown


def test_the_examples_of_the_help_and_the_readme_work(run: Run) -> None:
    # They are copied before anything else is read.
    texts = [run("call", "--help").out, README.read_text(encoding="utf-8")]
    examples = [line for text in texts for line in EXAMPLE.findall(text)]
    assert len(examples) == 4
    for example in examples:
        ended = run(*shlex.split(example)[1:])
        assert (ended.code, ended.out[:1]) == (0, "{")
