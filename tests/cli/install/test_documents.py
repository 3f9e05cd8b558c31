"""Files of hosts with one entry more or less: every comment and every other value stays."""

import json
from collections.abc import Iterator, Sequence
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest

from support.host_files import host_text, parsed
from vapi_sessions_mcp.cli.install import documents
from vapi_sessions_mcp.cli.install.documents import Change, NotEditable
from vapi_sessions_mcp.cli.install.entries import Local, changes, places
from vapi_sessions_mcp.cli.install.hosts import BY_NAME, HOSTS, Host

SERVER = Local(("uvx", "vapi-sessions-mcp"), Path("/home/ana/key"))
OTHER = Local(("/opt/bin/vapi-sessions-mcp",), Path("/home/ana/key"))


def installed(host: Host, text: str, server: Local = SERVER) -> str:
    return documents.with_all(documents.named(host.format), text, changes(host, server))


def uninstalled(host: Host, text: str) -> str:
    return documents.without_all(documents.named(host.format), text, places(host))


def entry(host: Host, text: str) -> Any:
    return documents.at(parsed(host, text), places(host)[0])


def lost(before: str, after: str) -> list[str]:
    """The lines that are no longer there; a comma more behind one counts for nothing."""
    gone = [line[2:] for line in ndiff(before.splitlines(), after.splitlines()) if line[0] == "-"]
    return [line for line in gone if line.partition(" //")[0] + "," not in after]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_a_host_s_own_file_gets_the_entry_and_keeps_all_else(host: Host) -> None:
    # It holds what somebody spent an afternoon on.
    before = host_text(host)
    after = installed(host, before)
    for path, value in changes(host, SERVER):
        assert documents.at(parsed(host, after), path) == value
    if host.name != "cursor":  # one line is all that this file has
        assert lost(before, after) == []
    assert installed(host, after) == after


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_to_uninstall_leaves_the_file_as_it_was_to_the_byte(host: Host) -> None:
    # Whoever tries it out must not have to clean up.
    before = host_text(host)
    assert uninstalled(host, installed(host, before)) == before
    assert uninstalled(host, before) == before


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_an_entry_that_is_there_is_replaced(host: Host) -> None:
    # After an upgrade or a move, the old command leads nowhere.
    before = installed(host, host_text(host), OTHER)
    after = installed(host, before)
    assert entry(host, before) == changes(host, OTHER)[0].value
    assert entry(host, after) == changes(host, SERVER)[0].value
    assert uninstalled(host, after) == host_text(host)


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
@pytest.mark.parametrize("empty", ["", "\n", " \n\n"])
def test_a_file_with_nothing_in_it_gets_the_entry_alone(host: Host, empty: str) -> None:
    # Hosts make their file empty, and so does `touch`.
    after = installed(host, empty)
    assert entry(host, after) == changes(host, SERVER)[0].value
    assert after.endswith("\n")
    assert not after.startswith("\n\n")


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("cursor", "{}"),
        ("cursor", '{"mcpServers": {}}\n'),
        ("cursor", '{\n  "mcpServers": {\n  }\n}\n'),
        ("cursor", '{"mcpServers": {"a": {"command": "x"}}, "b": [1, 2.5, -3e2, null, true]}'),
        ("cursor", '{\r\n\t"mcpServers": {\r\n\t\t"a": {}\r\n\t}\r\n}\r\n'),
        ("cursor", '{"mcpServers": {\n  "a": {} } }'),
        ("vscode", "// nothing yet\n"),
        ("vscode", '{\n  // none\n  "servers": {\n    // later\n  },\n  "inputs": [],\n}\n'),
        ("vscode", '{ "inputs": [ "x", {"id": "y"} ], "servers": {"a": 1, /* b */} }'),
        ("zed", '{\n  "context_servers": {\n    "a": {} /* x */, // y\n  }\n}'),
        ("zed", '{"a": "/* no comment */ // \\" {", "context_servers": {"}": "\\u00e9é"}}'),
        ("codex", "# only a comment\n"),
        ("codex", "mcp_servers = {}\n"),
        ("codex", 'mcp_servers = { docs = { command = "npx" } } # inline\n'),
        ("codex", 'mcp_servers.docs.command = "npx"\nmodel = "x"\n[tui]\ntheme = "y"\n'),
        ("codex", '[mcp_servers]\ndocs = { command = "npx" }\n'),
        ("codex", '[mcp_servers.a]\ncommand = "x"\n[tui]\n[mcp_servers.b]\ncommand = "y"'),
        ("codex", 'a = """\n[mcp_servers.vapi-sessions]\n"""\n'),
        ("goose", "# only a comment\n"),
        ("goose", "extensions: {}\n"),
        ("goose", "extensions:"),
        ("goose", "extensions: ~ # none\nGOOSE_MODEL: x\n"),
        ("goose", "extensions: {developer: {enabled: true}}\n"),
        ("goose", "{extensions: {}, a: 1}\n"),
        ("goose", "a: 1\nextensions:\n    developer:\n        enabled: true"),
        ("goose", "---\na: &x 1\nb: *x\nextensions:\n\n  # one\n  developer: {enabled: true}\n"),
        ("goose", "a: |\n  extensions:\n   vapi-sessions: no\n"),
    ],
)
def test_an_odd_file_gets_the_entry_and_keeps_what_it_says(name: str, before: str) -> None:
    # People write their files by hand, and each in a style of their own.
    host = BY_NAME[name]
    was: Any = parsed(host, before) or {}
    after = installed(host, before)
    now: Any = parsed(host, after)
    for path, value in changes(host, SERVER):
        assert documents.at(now, path) == value
    back: Any = parsed(host, uninstalled(host, after))
    for table in (host.servers, host.prompts):
        for data in (was, back):
            if not data.get(table):
                data.pop(table, None)
    assert back == was
    assert [comment for comment in COMMENTS if comment in before and comment not in after] == []
    for quiet in (after, uninstalled(host, after)):
        assert ("\r\n" in before) == ("\r\n" in quiet)


