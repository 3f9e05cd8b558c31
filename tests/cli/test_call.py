"""`call`: one tool from a shell, with JSON or flags, and an exit code that says how it went."""

import io
import json
import re
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from support.command import Run, refused
from support.tools import LIST
from vapi_sessions_mcp.cli.tool import EXAMPLES
from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.contract.schemas import input_schema

pytestmark = pytest.mark.clock

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
        (["list_sessions", "--sandbox"], "`--sandbox` goes before `call`: vapi-sessions-mcp "),
        (["create_session", "--view", "full"], "`--view` goes before `call`: vapi-sessions-mcp "),
        (["list_sessions", '{"page": 1, "page": 1}'], "`page` is given twice."),
        (["list_sessions", "["], "Not a JSON object: '['. Write '{\"limit\": 1}', or flags: "),
        (["list_sessions", "[]"], "Not a JSON object: '[]'. Write '{\"limit\": 1}', or flags: "),
        (["list_sessions", "\udcff"], "Not a JSON object: '\\udcff'."),
        (["get_session"], "`id` is required."),
        (
            ["get_session", "--limit", "1"],
            "`limit` is not an argument: there are id, view, messages",
        ),
        (["get_session", "-x"], "`x` is not an argument: there are id, view, messages."),
        (["create_session", "--name", "x"], "`name` is not an argument: what to store goes inside"),
        (["list_sessions", "--page", "1", "--page", "1"], "`page` is given twice."),
        (["list_sessions", CHAT], f"Not a JSON object: '{CHAT}'."),
        (["get_session", CHAT, "--id", CHAT], "`id` is given twice."),
        (["get_session", CHAT, json.dumps({"id": CHAT})], "`id` is given twice."),
        (["get_session", CHAT, CHAT], "`id` is given twice."),
        (["get_session", "a/b"], "`id` must be 1 to 128 letters, digits, - or _, such as "),
        (["get_session", '{"id": '], "Not a JSON object: '{\"id\": '."),
        (["list"], "No tool 'list': there are create_session, list_sessions, get_session, update_"),
        (["list", "--help"], "No tool 'list': there are create_session, list_sessions, get_"),
        (["--read-only", "list_sessions"], "`--read-only` goes before `call`: vapi-sessions-mcp "),
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
    short = run("--sandbox", "--max-result-bytes", "2000", "call", "list_sessions")
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


def test_ctrl_c_while_the_arguments_are_typed_leaves_no_stack_trace(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who typed a dash by mistake has only this way out.
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted()))
    ended = run("--sandbox", "call", "list_sessions", "-")
    assert (ended.code, ended.out, ended.err.strip()) == (130, "", "")


def test_the_help_of_call_lists_the_tools(run: Run) -> None:
    # An agent with only a shell learns from it what there is.
    shown = run("call", "--help").out
    listed = shown.partition("\nCommands:\n")[2]
    assert [line.split()[0] for line in listed.splitlines() if line[2:3].strip()] == [
        row.short_name for row in OPERATIONS
    ]
    for row in OPERATIONS:
        words = row.description.partition(". ")[0].split()
        assert " ".join(words) in " ".join(listed.split())


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.short_name)
def test_the_help_of_a_tool_says_all_that_its_schema_says(run: Run, row: Any) -> None:
    # A shell has nothing else to learn the arguments from.
    shown = run("call", row.short_name, "--help").out
    flat = " ".join(shown.split())
    assert row.description in flat
    assert f"The tool's other name is {row.name}." in shown
    schema = input_schema(row.request)
    arguments = schema["properties"]
    assert arguments.keys() == {
        field.alias or name for name, field in row.request.model_fields.items()
    }
    for name, of in arguments.items():
        assert f"\n  --{name} " in shown
        assert of["description"] in flat
        assert all(word in shown for word in of.get("enum", ()))
        inside = of.get("items", of).get("properties", {})
        section = shown.partition(f"\nInside --{name}:\n")[2]
        assert bool(section) == bool(inside)
        for field in inside:
            assert f"\n  {field} " in f"\n{section}"
    assert flat.count("[required") >= len(schema.get("required", ()))
    by_full_name = " ".join(run("call", row.name, "--help").out.split())
    assert f"The tool's other name is {row.short_name}." in by_full_name
    same = slice(flat.index(row.description), flat.index("The tool's other name"))
    assert flat[same] in by_full_name


def test_the_help_of_a_tool_shows_types_limits_and_what_is_required(run: Run) -> None:
    # A call that was right the first time costs no second one.
    shown = " ".join(run("call", "list_sessions", "--help").out.split())
    for part in (
        "--limit INTEGER Rows a page (100); 0 only counts [0 to 1000]",
        "--page INTEGER Page; scans go on by coverage.next [1 or more]",
        "--sortOrder [ASC|DESC] ",
        "--createdAtGt TIME ",
        "--numberE164CheckEnabled [true|false] ",
        "--phoneNumberIdAny TEXT,... ",
        "--assistantOverrides JSON ",
        "Customer's e-mail [up to 40 characters]",
    ):
        assert part in shown
    shown = " ".join(run("call", "get_session", "--help").out.split())
    assert "[OPTIONS] [ID] [JSON | -]" in shown
    assert "--id TEXT Session id [required]" in shown


