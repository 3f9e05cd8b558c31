"""`call` as a shell runs it: stdin, stdout and what it imports."""

import json
import os
import pty
import subprocess

import pytest

from support.processes import COMMAND, environment


def process(
    *arguments: str,
    python: tuple[str, ...] = (),
    input: bytes | None = None,
    stdout: int = subprocess.PIPE,
    **env: str,
) -> subprocess.CompletedProcess[bytes]:
    """The command as a real process, ended."""
    return subprocess.run(
        [COMMAND[0], *python, *COMMAND[1:], *arguments],
        env=environment(**env),
        input=input,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


def test_a_dash_reads_the_arguments_from_stdin() -> None:
    # A long conversation does not fit on a command line.
    body = {"name": "From stdin", "messages": [{"role": "user", "content": "ö" * 9_000}] * 20}
    sent = json.dumps({"body": body}, ensure_ascii=False).encode()
    ended = process("--sandbox", "call", "create_session", "-", input=sent)
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["messages"] == body["messages"]
    ended = process("--sandbox", "call", "create_session", "-", input=b"")
    assert ended.returncode == 2
    assert b"Not a JSON object: what is on stdin." in ended.stderr


def test_the_answer_is_utf_8_whatever_the_locale() -> None:
    # Customers' names are not ASCII, and a cron job's locale often is.
    given = ("--sandbox", "call", "create_session", '{"body": {"name": "\\u6e21\\u8fba"}}')
    ended = process(*given, PYTHONIOENCODING="ascii")
    assert "渡辺" in ended.stdout.decode()


def test_on_a_terminal_the_answer_is_indented_and_commands_nothing() -> None:
    # Escape codes in a customer's name would otherwise be obeyed by the operator's terminal.
    primary, secondary = pty.openpty()
    body = '{"body": {"name": "\\u009b31m\\u001b[31m"}}'
    ended = process("--sandbox", "call", "create_session", body, stdout=secondary)
    shown = os.read(primary, 4096).decode()
    os.close(primary)
    os.close(secondary)
    assert ended.returncode == 0
    assert shown.startswith('{\r\n  "id": ')
    assert '"name": "\\u009b31m\\u001b[31m"' in shown


def test_it_starts_without_the_mcp_sdk_and_without_a_web_server() -> None:
    # They are most of a start-up, and a shell starts anew for every call.
    python = ("-X", "importtime")
    vapi = "http://127.0.0.1:1"
    ended = process(
        "call", "list_sessions", python=python, VAPI_API_KEY="made-up", VAPI_BASE_URL=vapi
    )
    assert ended.returncode == 3
    lines = ended.stderr.decode().splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if "|" in line}
    assert "httpx2" in imported
    assert not imported & {"mcp", "mcp_types", "starlette", "uvicorn"}


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"pydantic", "httpx2", "anyio"}),
        (["call", "get_session", "--help"], {"httpx2", "mcp", "starlette"}),
    ],
    ids=["of the command", "of a tool"],
)
def test_a_help_imports_only_what_it_shows(arguments: list[str], absent: set[str]) -> None:
    # The request models alone take half a second, and a help is asked for often.
    ended = process(*arguments, python=("-X", "importtime"))
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"Usage: vapi-sessions-mcp ")
    lines = ended.stderr.decode().splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if "|" in line}
    assert "click" in imported
    assert not imported & absent
