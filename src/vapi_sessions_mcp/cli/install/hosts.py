"""The table: each host's file, where in it servers are, and what an entry looks like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, TypeAlias


class Part(Enum):
    """What takes the place of a value in an entry; a part that there is not leaves its name out."""

    COMMAND = auto()
    ARGS = auto()
    COMMAND_LINE = auto()
    """The command and its arguments in one list."""
    KEY = auto()
    """Variables of the server: the API key by reference, or the file that holds it."""
    KEY_NAMES = auto()
    """The names of variables that the host passes on."""
    URL = auto()
    HEADERS = auto()
    TOKEN_NAME = auto()
    TOKEN_NAMES = auto()


Shape: TypeAlias = Mapping[str, "Part | str | int | bool"]


@dataclass(frozen=True)
class Host:
    """One host. Its documentation is where all of this comes from."""

    name: str
    title: str
    file: str
    """Under a folder of `Machine`, such as `{home}`."""
    servers: str
    """The name of the table in which each server is an entry."""
    stdio: Shape
    http: Shape | None
    """None where a remote server cannot be configured in the file."""
    reference: str | None
    """How an entry refers to a variable; None where it cannot."""
    format: str = "json"
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """The file by platform, where it is another one there."""
    also: str = ""
    """Another name of the file, which counts where it exists."""
    prompts: str = ""
    """The list in which the host declares what it asks its user for, and keeps."""


@dataclass(frozen=True)
class Machine:
    """Where programs keep their configuration here."""

    platform: str
    home: Path
    environ: Mapping[str, str]

    def file(self, host: Host) -> Path:
        """The file in which `host` looks for its servers."""
        folders = self._folders()
        file = Path(host.files.get(self.platform, host.file).format_map(folders))
        other = file.with_name(host.also) if host.also else file
        return other if other.exists() else file

    def key_file(self) -> Path:
        """The file for the key where a host can refer to no variable."""
        given = self.environ.get("VAPI_API_KEY_FILE", "")
        return Path(given or self._xdg() / "vapi-sessions-mcp" / "key").absolute()

    def _xdg(self) -> Path:
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")

    def _folders(self) -> dict[str, Path]:
        apps = {
            "darwin": self.home / "Library" / "Application Support",
            "win32": Path(self.environ.get("APPDATA") or self.home / "AppData" / "Roaming"),
        }
        return {
            "home": self.home,
            "xdg": self._xdg(),
            "apps": apps.get(self.platform, self._xdg()),
            "claude": Path(self.environ.get("CLAUDE_CONFIG_DIR") or self.home),
            "codex": Path(self.environ.get("CODEX_HOME") or self.home / ".codex"),
        }


_LOCAL: Shape = {"command": Part.COMMAND, "args": Part.ARGS, "env": Part.KEY}
_REMOTE: Shape = {"url": Part.URL, "headers": Part.HEADERS}
_GOOSE: Shape = {"enabled": True, "name": "Vapi sessions", "description": "Vapi sessions"}

HOSTS: tuple[Host, ...] = (
    Host(
        name="claude-desktop",
        title="Claude Desktop",
        file="{apps}/Claude/claude_desktop_config.json",
        servers="mcpServers",
        stdio=_LOCAL,
        http=None,
        reference=None,
    ),
    Host(
        name="claude-code",
        title="Claude Code",
        file="{claude}/.claude.json",
        servers="mcpServers",
        stdio={"type": "stdio", **_LOCAL},
        http={"type": "http", **_REMOTE},
        reference="${{{name}}}",
    ),
    Host(
        name="cursor",
        title="Cursor",
        file="{home}/.cursor/mcp.json",
        servers="mcpServers",
        stdio=_LOCAL,
        http=_REMOTE,
        reference="${{env:{name}}}",
    ),
    Host(
        name="vscode",
        title="VS Code",
        file="{apps}/Code/User/mcp.json",
        servers="servers",
        stdio={"type": "stdio", **_LOCAL},
        http={"type": "http", **_REMOTE},
        reference="${{input:{id}}}",
        prompts="inputs",
    ),
    Host(
        name="windsurf",
        title="Windsurf",
        file="{home}/.codeium/windsurf/mcp_config.json",
        servers="mcpServers",
        stdio=_LOCAL,
        http={"serverUrl": Part.URL, "headers": Part.HEADERS},
        reference="${{env:{name}}}",
    ),
    Host(
        name="codex",
        title="Codex CLI",
        file="{codex}/config.toml",
        servers="mcp_servers",
        stdio={"command": Part.COMMAND, "args": Part.ARGS, "env_vars": Part.KEY_NAMES},
        http={"url": Part.URL, "bearer_token_env_var": Part.TOKEN_NAME},
        reference="{name}",
        format="toml",
    ),
    Host(
        name="gemini",
        title="Gemini CLI",
        file="{home}/.gemini/settings.json",
        servers="mcpServers",
        stdio=_LOCAL,
        http={"httpUrl": Part.URL, "headers": Part.HEADERS},
        reference="${{{name}}}",
    ),
    Host(
        name="opencode",
        title="opencode",
        file="{xdg}/opencode/opencode.json",
        also="opencode.jsonc",
        servers="mcp",
        stdio={
            "type": "local",
            "command": Part.COMMAND_LINE,
            "environment": Part.KEY,
            "enabled": True,
        },
        http={"type": "remote", **_REMOTE, "enabled": True},
        reference="{{env:{name}}}",
    ),
    Host(
        name="zed",
        title="Zed",
        file="{xdg}/zed/settings.json",
        files={"darwin": "{home}/.config/zed/settings.json", "win32": "{apps}/Zed/settings.json"},
        servers="context_servers",
        stdio=_LOCAL,
        http={"url": Part.URL},
        reference=None,
    ),
    Host(
        name="goose",
        title="Goose",
        file="{xdg}/goose/config.yaml",
        files={"win32": "{apps}/Block/goose/config/config.yaml"},
        servers="extensions",
        stdio={
            **_GOOSE,
            "type": "stdio",
            "cmd": Part.COMMAND,
            "args": Part.ARGS,
            "env_keys": Part.KEY_NAMES,
            "timeout": 300,
        },
        http={
            **_GOOSE,
            "type": "streamable_http",
            "uri": Part.URL,
            "headers": Part.HEADERS,
            "env_keys": Part.TOKEN_NAMES,
            "timeout": 300,
        },
        reference="${{{name}}}",
        format="yaml",
    ),
)
BY_NAME: dict[str, Host] = {host.name: host for host in HOSTS}


def fill(shape: Shape, parts: Mapping[Part, Any]) -> dict[str, Any]:
    """An entry of this shape; what `parts` lacks is left out."""
    entry: dict[str, Any] = {}
    for name, value in shape.items():
        if not isinstance(value, Part):
            entry[name] = value
        elif parts.get(value) is not None:
            entry[name] = parts[value]
    return entry
