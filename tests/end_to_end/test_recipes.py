"""docs/recipes.md in a shell: the command at its head, with the calls of recipes that change."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.processes import PATIENCE, environment

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
[COMMAND] = re.findall(r"```sh\n(.+)\n```", PAGE)
NOTED = "f4770ddd-79d3-57f7-8219-05edbdfd6a28"
CLOSED = "13c7157d-0dd0-5fc4-8817-99ddcd304b87"


class Shell:
    """A shell in a folder of its own, in which the package is installed."""

    def __init__(self, folder: Path) -> None:
        installed = folder / "vapi-sessions-mcp"
        installed.write_text(f'#!/bin/sh\nexec {sys.executable} -m vapi_sessions_mcp "$@"\n')
        installed.chmod(0o755)
        self._folder = folder
        self._known = environment()
        self._known["PATH"] = f"{folder}:{self._known['PATH']}"

    def answer(self, call: str) -> dict[str, Any]:
        """What a call of a recipe answers, typed as the page says."""
        tool, _, arguments = call.partition(" ")
        words = {"FILE": "try.db", "TOOL": tool, "ARGUMENTS": arguments.replace("'", "'\\''")}
        typed = re.sub("FILE|TOOL|ARGUMENTS", lambda word: words[word[0]], COMMAND)
        done = subprocess.run(
            ["/bin/sh", "-euc", typed],
            cwd=self._folder,
            env=self._known,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (typed, done.stderr)
        return json.loads(done.stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def calls(title: str) -> list[str]:
    """The calls of the recipe with this title, each on a line."""
    [lines] = re.findall(rf"^## {title}\n(?:[^`]*)```\n(.+?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    return lines.splitlines()


def test_a_call_sees_what_the_one_before_it_changed(shell: Shell) -> None:
    # Each is a process of its own, and a sandbox in memory forgets; its days go on, too.
    looked, noted = calls("Leave a note in a conversation")
    found = shell.answer(looked)["results"]
    assert NOTED in [row["id"] for row in found]
    shell.answer(noted)
    read = shell.answer(f'get_session {{"id": "{NOTED}", "messages": {{"last": 1}}}}')
    assert "CR-2201" in json.dumps(read)


def test_a_session_that_was_closed_is_no_longer_found(shell: Shell) -> None:
    # The list is of active ones.
    looked, closed = calls("Close a session")
    assert [row["id"] for row in shell.answer(looked)["results"]] == [CLOSED]
    assert shell.answer(closed)["status"] == "completed"
    assert shell.answer(looked)["results"] == []


def test_an_apostrophe_is_typed_as_the_page_says(shell: Shell) -> None:
    # A shell takes a bare one for the end of the arguments, and waits.
    [opened] = calls("Open a follow-up")
    assert "O'Neill" in opened
    made = shell.answer(opened)
    assert made["customer"]["name"] == "Sam O'Neill"
    assert made["createdAt"].startswith("2026-11-20T12:00:00")