COMMENTS = (
    *("// nothing yet", "// none", "// later", "/* b */", "/* x */", "// y", "# only a comment"),
    *("# inline", "# one", "# none"),
)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("cursor", '{"mcpServers": {', "is not valid JSON (line 1)"),
        ("cursor", '{"a": 1}\n{"b": 2}', "is not valid JSON (line 2)"),
        ("cursor", "{'mcpServers': {}}", "is not valid JSON (line 1)"),
        ("cursor", '{"a" 1}', "is not valid JSON (line 1)"),
        ("cursor", '{"a": nope}', "is not valid JSON (line 1)"),
        ("cursor", '{"a": 1 "b": 2}', "is not valid JSON (line 1)"),
        ("cursor", '{\n"a": ,}', "is not valid JSON (line 2)"),
        ("cursor", "{ /* never closed", "is not valid JSON (line 1)"),
        ("cursor", "[" * 100_000, "is nested too deeply"),
        (
            "cursor",
            '{"mcpServers": {},\n "mcpServers": {}}',
            "has 'mcpServers' twice in one object",
        ),
        ("cursor", "[]", "holds something other than a table of settings"),
        ("cursor", '{"mcpServers": []}', "has a 'mcpServers' that is no table"),
        ("cursor", '{"mcpServers": null}', "is written in a way that cannot be edited safely"),
        ("vscode", '{"servers": {}, "inputs": {}}', "has a 'inputs' that is no list"),
        ("codex", "[mcp_servers", "is not valid TOML ("),
        ("codex", "mcp_servers = []", "has a 'mcp_servers' that is no table"),
        ("goose", "a: [", "is not valid YAML (line"),
        ("goose", "a: 1\n---\nb: 2\n", "is not valid YAML"),
        ("goose", "a: 1\na: 2\n", "is not valid YAML"),
        ("goose", "- a\n", "holds something other than a table of settings"),
        ("goose", "extensions: yes please\n", "has a 'extensions' that is no table"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_alone(name: str, text: str, why: str) -> None:
    # To write it anew would take away what its owner was in the middle of writing.
    with pytest.raises(NotEditable) as caught:
        installed(BY_NAME[name], text)
    assert str(caught.value).startswith(why)


def test_a_prompt_that_vs_code_has_already_is_not_declared_twice() -> None:
    # With two of one id VS Code takes either.
    host = BY_NAME["vscode"]
    once = installed(host, host_text(host))
    changed = once.replace("Vapi private API key", "My own words")
    again: Any = parsed(host, installed(host, changed))
    assert [item["id"] for item in again["inputs"]] == ["github-token", "vapi-api-key"]


def test_a_comment_stays_with_what_it_is_about() -> None:
    # Moved behind another server it would be untrue.
    after = installed(BY_NAME["gemini"], host_text(BY_NAME["gemini"]))
    assert '"args": ["mcp-server-git"] }, // local\n    "vapi-sessions": {' in after
    after = installed(BY_NAME["codex"], host_text(BY_NAME["codex"]))
    assert '\n\n# What I trust.\n[projects."/home/ana/shop"]\n' in after


def test_comments_that_came_later_stay_when_the_entry_goes() -> None:
    # They are about what follows.
    codex, goose = BY_NAME["codex"], BY_NAME["goose"]
    after = f'{installed(codex, host_text(codex))}\n# later\n[tui]\ntheme = "x"\n'
    assert uninstalled(codex, after) == f'{host_text(codex)}\n# later\n[tui]\ntheme = "x"\n'
    middle = f'{installed(codex, "")}# mine\n[mcp_servers.zed]\ncommand = "x"\n'
    assert uninstalled(codex, middle) == '# mine\n[mcp_servers.zed]\ncommand = "x"\n'
    after = installed(goose, "extensions:\n  a: {}\n").replace("  a:", "  # mine\n\n  a:")
    assert uninstalled(goose, after) == "extensions:\n  # mine\n\n  a: {}\n"


class Careless:
    """A format whose library loses something."""

    @staticmethod
    def load(text: str) -> Any:
        return json.loads(text)

    @staticmethod
    def put(text: str, path: Sequence[str], value: Any) -> Iterator[str]:
        yield json.dumps({path[0]: {path[1]: value}})

    @staticmethod
    def drop(text: str, path: Sequence[str]) -> Iterator[str]:
        yield "{}"


def test_a_text_in_which_something_is_lost_is_never_written() -> None:
    # A fault in a library must not cost anybody their settings.
    before = '{"mcpServers": {"a": 1, "b": 2}, "c": 3}'
    with pytest.raises(NotEditable, match="cannot be edited safely"):
        documents.with_all(Careless, before, [Change(("mcpServers", "d"), {})])
    with pytest.raises(NotEditable, match="cannot be edited safely"):
        documents.without_all(Careless, before, [("mcpServers", "a")])
