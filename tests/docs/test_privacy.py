"""The page about privacy says what SECURITY.md, the skill and the code say."""

import re
from pathlib import Path

import click

from vapi_sessions_mcp.cli.main import command
from vapi_sessions_mcp.contract.operations import OPERATIONS
from vapi_sessions_mcp.skill import load_skill

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "privacy.md").read_text(encoding="utf-8").split())


def test_each_option_and_tool_that_it_names_exists() -> None:
    # Whoever signs for privacy sets what the page names.
    known = {
        name for each in command.params if isinstance(each, click.Option) for name in each.opts
    }
    named = set(re.findall(r"`(--[a-z-]+)", PAGE))
    assert len(named) > 5
    assert named <= known
    tools = {name for row in OPERATIONS for name in row.names}
    assert set(re.findall(r"`([a-z]+_session[s]?)`", PAGE)) <= tools


def test_what_is_not_deleted_is_what_the_skill_has_an_agent_report() -> None:
    # Two lists of what a proof does not cover would differ at the worst moment.
    erasing = load_skill().files["references/erasing.md"].decode()
    unreached = " ".join(erasing.split())
    for each in ("records of calls, recordings and chats", "backups", "itemsBeyondRetention"):
        assert each in unreached
    for each in ("calls, their recordings", "chats", "backups", "`itemsBeyondRetention`"):
        assert each in PAGE
    assert "(../SECURITY.md#what-is-masked)" in PAGE
    assert "## What is masked" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
