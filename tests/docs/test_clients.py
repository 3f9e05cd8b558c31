"""The page about clients has each that is tested, in the version that is, with code that runs."""

import json
import re

import pytest

from support.clients import CLIENTS, ROOT, SOURCES, TABLE, TYPESCRIPT, driver

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| \[([\w-]+)\]\(#\1\) \| (.+?) \|.*\|$", PAGE, re.M))
SDKS = dict(re.findall(r"^\| \[([\w-]+)\]\S+ \| \S+ \| (\S*) ?\|", PAGE, re.M))
NPM: dict[str, str] = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))[
    "devDependencies"
]
VERSIONS = {
    **{name: row["requirements"][0].partition("==")[2] for name, row in TABLE.items()},
    "typescript-v1": NPM["@modelcontextprotocol/sdk"],
    "typescript-v2": NPM["@modelcontextprotocol/client"],
}


def lines(code: str) -> list[str]:
    return [line.strip() for line in code.splitlines() if line.strip()]


def test_the_table_has_every_client_in_the_version_that_is_tested() -> None:
    # What a framework loses is true of a version; a table of another one would mislead.
    assert {client: VERSIONS[client] for client in CLIENTS} == ROWS
    assert f"MCP Inspector {NPM['@modelcontextprotocol/inspector']} " in PAGE


def test_the_table_has_the_mcp_sdk_that_each_framework_brings() -> None:
    # Frameworks that need different ones cannot share an environment.
    for client in set(CLIENTS) - set(TYPESCRIPT):
        pins = (SOURCES / "constraints" / f"{client}.txt").read_text(encoding="utf-8")
        assert f"mcp=={SDKS[client]}\n" in pins, client


@pytest.mark.parametrize("client", CLIENTS)
def test_a_snippet_is_part_of_what_the_tests_run(client: str) -> None:
    # An example that was only ever read is broken by the next release of a framework.
    section = PAGE.partition(f"\n## {client}\n")[2].partition("\n## ")[0]
    (snippet,) = re.findall(r"```(?:python|js)\n(.+?)```", section, re.S)
    ran = iter(lines(driver(client).read_text(encoding="utf-8")))
    # In this order, and between them only what the tests need.
    assert [line for line in lines(snippet) if not any(line in other for other in ran)] == []


def test_every_version_is_exact() -> None:
    # A client that changes by itself makes CI fail on a day when nobody changed anything.
    for row in TABLE.values():
        first, *others = row["requirements"]
        assert "==" in first
        assert all("==" in one or one == "mcp<2" for one in others)
    assert all(re.fullmatch(r"[\d.]+(-alpha\.\d+)?", version) for version in NPM.values())
    for file in (SOURCES / "constraints").iterdir():
        assert all("==" in line for line in file.read_text(encoding="utf-8").splitlines())
    assert {file.stem for file in (SOURCES / "constraints").iterdir()} == TABLE.keys()
