"""What is written for each host: the entry that its documentation asks for, and no key."""

import json
import sys
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from vapi_sessions_mcp.cli.install.entries import (
    SERVER,
    Local,
    NotPossible,
    Remote,
    changes,
    running_command,
)
from vapi_sessions_mcp.cli.install.hosts import BY_NAME, HOSTS, Host, Machine

KEY_FILE = Path("/home/ana/.config/vapi-sessions-mcp/key")
LOCAL = Local(("uvx", "vapi-sessions-mcp"), KEY_FILE)
URL = "https://sessions.example.com/mcp"
ARGS = ["vapi-sessions-mcp", "--tool-names", "short"]
COMMAND = {"command": "uvx", "args": ARGS}
HEADERS = "headers"

STDIO: dict[str, dict[str, Any]] = {
    "claude-desktop": {**COMMAND, "env": {"VAPI_API_KEY_FILE": str(KEY_FILE)}},
    "claude-code": {"type": "stdio", **COMMAND, "env": {"VAPI_API_KEY": "${VAPI_API_KEY}"}},
    "cursor": {**COMMAND, "env": {"VAPI_API_KEY": "${env:VAPI_API_KEY}"}},
    "vscode": {"type": "stdio", **COMMAND, "env": {"VAPI_API_KEY": "${input:vapi-api-key}"}},
    "windsurf": {**COMMAND, "env": {"VAPI_API_KEY": "${env:VAPI_API_KEY}"}},
    "codex": {**COMMAND, "env_vars": ["VAPI_API_KEY"]},
    "gemini": {**COMMAND, "env": {"VAPI_API_KEY": "${VAPI_API_KEY}"}},
    "opencode": {
        "type": "local",
        "command": ["uvx", *ARGS],
        "environment": {"VAPI_API_KEY": "{env:VAPI_API_KEY}"},
        "enabled": True,
    },
    "zed": {**COMMAND, "env": {"VAPI_API_KEY_FILE": str(KEY_FILE)}},
    "goose": {
        "enabled": True,
        "name": "Vapi sessions",
        "description": "Vapi sessions",
        "type": "stdio",
        "cmd": "uvx",
        "args": ARGS,
        "env_keys": ["VAPI_API_KEY"],
        "timeout": 300,
    },
}
REMOTE: dict[str, dict[str, Any]] = {
    "claude-code": {"type": "http", "url": URL, HEADERS: {"Authorization": "Bearer ${TOKEN}"}},
    "cursor": {"url": URL, HEADERS: {"Authorization": "Bearer ${env:TOKEN}"}},
    "vscode": {"type": "http", "url": URL, HEADERS: {"Authorization": "Bearer ${input:token}"}},
    "windsurf": {"serverUrl": URL, HEADERS: {"Authorization": "Bearer ${env:TOKEN}"}},
    "codex": {"url": URL, "bearer_token_env_var": "TOKEN"},
    "gemini": {"httpUrl": URL, HEADERS: {"Authorization": "Bearer ${TOKEN}"}},
    "opencode": {
        "type": "remote",
        "url": URL,
        HEADERS: {"Authorization": "Bearer {env:TOKEN}"},
        "enabled": True,
    },
    "goose": {
        "enabled": True,
        "name": "Vapi sessions",
        "description": "Vapi sessions",
        "type": "streamable_http",
        "uri": URL,
        HEADERS: {"Authorization": "Bearer ${TOKEN}"},
        "env_keys": ["TOKEN"],
        "timeout": 300,
    },
}


def entry(host: Host, server: Local | Remote) -> Any:
    return changes(host, server)[0].value


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_an_entry_is_what_the_host_documents(host: Host) -> None:
    # A name that a host does not know is ignored, and then nothing works and nobody says why.
    assert entry(host, LOCAL) == STDIO[host.name]


@pytest.mark.parametrize("host", [BY_NAME[name] for name in REMOTE], ids=lambda host: host.name)
def test_a_remote_entry_refers_to_its_token(host: Host) -> None:
    # The file is synchronized, backed up and pasted into bug reports.
    assert entry(host, Remote(URL, "TOKEN")) == REMOTE[host.name]
    without = entry(host, Remote(URL, None))
    assert "TOKEN" not in json.dumps(without)
    assert not {HEADERS, "env_keys", "bearer_token_env_var"} & set(without)


def test_what_a_host_cannot_say_is_refused() -> None:
    # An entry that the host ignores would look installed.
    with pytest.raises(NotPossible, match="Claude Desktop has no remote servers in its file: add"):
        changes(BY_NAME["claude-desktop"], Remote(URL, None))
    with pytest.raises(NotPossible, match="Zed cannot refer to a variable: leave --token-env out"):
        changes(BY_NAME["zed"], Remote(URL, "TOKEN"))
    assert entry(BY_NAME["zed"], Remote(URL, None)) == {"url": URL}


