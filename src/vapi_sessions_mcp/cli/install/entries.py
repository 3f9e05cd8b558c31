"""What is written for a host: the entry of this server, with no secret in it but by reference."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from vapi_sessions_mcp.cli.install.documents import Change, item
from vapi_sessions_mcp.cli.install.hosts import Host, Part, fill
from vapi_sessions_mcp.cli.secrets import API_KEY

# Hosts put it before each tool's name, and 64 characters are often the most for both.
SERVER = "vapi-sessions"
PACKAGE = "vapi-sessions-mcp"
SHORT_NAMES = ("--tool-names", "short")


@dataclass(frozen=True)
class Local:
    """A server that the host starts."""

    command: tuple[str, ...]
    key_file: Path
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remote:
    """A server that listens at `url`; its bearer token is in the variable `token`, if any."""

    url: str
    token: str | None


Server: TypeAlias = Local | Remote


class NotPossible(Exception):
    """The host has no way to say this; the sentence says what to do."""


def changes(host: Host, server: Server) -> list[Change]:
    """What has to be in the file of `host`, the entry first.

    Raises NotPossible.
    """
    entry = Change((host.servers, SERVER), _entry(host, server))
    name = API_KEY if isinstance(server, Local) else server.token
    if not (host.prompts and name):
        return [entry]
    what = "Vapi private API key" if isinstance(server, Local) else "Bearer token"
    prompt = {"type": "promptString", "id": _id(name), "description": what, "password": True}
    return [entry, Change((host.prompts, item(_id(name))), prompt)]


def places(host: Host) -> list[tuple[str, ...]]:
    """What is taken out again. A prompt for a token may be another server's too, and stays."""
    prompts = [(host.prompts, item(_id(API_KEY)))] if host.prompts else []
    return [(host.servers, SERVER), *prompts]


def running_command(argv0: str, prefix: PurePath, found: str | None) -> tuple[str, ...]:
    """What starts the server of this installation again.

    `argv0` is the name by which it was started, `found` where a shell finds that, and
    `prefix` the environment that it runs in, which uvx removes whenever it likes.
    """
    if any(re.fullmatch(r"archive-v\d+", part) for part in prefix.parts):
        return ("uvx", PACKAGE)
    if found and not argv0.endswith(".py"):
        return (str(Path(found).absolute()),)
    return (sys.executable, "-m", "vapi_sessions_mcp")


def _entry(host: Host, server: Server) -> dict[str, Any]:
    if isinstance(server, Local):
        return fill(host.stdio, _local_parts(host, server))
    if host.http is None:
        raise NotPossible(
            f"{host.title} has no remote servers in its file: add {server.url} in its settings,"
            " under Connectors."
        )
    if server.token and host.reference is None:
        raise NotPossible(
            f"{host.title} cannot refer to a variable: leave --token-env out, and put the token"
            " into its file by hand."
        )
    return fill(host.http, _remote_parts(host, server.url, server.token))


def _local_parts(host: Host, server: Local) -> dict[Part, Any]:
    command = [*server.command, *SHORT_NAMES, *server.options]
    key = {API_KEY: _reference(host, API_KEY)} if host.reference else None
    return {
        Part.COMMAND: command[0],
        Part.ARGS: command[1:],
        Part.COMMAND_LINE: command,
        Part.KEY: key or {f"{API_KEY}_FILE": str(server.key_file)},
        Part.KEY_NAMES: [API_KEY],
    }


def _remote_parts(host: Host, url: str, token: str | None) -> dict[Part, Any]:
    header = {"Authorization": f"Bearer {_reference(host, token)}"} if token else None
    return {
        Part.URL: url,
        Part.HEADERS: header,
        Part.TOKEN_NAME: token,
        Part.TOKEN_NAMES: [token] if token else None,
    }


def _reference(host: Host, name: str) -> str:
    return str(host.reference).format(name=name, id=_id(name))


def _id(name: str) -> str:
    return name.lower().replace("_", "-")
