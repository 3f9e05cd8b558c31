"""The commands: what they show and say, when they write, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.command import Run, refused
from support.host_files import NEIGHBOURS_SECRET, host_text, parsed, put_in_place
from vapi_sessions_mcp.cli.install.hosts import BY_NAME, HOSTS, Host

CURSOR = BY_NAME["cursor"]
KEY = "9f3c2b1a-0000-4000-8000-abcdefabcdef"
EVERY_HOST = pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)


@EVERY_HOST
def test_it_is_installed_and_taken_back(run: Run, tmp_path: Path, host: Host) -> None:
    # The whole way, as a script goes it.
    file = put_in_place(host, tmp_path)
    before, home = file.read_bytes(), {"HOME": str(tmp_path), "VAPI_API_KEY": KEY}
    done = run("install", host.name, "--yes", **home)
    assert (done.code, done.err) == (0, "")
    assert f"Written. What was there is in {file}.bak. " in done.out
    assert file.with_name(f"{file.name}.bak").read_bytes() == before
    entry: Any = parsed(host, file.read_text())
    assert "vapi-sessions" in entry[host.servers]
    # Neither our key nor anybody else's is on the screen, and ours is in no file.
    assert KEY not in file.read_text() + done.out
    assert NEIGHBOURS_SECRET not in done.out

    again = run("install", host.name, **home)
    assert again == (0, f"{host.title} has it already: {file} needs no change.\n", "")
    assert f"{host.name:<15} installed in {file}\n" in run("install", "--list", **home).out

    gone = run("uninstall", host.name, "--yes", **home)
    assert (gone.code, gone.err) == (0, "")
    assert file.read_bytes() == before
    assert f"{host.name:<15} not installed in {file}\n" in run("install", "--list", **home).out
    again = run("uninstall", host.name, **home)
    assert again == (0, f"{host.title} does not have it: {file} needs no change.\n", "")


@EVERY_HOST
def test_without_a_terminal_nothing_is_written_unless_yes_is_given(
    run: Run, tmp_path: Path, host: Host
) -> None:
    # A script that did not say so has nobody to agree.
    file = put_in_place(host, tmp_path)
    done = run("install", host.name, HOME=str(tmp_path))
    assert done.code == 2
    assert done.out.startswith(f"{file}:\n@@ ")
    assert "vapi-sessions" in done.out
    assert done.err == (
        "vapi-sessions-mcp: Nothing was written: there is no terminal to ask in; --yes writes it.\n"
    )
    assert file.read_text() == host_text(host)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@EVERY_HOST
def test_print_needs_no_file_and_touches_none(run: Run, tmp_path: Path, host: Host) -> None:
    # It is for pasting, on whichever machine.
    put_in_place(host, tmp_path, b"{ not valid [")
    done = run("install", host.name, "--print", "--", "--confirm-delete", HOME=str(tmp_path))
    assert (done.code, done.err) == (0, "")
    data: Any = parsed(host, done.out)
    entry = data[host.servers]["vapi-sessions"]
    command = entry.get("args", entry.get("command"))
    assert command[-4:] == ["--tool-names", "short", "--confirm-delete", "person"]


@EVERY_HOST
def test_a_host_without_a_file_gets_one(run: Run, tmp_path: Path, host: Host) -> None:
    # A host that was just installed has none.
    home = {"HOME": str(tmp_path)}
    assert f"not installed (no {tmp_path}" in run("install", "--list", **home).out
    done = run("install", host.name, "--yes", **home)
    assert done.code == 0
    assert "What was there" not in done.out
    assert f"{host.name:<15} installed in {tmp_path}" in run("install", "--list", **home).out


@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("claude-desktop", "/key, readable by you alone, and restart Claude Desktop."),
        ("vscode", "VS Code asks for the API key when it starts the server."),
        ("codex", "Set VAPI_API_KEY where Codex CLI is started, and restart it."),
    ],
)
def test_what_is_left_to_do_is_said(run: Run, tmp_path: Path, name: str, then: str) -> None:
    # Without a key the tools are listed, and each call fails.
    assert run("install", name, "--yes", HOME=str(tmp_path)).out.endswith(f"{then}\n")


def test_a_remote_server_is_installed_by_its_url(run: Run, tmp_path: Path) -> None:
    # Teams share one.
    home = {"HOME": str(tmp_path)}
    remote = ("--transport", "http", "--url", "https://sessions.example.com/mcp", "--yes")
    done = run("install", "cursor", *remote, "--token-env", "MY_TOKEN", **home)
    assert done.out.endswith(" Set MY_TOKEN where Cursor is started, and restart it.\n")
    assert json.loads((tmp_path / ".cursor" / "mcp.json").read_text()) == {
        "mcpServers": {
            "vapi-sessions": {
                "url": "https://sessions.example.com/mcp",
                "headers": {"Authorization": "Bearer ${env:MY_TOKEN}"},
            }
        }
    }
    done = run("install", "vscode", *remote, "--token-env", "MY_TOKEN", **home)
    assert done.out.endswith("Written. Restart VS Code.\n")
    assert "no remote servers" in refused(run("install", "claude-desktop", *remote, **home))


def test_another_file_than_the_host_s_own_can_be_named(run: Run, tmp_path: Path) -> None:
    # A project's `.cursor/mcp.json` is for everybody who works on it.
    file = tmp_path / "project.json"
    assert run("install", "cursor", "--yes", "--file", str(file)).code == 0
    assert "vapi-sessions" in file.read_text()
    assert run("uninstall", "cursor", "--yes", "--file", str(file)).code == 0
    assert "vapi-sessions" not in file.read_text()


def test_a_key_that_was_in_the_entry_is_not_shown_when_it_goes(run: Run, tmp_path: Path) -> None:
    # The screen is shared, and the terminal keeps what it showed.
    entry = {"command": "uvx", "env": {"VAPI_API_KEY": KEY, "OTHER": 'a"quoted"\\secret'}}
    content = json.dumps({"mcpServers": {"vapi-sessions": entry}}, indent=2).encode()
    file = put_in_place(CURSOR, tmp_path, content)
    for command in ("install", "uninstall"):
        done = run(command, "cursor", HOME=str(tmp_path))
        assert '"VAPI_API_KEY": "***"' in done.out
        assert KEY not in done.out
        assert "quoted" not in done.out
    assert file.read_bytes() == content


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_a_file_that_cannot_be_edited_is_never_overwritten(
    run: Run, tmp_path: Path, command: str
) -> None:
    # Somebody is in the middle of writing it, or wrote it for another program.
    home = {"HOME": str(tmp_path)}
    for content, why in (
        (b'{"mcpServers": {', "is not valid JSON (line 1): nothing was changed. `install"),
        ("{}".encode("utf-16"), "is not UTF-8: nothing was changed."),
        (b"[]", "holds something other than a table of settings: nothing was changed."),
    ):
        file = put_in_place(CURSOR, tmp_path, content)
        assert refused(run(command, "cursor", "--yes", **home)).startswith(f"{file} {why}")
        assert file.read_bytes() == content
        assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_list_says_which_file_cannot_be_read(run: Run, tmp_path: Path) -> None:
    # "Not installed" would send people to look anywhere else.
    home = {"HOME": str(tmp_path)}
    for content, why in (
        (b"{", "is not valid JSON (line 1)."),
        (b"\xff\xfe{\0", "is not UTF-8: nothing was changed."),
    ):
        file = put_in_place(CURSOR, tmp_path, content)
        assert f"cursor          {file} {why}\n" in run("install", "--list", **home).out


def test_a_read_only_file_is_left_alone_and_named(run: Run, tmp_path: Path) -> None:
    # Whoever made it so meant it.
    file = put_in_place(CURSOR, tmp_path)
    file.chmod(0o444)
    line = refused(run("install", "cursor", "--yes", HOME=str(tmp_path)))
    assert line == f"{file} is read-only: nothing was changed."
    assert file.read_text() == host_text(CURSOR)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "Name a client: claude-desktop, claude-code, cursor, vscode, windsurf, codex, gem"),
        (["emacs"], "Invalid value for 'CLIENT': 'emacs' is not one of 'claude-desktop', "),
        (["cursor", "--url", "https://a.b"], "--url and --token-env are for --transport http: add"),
        (["cursor", "--token-env", "A"], "--url and --token-env are for --transport http: add it."),
        (["cursor", "--transport", "http"], "--transport http needs --url: where the server liste"),
        (
            ["cursor", "--transport", "http", "--url", "sessions.example.com"],
            "--url must begin with https:// or http:// and a host.",
        ),
        (
            ["cursor", "--transport", "http", "--url", "https://a.b", "--", "--read-only"],
            "Options behind -- are of a server that the client starts.",
        ),
        (
            ["cursor", "--", "--read-onl"],
            "No such option '--read-onl'. Did you mean '--read-only'?",
        ),
        (["cursor", "--", "--view", "x"], "Invalid value for '--view': 'x' is not one of 'auto', "),
        (
            ["cursor", "--", "--read-only", "demo"],
            "Behind -- there are only options of the server.",
        ),
        (["cursor", "--", "--port", "9000"], "--port has no effect with --transport stdio: add "),
        (
            ["cursor", "--", "--sandbox-db", "x"],
            "--sandbox-db keeps the sandbox's data: add --sand",
        ),
        (
            ["cursor", "--", "--transport", "http"],
            "A client that starts the server uses stdio: leave --transport out.",
        ),
        (["cursor", "--file", "/"], "Invalid value for '--file': File '/' is a directory."),
    ],
)
def test_what_cannot_be_installed_is_one_line_that_says_why(
    run: Run, tmp_path: Path, arguments: list[str], line: str
) -> None:
    # Found out in the host it would be a server that does not start.
    assert refused(run("install", *arguments, HOME=str(tmp_path))).startswith(line)


def test_no_variable_changes_what_is_installed(run: Run, tmp_path: Path) -> None:
    # A machine on which the server runs has variables for it, and a script must not write by one.
    environ = {"VAPI_MCP_INSTALL_YES": "1", "VAPI_MCP_TOOL_NAMES": "nonsense", "VAPI_MCP_X": "1"}
    done = run("install", "cursor", HOME=str(tmp_path), **environ)
    assert done.code == 2
    assert done.err.endswith("--yes writes it.\n")
    assert run("install", "cursor", "--print", HOME=str(tmp_path), **environ).code == 0
