"""What catalogues, hosts and people install from: one name, one version, one set of tools."""

import json
import os
import re
import tomllib
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from support.scripts import script
from vapi_sessions_mcp import __version__
from vapi_sessions_mcp.cli.install.entries import SERVER, Local, changes
from vapi_sessions_mcp.cli.install.hosts import BY_NAME
from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.mcp_server.identity import DESCRIPTION, NAME, TITLE, WEBSITE
from vapi_sessions_mcp.skill import load_skill

ROOT = Path(__file__).parents[2]
BUNDLE = script("bundle")
README = (ROOT / "README.md").read_text(encoding="utf-8")
UVX = Local(("uvx", "vapi-sessions-mcp"), Path())


def committed(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", BUNDLE.files())
def test_what_is_committed_is_what_the_code_makes(path: str) -> None:
    # A version that was forgotten in one of them is found by users.
    text = BUNDLE.files()[path]
    if os.environ.get("UPDATE_SNAPSHOTS"):
        (ROOT / path).write_text(text, encoding="utf-8")
    assert (ROOT / path).read_text(encoding="utf-8") == text, "run scripts/bundle metadata"


def test_all_metadata_agrees() -> None:
    # Each is read by another catalogue, and people compare them.
    server, gemini = committed("server.json"), committed("gemini-extension.json")
    plugin, market = (
        committed(f".claude-plugin/{name}.json") for name in ("plugin", "marketplace")
    )
    bundle: Any = BUNDLE.manifest()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [package], [listed] = server["packages"], market["plugins"]
    versions = [each["version"] for each in (server, gemini, plugin, bundle, package)]
    assert set(versions) == {__version__}
    described = (server, gemini, plugin, market, listed, bundle, project)
    assert {each["description"] for each in described} == {DESCRIPTION}
    assert len(DESCRIPTION) <= 100
    names = (bundle["name"], package["identifier"], market["name"], project["name"], NAME)
    assert set(names) == {"vapi-sessions-mcp"}
    assert {gemini["name"], plugin["name"], listed["name"]} == {SERVER}
    assert {server["title"], bundle["display_name"]} == {TITLE}
    assert {server["websiteUrl"], bundle["homepage"], plugin["homepage"]} == {WEBSITE}
    assert {bundle["license"], plugin["license"], project["license"]} == {"MIT"}
    assert bundle["compatibility"]["runtimes"]["python"] == project["requires-python"]
    assert [(tool["name"], tool["description"]) for tool in bundle["tools"]] == [
        (row.short_name, row.description) for row in OPERATIONS
    ]
    # The registry believes who names it in the README of the package.
    assert re.findall(r"<!-- mcp-name: (\S+) -->", README) == [server["name"]]


def test_the_key_is_a_secret_everywhere() -> None:
    # Declared as anything else it would be kept in a file, and shown while it is typed.
    assert BUNDLE.manifest()["user_config"]["api_key"]["sensitive"] is True
    assert committed(".claude-plugin/plugin.json")["userConfig"]["api_key"]["sensitive"] is True
    [setting] = committed("gemini-extension.json")["settings"]
    assert (setting["envVar"], setting["sensitive"]) == ("VAPI_API_KEY", True)
    [variable] = committed("server.json")["packages"][0]["environmentVariables"]
    assert (variable["name"], variable["isSecret"]) == ("VAPI_API_KEY", True)


def test_plugins_have_the_entry_that_install_writes() -> None:
    # Two ways to the same server must not lead to two servers.
    [gemini] = committed("gemini-extension.json")["mcpServers"].items()
    assert gemini == (SERVER, changes(BY_NAME["gemini"], UVX)[0].value)
    [(name, entry)] = committed(".claude-plugin/plugin.json")["mcpServers"].items()
    wanted = {**changes(BY_NAME["claude-code"], UVX)[0].value, "env": entry["env"]}
    assert (name, entry) == (SERVER, wanted)
    assert entry["env"] == {"VAPI_API_KEY": "${user_config.api_key}"}


def test_the_plugin_brings_the_skill() -> None:
    # A path that leads nowhere is left out without a word.
    skills = ROOT / committed(".claude-plugin/plugin.json")["skills"]
    assert (skills / load_skill().name / "SKILL.md").is_file()


def link(title: str) -> tuple[str, dict[str, str]]:
    """Where the README's link of this title leads, and what it carries."""
    [url] = re.findall(rf"\[{title}\]\(([^)]+)\)", README)
    parts = urlsplit(str(url))
    query = {name: value for name, [value] in parse_qs(parts.query, strict_parsing=True).items()}
    return f"{parts.scheme}://{parts.netloc}{parts.path}", query


def test_the_link_for_cursor_says_what_install_writes() -> None:
    # Nobody reads what is in such a link before they click it.
    where, query = link("Cursor")
    assert where == "https://cursor.com/install-mcp"
    assert query.pop("name") == SERVER
    assert json.loads(b64decode(query.pop("config"), validate=True)) == (
        changes(BY_NAME["cursor"], UVX)[0].value
    )
    assert query == {}


def test_the_link_for_vs_code_says_what_install_writes() -> None:
    # With an input that it does not declare, VS Code would send the placeholder as the key.
    where, query = link("VS Code")
    assert where == "https://vscode.dev/redirect/mcp/install"
    entry, prompt = (change.value for change in changes(BY_NAME["vscode"], UVX))
    assert query.pop("name") == SERVER
    assert json.loads(query.pop("config")) == entry
    assert json.loads(query.pop("inputs")) == [prompt]
    assert query == {}