def test_the_examples_of_the_help_and_the_readme_work(run: Run) -> None:
    # They are copied before anything else is read.
    helps = [run("call", *name, "--help").out for name in ([], *([n] for n in EXAMPLES))]
    texts = [*helps, README.read_text(encoding="utf-8")]
    examples = [line for text in texts for line in EXAMPLE.findall(text)]
    assert len(examples) == 4 + len(OPERATIONS)
    for example in examples:
        ended = run(*shlex.split(example)[1:])
        assert (ended.code, ended.out[:1]) == (0, "{"), example


def test_every_tool_has_an_example() -> None:
    # One without would not start.
    assert list(EXAMPLES) == [row.short_name for row in OPERATIONS]


@pytest.mark.parametrize(
    "arguments",
    [
        [CHAT],
        [CHAT, "--view", "summary"],
        ["--view=summary", CHAT],
        [CHAT, '{"view": "summary"}'],
        ["--id", CHAT],
        ["--id", "-not-an-option-"],
    ],
    ids=" ".join,
)
def test_an_id_can_be_given_by_itself(run: Run, arguments: list[str]) -> None:
    # It is what people type first, and there is nothing else that it could be.
    ended = run("--sandbox", "call", "get_session", *arguments)
    if CHAT in arguments:
        assert (ended.code, json.loads(ended.out)["id"]) == (0, CHAT)
    else:
        assert ended.code == 1
        assert "No session -not-an-option-" in ended.err


def test_change_and_delete_take_an_id_by_itself_too(run: Run, tmp_path: Path) -> None:
    # Learned for one tool, it is used with the others.
    before = ("--sandbox", "--sandbox-db", str(tmp_path / "vapi.db"), "call")
    changed = run(*before, "update_session", CHAT, "--body", '{"name": "Renamed"}')
    assert json.loads(changed.out)["name"] == "Renamed"
    deleted = run(*before, "delete_session", CHAT)
    assert (deleted.code, json.loads(deleted.out)["name"]) == (0, "Renamed")
    assert run(*before, "get_session", CHAT).code == 1


def test_a_value_that_begins_with_dashes_is_given_with_an_equals_sign(run: Run) -> None:
    # A forgotten value must not swallow the next flag; a real one must have a way in.
    ended = run("--sandbox", "call", "list_sessions", "--name=--limit", "--limit=1")
    assert (ended.code, json.loads(ended.out)["total"]) == (0, 0)
    ended = run("--sandbox", "call", "list_sessions", "--contains=a=b", "--maxScan", "1")
    assert ended.code == 0


def test_a_tool_given_as_a_command_is_pointed_to_call(run: Run) -> None:
    # Agents know the tools' names, and try them first.
    for row in OPERATIONS:
        for name in row.names:
            told = refused(run("--sandbox", name, "--id", CHAT))
            assert told == f"No such command '{name}': did you mean `call {name}`?"


def test_what_the_settings_do_not_offer_has_no_help_either(run: Run) -> None:
    # A help that promises what is refused costs a call.
    told = refused(run("--no-delete", "call", "delete_session", "--help"))
    assert told.startswith("No tool 'delete_session': there are create_session, list_sessions,")
    listed = run("--read-only", "call", "--help").out.partition("\nCommands:\n")[2]
    assert "get_session" in listed
    assert "update_session" not in listed
    confirmed = run("--confirm-delete", "argument", "call", "delete_session", "--help").out
    assert "--confirm TEXT" in confirmed
    for person in (("--confirm-delete",), ("--confirm-delete", "person"), ()):
        assert "--confirm TEXT" not in run(*person, "call", "delete_session", "--help").out


@pytest.mark.parametrize(("value", "asks"), [("1", True), ("person", True), ("no", False)])
def test_the_environment_switches_confirming_on_like_a_flag(
    run: Run, value: str, asks: bool
) -> None:
    # Where it is set in a manifest it is often true or 1.
    listed = run("call", "delete_session", "--help", VAPI_MCP_CONFIRM_DELETE=value)
    assert ("A person is asked first." in listed.out) is asks


def test_an_option_that_nothing_has_is_refused_before_the_tool(run: Run) -> None:
    # The group itself has no option but --help.
    assert refused(run("call", "--limit", "3", "list_sessions")) == "No such option '--limit'."


def test_without_a_tool_the_help_is_on_stderr(run: Run) -> None:
    # A script must not take it for an answer.
    for group in ("call", "skill"):
        ended = run(group)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err == run(group, "--help").out


def test_what_was_taken_away_is_no_command_s_either(run: Run) -> None:
    # `call` runs with the same environment as the server, on the same machine.
    deleting = ("call", "delete_session", "--id", CHAT)
    assert "No tool 'delete_session'" in refused(run("--sandbox", "--no-delete", *deleting))
    confirmed = ("--sandbox", "--confirm-delete", "argument", *deleting)
    assert f"Nothing was changed yet. Delete session {CHAT}" in refused(run(*confirmed))
    assert run(*confirmed, "--confirm", CHAT).code == 0