def test_vs_code_learns_what_to_ask_for() -> None:
    # An input that nothing declares is sent to the server as it is written.
    for server, id in ((LOCAL, "vapi-api-key"), (Remote(URL, "TOKEN"), "token")):
        _, (path, prompt) = changes(BY_NAME["vscode"], server)
        assert path == ("inputs", f"[{id}]")
        assert (prompt["id"], prompt["password"]) == (id, True)
    assert len(changes(BY_NAME["vscode"], Remote(URL, None))) == 1


def test_the_name_leaves_room_for_that_of_each_tool() -> None:
    # Hosts put one before the other, and cut or refuse what passes 64 characters.
    assert len(SERVER) <= 20


@pytest.mark.parametrize(
    ("name", "platform", "environ", "file"),
    [
        (
            "claude-desktop",
            "darwin",
            {},
            "Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "win32", {}, "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", {}, ".config/Claude/claude_desktop_config.json"),
        ("claude-code", "linux", {}, ".claude.json"),
        ("claude-code", "linux", {"CLAUDE_CONFIG_DIR": "/etc/claude"}, "/etc/claude/.claude.json"),
        ("cursor", "win32", {}, ".cursor/mcp.json"),
        ("vscode", "darwin", {}, "Library/Application Support/Code/User/mcp.json"),
        ("vscode", "win32", {"APPDATA": "/roaming"}, "/roaming/Code/User/mcp.json"),
        ("windsurf", "darwin", {}, ".codeium/windsurf/mcp_config.json"),
        ("codex", "linux", {}, ".codex/config.toml"),
        ("codex", "linux", {"CODEX_HOME": "/codex"}, "/codex/config.toml"),
        ("gemini", "linux", {}, ".gemini/settings.json"),
        ("opencode", "win32", {}, ".config/opencode/opencode.json"),
        ("opencode", "linux", {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/opencode/opencode.json"),
        ("zed", "linux", {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/zed/settings.json"),
        ("zed", "darwin", {"XDG_CONFIG_HOME": "/xdg"}, ".config/zed/settings.json"),
        ("zed", "win32", {}, "AppData/Roaming/Zed/settings.json"),
        ("goose", "darwin", {}, ".config/goose/config.yaml"),
        ("goose", "win32", {}, "AppData/Roaming/Block/goose/config/config.yaml"),
    ],
)
def test_each_host_s_file_is_where_it_looks(
    name: str, platform: str, environ: dict[str, str], file: str
) -> None:
    # A file anywhere else is one that nobody reads.
    home = Path("/home/ana")
    assert Machine(platform, home, environ).file(BY_NAME[name]) == home / file


def test_opencode_s_file_with_comments_counts_where_there_is_one(tmp_path: Path) -> None:
    # opencode reads both; a second file beside the user's would surprise.
    machine = Machine("linux", tmp_path, {})
    other = tmp_path / ".config" / "opencode" / "opencode.jsonc"
    other.parent.mkdir(parents=True)
    assert machine.file(BY_NAME["opencode"]).name == "opencode.json"
    other.touch()
    assert machine.file(BY_NAME["opencode"]) == other


def test_the_file_for_the_key_is_the_one_that_is_set(tmp_path: Path) -> None:
    # Who keeps the key in a file already keeps one copy of it.
    assert Machine("linux", tmp_path, {}).key_file() == (
        tmp_path / ".config" / "vapi-sessions-mcp" / "key"
    )
    given = {"VAPI_API_KEY_FILE": "/run/secrets/vapi"}
    assert Machine("linux", tmp_path, given).key_file() == Path("/run/secrets/vapi")


def test_what_is_written_starts_this_installation_again() -> None:
    # The environment that uvx makes is gone after its next clean-up.
    uvx = Path("/home/ana/.cache/uv/archive-v0/ryQ3S6-hd3AaVKn5")
    module = (sys.executable, "-m", "vapi_sessions_mcp")
    found = "/home/ana/.local/bin/vapi-sessions-mcp"
    name = "vapi-sessions-mcp"
    assert running_command(f"{uvx}/bin/{name}", uvx, f"{uvx}/bin/{name}") == ("uvx", name)
    windows = PureWindowsPath(r"C:\Users\ana\AppData\Local\uv\cache\archive-v0\ab12")
    assert running_command(name, windows, None) == ("uvx", name)
    assert running_command(name, Path("/opt/venv"), found) == (found,)
    # A shell in the folder of a checkout finds it by a relative path.
    relative = running_command(name, Path("/opt/venv"), ".envs/bin/vapi-sessions-mcp")
    assert relative == (str(Path(".envs/bin/vapi-sessions-mcp").absolute()),)
    main = "/opt/venv/lib/vapi_sessions_mcp/__main__.py"
    assert running_command(main, Path("/opt/venv"), main) == module
    assert running_command(name, Path("/opt/venv"), None) == module
