"""The page about hosts has each of them, with its file and the way of the key."""

import os
import re
from pathlib import Path

import pytest

from vapi_sessions_mcp.cli.install.hosts import HOSTS, Host, Machine

PAGE = Path(__file__).parents[2] / "docs" / "install.md"
TABLE = re.compile(r"(?<=<!-- clients -->\n).*?(?=\n<!-- /clients -->)", re.DOTALL)
PLATFORMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}


def files(host: Host) -> str:
    """The host's file, once for all platforms on which it is the same."""
    by_file: dict[str, list[str]] = {}
    for platform, title in PLATFORMS.items():
        machine = Machine(platform, Path("~"), {"APPDATA": "%APPDATA%"})
        by_file.setdefault(machine.file(host).as_posix(), []).append(title)
    if len(by_file) == 1:
        return f"`{next(iter(by_file))}`"
    return "<br>".join(f"{', '.join(titles)}: `{file}`" for file, titles in by_file.items())


def key(host: Host) -> str:
    """How the host comes by the key."""
    if host.reference is None:
        return "the file `~/.config/vapi-sessions-mcp/key`"
    return "the host asks for it, and keeps it" if host.prompts else "the variable `VAPI_API_KEY`"


def table() -> str:
    lines = ["| host | client | its file | where the key is |", "|---|---|---|---|"]
    lines += [f"| {host.title} | `{host.name}` | {files(host)} | {key(host)} |" for host in HOSTS]
    return "\n".join(lines)


def test_the_table_says_what_the_code_says() -> None:
    # People look here for the file that they have to mend.
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        page = TABLE.sub(lambda _: table(), page)
        PAGE.write_text(page, encoding="utf-8")
    found = TABLE.search(page)
    assert found
    assert found.group() == table(), "run the tests with UPDATE_SNAPSHOTS=1 to write it anew"


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_the_readme_names_every_host(host: Host) -> None:
    # One that is not named there is one that nobody looks for.
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert host.title in " ".join(readme.split())
