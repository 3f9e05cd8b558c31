"""The README is true: its tables come from the code, its commands run."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import anyio
import click
import pytest

from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.cli.secrets import read_api_key
from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.settings import Settings

pytestmark = pytest.mark.clock

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
SECURITY = ROOT / "SECURITY.md"
FIELDS = {field.name for field in fields(Settings)}


def tools_table() -> str:
    lines = [
        "| tool | short name | what it does | read-only | destructive |",
        "|---|---|---|---|---|",
    ]
    yes = {True: "yes", False: "no"}
    lines += [
        f"| `{row.name}` | `{row.short_name}` | {row.title} | {yes[row.read_only]}"
        f" | {yes[row.destructive]} |"
        for row in OPERATIONS
    ]
    return "\n".join(lines)


def settings_table() -> str:
    lines = ["| option | default | what it does |", "|---|---|---|"]
    for option in command.params:
        if not isinstance(option, click.Option) or option.name == "version":
            continue
        told = isinstance(option.default, str | int | float) and not option.is_flag
        default = f"`{option.default}`" if told else ""
        if option.name == "transports":
            default = f"`{Settings().transports[0]}`"
        choices = option.type.choices if isinstance(option.type, click.Choice) else ()
        values = f" `{'`, `'.join(map(str, choices))}`." if choices else ""
        text = (option.help or "").partition("  [default: ")[0]
        lines.append(f"| `{option.opts[0]}` | {default} | {text}{values} |")
    return "\n".join(lines)


def tokens_table() -> str:
    tokens = _benchmark("tokens")
    return str(tokens.table(anyio.run(tokens.measure)))


def _benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("file", "name", "table"),
    [
        (README, "tools", tools_table),
        (SETTINGS, "settings", settings_table),
        (README, "tokens", tokens_table),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_table_says_what_the_code_says(file: Path, name: str, table: Callable[[], str]) -> None:
    # A table that nobody checks is wrong after the second release.
    readme = file.read_text(encoding="utf-8")
    between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- /{name} -->)", re.DOTALL)
    made = table()
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(between.sub(lambda _: made, readme), encoding="utf-8")
        return
    found = between.search(readme)
    assert found is not None
    assert found.group() == made, "run the tests with UPDATE_SNAPSHOTS=1 to write it anew"


def test_the_tools_take_a_twentieth_of_what_passing_through_takes() -> None:
    # The claim that the table makes.
    tokens = _benchmark("tokens")
    _, raw, ours = anyio.run(tokens.measure)[-1]
    assert raw >= 20 * ours


def test_the_demo_command_works(given_environment: dict[str, str]) -> None:
    # It is the first thing a newcomer runs.
    assert "scripts/demo\n" in README.read_text(encoding="utf-8")
    done = subprocess.run(
        [ROOT / "scripts" / "demo"],
        env=given_environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Every step worked" in done.stdout
    for tool in (row.short_name for row in OPERATIONS):
        assert f"> {tool} " in done.stdout


def test_the_desktop_example_starts_this_command() -> None:
    # People copy it as it is.
    example = json.loads((ROOT / "claude_desktop_config.example.json").read_text(encoding="utf-8"))
    (name, entry), *_ = example["mcpServers"].items()
    assert len(name) <= 20
    assert entry["command"] == "uvx"
    package, *options = entry["args"]
    assert package == "vapi-sessions-mcp"
    done = subprocess.run(
        [sys.executable, "-m", "vapi_sessions_mcp", *options, "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("vapi-sessions-mcp ")
    # Left as it is, it is seen to be no key.
    assert read_api_key(entry["env"]).fault.startswith("VAPI_API_KEY holds a placeholder")


def test_the_readme_is_short() -> None:
    # What is longer than this is not read; more goes into docs/.
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def commands() -> list[str]:
    """Every command line of ours in the README and in docs/."""
    pages = [README, *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if "vapi-sessions-mcp " in line]


@pytest.mark.parametrize("line", commands())
def test_a_command_that_is_shown_is_one_that_is_understood(line: str) -> None:
    # People copy them; an option that was renamed would stop them at the first step.
    before, _, ours = line.partition("vapi-sessions-mcp ")
    context = command.make_context("vapi-sessions-mcp", shlex.split(ours))
    options = {name: value for name, value in context.params.items() if name in FIELDS}
    tokens = ("made-up-token-0123456789",) * ("VAPI_MCP_TOKENS=" in before)
    secrets = ("made-up-secret-0123456789",) * ("VAPI_MCP_WEBHOOK_SECRET=" in before)
    assert Settings(**options, tokens=tokens, webhook_secrets=secrets)


def test_each_link_to_a_page_of_ours_leads_somewhere() -> None:
    # A page that moved takes the answer with it.
    others = (
        ROOT / "CONTRIBUTING.md",
        ROOT / "evals" / "README.md",
        ROOT / "scripts" / "README.md",
    )
    for page in (README, SECURITY, *others, *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_each_threat_names_tests_that_exist() -> None:
    # A protection that no test shows is a hope.
    rows = re.findall(
        r"^\| (?!threat|---)(.*) \|$", SECURITY.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) > 15
    defined = "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")
    )
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2])
        assert named, row
        for name in named:
            assert f"def {name}(" in defined, name
