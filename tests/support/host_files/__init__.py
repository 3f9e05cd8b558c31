"""Configuration files as hosts and their users write them, each with a server in it."""

import sys
from pathlib import Path

from vapi_sessions_mcp.cli.install import documents
from vapi_sessions_mcp.cli.install.hosts import Host, Machine

ENDINGS = {"json": "json", "toml": "toml", "yaml": "yaml"}
# In each of the files where there is a server with a key of its own.
NEIGHBOURS_SECRET = "neighbours-secret-1"


def host_file(host: Host) -> Path:
    """The file of this host."""
    return Path(__file__).with_name(f"{host.name}.{ENDINGS[host.format]}")


def host_text(host: Host) -> str:
    """What the file of this host says."""
    return host_file(host).read_text(encoding="utf-8")


def put_in_place(host: Host, home: Path, content: bytes | None = None) -> Path:
    """The host's file under this home, with its usual content or another."""
    file = Machine(sys.platform, home, {}).file(host)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(host_file(host).read_bytes() if content is None else content)
    return file


def parsed(host: Host, text: str) -> object:
    """What a text in this host's format says."""
    return documents.named(host.format).load(text)
